"""A release on trial goes when its processes die: at once after it was ready, at the third death before."""

from __future__ import annotations

from tpayd.supervision.judge import Judge, Limits


def looks(judge: Judge, *alive: dict[int, str], ready: bool = False) -> list[str]:
    return [judge.look(each, ready=ready, now_s=1.0 + number) for number, each in enumerate(alive)]


def test_who_lives_is_let_live() -> None:
    """Also while processes come one after the other."""
    assert ["", "", ""] == looks(Judge(0.0), {1: "gateway"}, {1: "gateway", 2: "updater"}, {1: "gateway", 2: "updater"})


def test_the_third_death_at_the_start_is_the_end() -> None:
    """Two may have been somebody else's fault."""
    said = looks(Judge(0.0), {1: "x"}, {2: "x"}, {3: "x"}, {4: "x"})
    assert ["", "", "", "x died 3 times within 4 s of the start of the new version"] == said


def test_deaths_of_different_processes_do_not_add_up() -> None:
    """Each gets its own tries."""
    assert ["", "", "", ""] == looks(Judge(0.0), {1: "x", 2: "y"}, {2: "y", 3: "x"}, {3: "x", 4: "y"}, {3: "x", 4: "y"})


def test_the_first_death_after_it_was_ready_is_the_end() -> None:
    """Healthy for a while is not healthy."""
    judge = Judge(0.0)
    assert [""] == looks(judge, {1: "x", 2: "y"}, ready=True)
    assert "y died 9 s after the start of the new version" == judge.look({1: "x"}, ready=True, now_s=9.0)


def test_a_process_id_that_is_used_again_is_no_life() -> None:
    """The id is the same, the process is not."""
    judge = Judge(0.0)
    assert [""] == looks(judge, {1: "x"}, ready=True)
    assert judge.look({1: "y"}, ready=True, now_s=2.0)


def test_nothing_at_all_is_the_end() -> None:
    """A release whose supervisor starts nobody never becomes ready."""
    judge = Judge(0.0, Limits(nothing_s=20.0))
    assert "" == judge.look({}, ready=False, now_s=19.0)
    assert "none of its processes runs 21 s after its start" == judge.look({}, ready=False, now_s=21.0)

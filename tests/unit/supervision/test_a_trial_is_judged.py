"""A release on trial goes when its processes die: at once after it was ready, at the third death before."""

from __future__ import annotations

from tpayd.supervision.control import ProcessInfo, ProcessState
from tpayd.supervision.judge import Judge, Limits


def told(**ended_s: int) -> list[ProcessInfo]:
    """What supervisord says: each process by name, and when it ended last (0: never)."""
    return [ProcessInfo(name, ProcessState.BACKOFF, 0, 0, "", ended) for name, ended in ended_s.items()]


def looks(judge: Judge, *processes: list[ProcessInfo], ready: bool = False) -> list[str]:
    return [judge.look(each, ready=ready, now_s=1.0 + number) for number, each in enumerate(processes)]


def test_who_lives_is_let_live() -> None:
    """Also while processes come one after the other."""
    assert ["", ""] == looks(Judge(0.0), told(gateway=0), told(gateway=0, updater=0))


def test_the_third_death_at_the_start_is_the_end() -> None:
    """Two may have been somebody else's fault. That it was never seen alive makes no difference."""
    said = looks(Judge(0.0), told(x=0), told(x=11), told(x=11), told(x=12), told(x=14))
    assert ["", "", "", "", "x died 3 times within 5 s of the start of the new version"] == said


def test_deaths_of_different_processes_do_not_add_up() -> None:
    """Each gets its own tries."""
    assert ["", "", ""] == looks(Judge(0.0), told(x=11, y=0), told(x=11, y=12), told(x=13, y=14))


def test_the_first_death_after_it_was_ready_is_the_end() -> None:
    """Healthy for a while is not healthy; what ended before is over."""
    judge = Judge(0.0)
    assert [""] == looks(judge, told(x=11, y=0))
    assert [""] == looks(judge, told(x=11, y=0), ready=True)
    assert "y died 9 s after the start of the new version" == judge.look(told(x=11, y=15), ready=True, now_s=9.0)


def test_a_launcher_that_comes_back_holds_nothing_old_against_it() -> None:
    """It was killed during the trial: the last launcher has judged the death before all was ready."""
    judge = Judge(0.0)
    assert ["", ""] == looks(judge, [], told(x=11), ready=True)
    assert "x died 9 s after the start of the new version" == judge.look(told(x=15), ready=True, now_s=9.0)


def test_a_supervisord_that_does_not_answer_forgets_nothing() -> None:
    """The next answer tells of what ended meanwhile."""
    assert ["", "", "", ""] == looks(Judge(0.0), told(x=11), [], told(x=12), [])
    judge = Judge(0.0)
    looks(judge, told(x=0), ready=True)
    assert ["", "x died 2 s after the start of the new version"] == looks(judge, [], told(x=12), ready=True)


def test_nothing_at_all_is_the_end() -> None:
    """A release whose supervisor starts nobody never becomes ready."""
    judge = Judge(0.0, Limits(nothing_s=20.0))
    assert "" == judge.look([], ready=False, now_s=19.0)
    assert "none of its processes runs 21 s after its start" == judge.look(told(x=0), ready=False, now_s=21.0)

"""When the watchdog takes a process for hung: three PINGs in a row without an answer, never sooner."""

from __future__ import annotations

from tpayd.supervision.control import ProcessInfo, ProcessState
from tpayd.supervision.vigil import Limits, Vigil

LIMITS = Limits(misses_to_kill=3, grace_s=15)


def process(pid: int = 7, *, state: ProcessState = ProcessState.RUNNING, uptime_s: int = 60) -> ProcessInfo:
    return ProcessInfo("host_link", state, pid, uptime_s, "")


def test_three_misses_in_a_row_are_too_many() -> None:
    """The third unanswered PING in a row names the process, once."""
    vigil = Vigil(LIMITS)
    silent = process()

    rounds = [vigil.hung({silent: False}) for _ in range(4)]

    assert [[], [], [silent], []] == rounds


def test_an_answer_begins_the_count_anew() -> None:
    """Two misses, an answer, two misses: not hung."""
    vigil = Vigil(LIMITS)
    slow = process()

    rounds = [vigil.hung({slow: answered}) for answered in (False, False, True, False, False)]

    assert [[], [], [], [], []] == rounds


def test_a_restarted_process_does_not_inherit_misses() -> None:
    """Misses belong to a process id."""
    vigil = Vigil(LIMITS)
    before, after = process(7), process(8)

    rounds = [vigil.hung({each: False}) for each in (before, before, after, after)]

    assert [[], [], [], []] == rounds


def test_a_process_that_is_not_asked_keeps_no_misses() -> None:
    """A round without the process, since it was not running, forgets what was counted."""
    vigil = Vigil(LIMITS)
    silent = process()

    rounds = [vigil.hung(answers) for answers in ({silent: False}, {silent: False}, {}, {silent: False})]

    assert [[], [], [], []] == rounds


def test_only_a_process_that_runs_for_a_while_is_asked() -> None:
    """A starting, stopping or just started process may be busy with its journal."""
    vigil = Vigil(LIMITS)
    old = process(1, uptime_s=15)
    others = [
        process(2, uptime_s=14),
        process(3, state=ProcessState.STARTING),
        process(4, state=ProcessState.STOPPING),
        process(0, state=ProcessState.FATAL),
    ]

    assert [old] == vigil.to_ping([old, *others])

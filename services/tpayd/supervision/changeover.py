"""The launcher's part in going over to another release: takes the updater's order, judges the trial, goes back.

The rules are `tpayd.releases.journal.next_step`; this does what they say, in an order in which a power cut at any
point leaves something to go on from. Standard library and `tpayd.releases` only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from tpayd.releases.book import Book, DamagedError, boot_id, boottime_ms
from tpayd.releases.journal import Attempt, Event, OutOfTurnError, State, Step, next_step
from tpayd.releases.layout import Layout
from tpayd.supervision.judge import Judge

if TYPE_CHECKING:
    from tpayd.supervision.control import ProcessInfo

__all__ = ["ORDER_VALID_S", "Changeover"]

ORDER_VALID_S = 15.0
"""Payments are held back while an order waits to be taken."""
_TRY_AGAIN_S = 10.0


class Changeover:
    """One launcher's view of releases: which to start, and whether what runs has to go."""

    def __init__(
        self,
        home: Path,
        own_environment: Path | None,
        note: Callable[..., None],
        processes: Callable[[], Collection[ProcessInfo]],
    ) -> None:
        """`own_environment` is that of whoever started the launcher; `processes` asks supervisord what it runs."""
        self._layout = Layout(home)
        self._book = Book(self._layout)
        self._own = own_environment
        self._note = note
        self._processes = processes
        self._judge: tuple[int, Judge] | None = None
        self._why = ""
        self._quiet_until_s = 0.0
        self._failed_order_ms = 0

    @property
    def on_trial(self) -> bool:
        """Whether what is used now may still have to go."""
        attempt = self._attempt()
        return attempt.on_trial and self._layout.current() == attempt.version

    def environment(self) -> Path | None:
        """Which environment processes are started from now on: a real path; None: the one of who started us."""
        return self._layout.environment(self._layout.current()) or self._own

    def look(self, running: Path | None) -> bool:
        """Whether what runs (from the environment `running`) has to end now. Called often."""
        step, why = self._next()
        attempt = self._attempt()
        if step is Step.WITHDRAW:
            self._write(Event.WITHDRAWN, attempt, why)
        elif step is Step.TAKE and attempt.ordered_ms != self._failed_order_ms:
            self._note("release.ordered", version=attempt.version, before=attempt.before)
            return True
        elif step is Step.BACK:
            if running is None or running != self._layout.environment(attempt.version):
                # What runs is the old one already.
                self._back(attempt, why)
                return False
            return self._condemn(attempt, why)
        elif step is Step.WATCH:
            ready = attempt.state is State.READY
            why = self._judged(attempt).look(self._processes(), ready=ready, now_s=time.monotonic())
            return bool(why) and self._condemn(attempt, why)
        return False

    def ended(self) -> None:
        """What ran has ended by itself, and its supervisord with it."""
        attempt = self._attempt()
        if self.on_trial and not self._why:
            self._condemn(attempt, "its supervisord ended")

    def not_prepared(self, problem: str) -> None:
        """The environment could not even be asked what it runs."""
        if self.on_trial:
            self._condemn(self._attempt(), f"it cannot be started: {problem}")

    def settle(self) -> None:
        """Nothing runs: do what the journal asks for, and what was found out while something ran."""
        step, why = self._next()
        attempt = self._attempt()
        if self._why and attempt.on_trial:
            self._back(attempt, self._why)
        elif step is Step.WITHDRAW:
            self._write(Event.WITHDRAWN, attempt, why)
        elif step is Step.TAKE and attempt.ordered_ms != self._failed_order_ms:
            self._go_over(attempt)
        elif step is Step.BACK:
            self._back(attempt, why)
        self._why = ""

    @property
    def condemned(self) -> bool:
        """Whether what runs goes because it is bad: then its end may be short."""
        return bool(self._why)

    def _next(self) -> tuple[Step, str]:
        return next_step(
            self._attempt(), linked=self._layout.current(), boot=boot_id(), now_ms=boottime_ms(),
            order_valid_ms=int(ORDER_VALID_S * 1000),
        )  # fmt: skip

    def _attempt(self) -> Attempt:
        try:
            return self._book.attempt()
        except (DamagedError, OSError) as error:
            self._complain("release.journal_unreadable", error)
            return Attempt()

    def _judged(self, attempt: Attempt) -> Judge:
        if self._judge is None or self._judge[0] != attempt.trial_from_ms:
            self._judge = attempt.trial_from_ms, Judge(time.monotonic())
        return self._judge[1]

    def _condemn(self, attempt: Attempt, why: str) -> bool:
        self._why = why
        self._note("release.condemned", alarm=True, version=attempt.version, why=why)
        return True

    def _go_over(self, attempt: Attempt) -> None:
        """TRIAL is on disk before the link moves: whoever finds the link moved knows that it is a trial."""
        if self._layout.environment(attempt.version) is None:
            self._write(Event.WITHDRAWN, attempt, f"{attempt.version} is not installed here any more")
            return
        if not self._write(Event.TRIAL, attempt, ""):
            # Taken once: the old processes must not end again and again for it. It grows old, and is withdrawn.
            self._failed_order_ms = attempt.ordered_ms
            return
        try:
            self._layout.use(attempt.version)
        except OSError as error:
            self._complain("release.link_not_moved", error)
            self._back(self._attempt(), f"the link could not be moved: {error}")
        else:
            self._note("release.on_trial", version=attempt.version, before=attempt.before)

    def _back(self, attempt: Attempt, why: str) -> None:
        """The link is back before it is written down: a trial with the link elsewhere is over."""
        try:
            if self._layout.current() != attempt.before:
                self._layout.use(attempt.before)
        except (OSError, ValueError) as error:
            self._complain("release.link_not_moved", error)
            return
        if self._write(Event.ROLLED_BACK, attempt, why):
            self._note("release.rolled_back", alarm=True, version=attempt.version, now=attempt.before, why=why)

    def _write(self, event: Event, attempt: Attempt, why: str) -> bool:
        if time.monotonic() < self._quiet_until_s:
            return False
        try:
            self._book.write(event, attempt.version, text=why)
        except (OutOfTurnError, DamagedError, OSError) as error:
            self._complain("release.journal_not_written", error, wanted=event.value)
            return False
        return True

    def _complain(self, event: str, error: Exception, **fields: object) -> None:
        """Not at each look: a full disk stays full for a while, and the log lies on it."""
        if time.monotonic() >= self._quiet_until_s:
            self._quiet_until_s = time.monotonic() + _TRY_AGAIN_S
            self._note(event, problem=str(error), **fields)

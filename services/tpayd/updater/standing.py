"""How it stands by the apply journal, to which the launcher writes as well: the last attempt, and what is installed."""

from __future__ import annotations

from collections.abc import Callable

from tpayd.kit.metrics import Metrics
from tpayd.releases.book import Book, DamagedError
from tpayd.releases.journal import Attempt, Event, State
from tpayd.releases.layout import Layout
from tpayd.updater.errors import HereError
from tpayd.updater.fitting import is_newer
from tpayd_contracts.updates import UpdateStep

__all__ = ["Standing"]


class Standing:
    """What was read at the last look; a journal that cannot be read changes nothing."""

    def __init__(self, layout: Layout, book: Book, running: str, changed: Callable[[], None]) -> None:
        """`running`: the version of this process. `changed` is called when a look finds something new."""
        self._layout = layout
        self._book = book
        self._running = running
        self._changed = changed
        self.attempt = Attempt()

    def measure(self, metrics: Metrics) -> None:
        """Show it."""
        metrics.watch(
            "update_on_trial", "1 while the running release may still be rolled back",
            lambda: float(self.attempt.on_trial),
        )  # fmt: skip
        metrics.watch(
            "update_rolled_back", "1 while the last attempt ended in a roll-back",
            lambda: float(self.attempt.state is State.ROLLED_BACK),
        )  # fmt: skip

    def begin(self) -> None:
        """The first look, which tells nobody."""
        self.attempt = self._read()

    def look(self) -> None:
        """Look again."""
        before, self.attempt = self.attempt, self._read()
        if before != self.attempt:
            self._changed()

    @property
    def staged(self) -> str:
        """The version that is installed beside the running one and waits to be gone over to; empty: none."""
        attempt = self.attempt
        waits = attempt.state is State.STAGED and is_newer(attempt.version, self._running)
        return attempt.version if waits and self._layout.environment(attempt.version) is not None else ""

    @property
    def step(self) -> UpdateStep:
        """Where the way to the next release has come to, while nobody is at work on it."""
        if self.attempt.on_trial:
            return UpdateStep.TRIAL
        if self.attempt.state is State.ORDERED:
            return UpdateStep.SWITCHING
        return UpdateStep.STAGED if self.staged else UpdateStep.IDLE

    def write(self, event: Event, version: str, by: str) -> None:
        """Note that something has happened. Raises HereError. Blocks."""
        try:
            self._book.write(event, version, by=by)
        except (OSError, DamagedError) as error:
            raise HereError(f"the apply journal cannot be written: {error}") from error

    def _read(self) -> Attempt:
        try:
            return self._book.attempt()
        except (DamagedError, OSError):
            return self.attempt

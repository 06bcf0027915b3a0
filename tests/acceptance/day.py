"""The store's day: it opens, sells while readers come and go, and its books are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tests.acceptance.command import Command
from tests.acceptance.opening import open_store, take_in
from tests.acceptance.tills import Tills
from tests.torture.oracle import differences
from tests.torture.told import Told

__all__ = ["Day", "live"]

_SETTLE_S = 90.0
"""How long a payment whose outcome is not known yet may take."""
_CHANGE_S = 120.0
_PAGE = 200
_PULLED = "reader-2"
_OPEN = "WAIT"


@dataclass(frozen=True)
class Day:
    """What came of it."""

    lanes: int
    readers: int
    told: tuple[Told, ...]
    refused: tuple[str, ...]
    lost: tuple[str, ...]
    """Where two books differ, and what is still open; the promise is that nothing stands here."""
    fairness: float
    """Jain's index over the lanes' shares, as `tpayd pool` shows it; 1.0 is perfect."""
    most_overtaken: int
    """The most often that one lane was served while another one waited."""
    seconds: float

    def last_line(self) -> str:
        """For scripts."""
        paid = sum(told.verdict == "PAID" for told in self.told)
        return (
            f"shop-day: lanes={self.lanes} readers={self.readers} payments={len(self.told)} paid={paid}"
            f" refused={len(self.refused)} lost={len(self.lost)} fairness={self.fairness:.3f}"
            f" most_overtaken={self.most_overtaken} seconds={self.seconds:.0f}"
        )


def live(home: Path, *, lanes: int, readers: int, payments: int, say: Callable[[str], None]) -> Day:
    """Found a sandbox in `home`, sell in it, compare its books and end it. Raises CommandFailedError."""
    user = Command(home, say)
    spare = f"reader-{readers + 1}"
    with ThreadPoolExecutor(1) as beside:
        try:
            open_store(user, lanes=lanes, readers=readers, spare=spare)
            changes = _Changes(user, payments, spare, beside)
            began = time.monotonic()
            tills = Tills(home, lanes, payments, changes.after)
            tills.sell()
            seconds = time.monotonic() - began
            changes.finish()
            told = [_settled(user, one) for one in tills.told]
            lost = differences(told, _booked(user))
            lost += [f"{one} is still open" for one in told if one.verdict == _OPEN]
            pool = user.run("pool")
            user.run("journal", "verify")
            user.run("close")
        finally:
            user.run("down")
    return Day(
        lanes, readers, tuple(told), tuple(tills.refused), tuple(lost), pool["fairness"], pool["most_overtaken"],
        seconds,
    )  # fmt: skip


class _Changes:
    """A third into the day a reader is pulled out; at half of it another one is put in."""

    def __init__(self, user: Command, payments: int, spare: str, beside: Executor) -> None:
        self._user = user
        self._beside = beside
        self._due: dict[int, Callable[[], None]] = {
            payments // 3: self._pull,
            payments // 2: lambda: self._put_in(spare),
        }
        self._begun: list[Future[None]] = []

    def after(self, done: int) -> None:
        """Called by the tills, one at a time; the tills go on meanwhile."""
        change = self._due.pop(done, None)
        if change is not None:
            self._begun.append(self._beside.submit(change))

    def finish(self) -> None:
        """Wait for all of them. Raises CommandFailedError."""
        for change in self._begun:
            change.result(_CHANGE_S)

    def _pull(self) -> None:
        self._user.run("sandbox", "reader", _PULLED, "--unplug")

    def _put_in(self, spare: str) -> None:
        self._user.run("sandbox", "reader", spare, "--plug")
        self._user.say(f"  the new reader is {take_in(self._user)}")


def _booked(user: Command) -> list[tuple[int, int]]:
    """Amount and net amount of all that the host has booked."""
    booked: list[tuple[int, int]] = []
    after = 0
    while page := user.run("sandbox", "ledger", "--after", str(after), "--limit", str(_PAGE))["entries"]:
        booked += [(entry["amount_minor"], entry["net_minor"]) for entry in page]
        after = page[-1]["number"]
    return booked


def _settled(user: Command, told: Told) -> Told:
    """A payment as the daemon knows it in the end; one that is open is asked for until it is not."""
    deadline = time.monotonic() + _SETTLE_S
    while told.verdict == _OPEN and time.monotonic() < deadline:
        answer = user.run("payment", "status", told.request_id, "--lane", told.lane)
        told = replace(told, verdict=answer["verdict"], state=answer["state"])
    return told

"""Goes over to an installed release: waits until no payment is under way, holds new ones back, orders the launcher."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import Callable
from functools import partial

from tpayd.kit.bus import CallError
from tpayd.kit.house import House
from tpayd.releases.book import Book
from tpayd.releases.journal import Event, OutOfTurnError, State
from tpayd.updater.refusals import NotIdleError, NotTakenError
from tpayd.updater.settings import UpdaterSettings
from tpayd_contracts.graph import SERVICES
from tpayd_contracts.health import HEALTH, Readiness
from tpayd_contracts.operation import Empty
from tpayd_contracts.updates import PAYMENTS_HOLD, PAYMENTS_RESUME, HeldPayments, HoldPayments

__all__ = ["Switching", "healthy"]

_HOLD_S = 10.0
"""Of each hold; repeated long before it ends."""
_LAST_MOMENT_S = 5.0
"""How long payments are held back to let the last ones finish, before lanes may begin again for a while."""
_BREATHER_S = 2.0
_LOOK_S = 0.1
_TAKEN_LIMIT_S = 20.0
"""Beyond what an order is valid for (`tpayd.supervision.changeover.ORDER_VALID_S`)."""
_ASK_S = 2.0

Tell = Callable[[HeldPayments], None]


class Switching:
    """One house's way over."""

    def __init__(self, house: House[UpdaterSettings], book: Book) -> None:
        self._house = house
        self._book = book
        self._transaction = house.caller("transaction")
        self.ending = asyncio.Event()
        """Set when this process is told to end: that is how an order is taken."""
        for name in SERVICES:
            house.caller(name)  # connected long before somebody is asked

    async def stored(self) -> HeldPayments | None:
        """What transaction says of its journal and of its payments; None if it does not answer."""
        try:
            return await self._transaction.call(PAYMENTS_HOLD, HoldPayments(ttl_s=0, why="asked"), ttl_s=_ASK_S)
        except CallError:
            return None

    async def order(
        self, version: str, by: str, wait_s: float, tell: Tell, check: Callable[[HeldPayments], None]
    ) -> None:
        """Returns when the launcher has taken the order: it ends this process then.

        `check` is asked at the last moment, with what is known then; it raises an UpdateError.

        Raises NotIdleError, NotTakenError, and what `check` raises: payments go on with the version that runs.
        """
        self._need_launcher()
        held = await self._idle(version, wait_s, tell)
        try:
            check(held)
            ready = await healthy(self._house, SERVICES)
            settings = self._house.settings
            write = partial(
                self._book.write, Event.ORDERED, version, before=self._house.version, by=by,
                ready_limit_ms=int(settings.ready_limit_s * 1000), trial_ms=int(settings.trial_s * 1000), ready=ready,
            )  # fmt: skip
            await asyncio.to_thread(write)
            self._house.log.info("update.ordered", version=version, by=by)
            await self._taken(version)
        except (OSError, OutOfTurnError) as error:
            await self._resume()
            raise NotTakenError(f"the apply journal cannot be written: {error}; free some disk space") from error
        except Exception:
            # Not when this process is told to end: that is how an order is taken, and the hold ends by itself.
            await self._resume()
            raise

    async def _idle(self, version: str, wait_s: float, tell: Tell) -> HeldPayments:
        """Hold new payments back, for a moment at a time, until none is under way. Leaves them held."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            held = await self._wait_held(version, tell)
            if not held.under_way:
                return held
            await self._resume()
            if asyncio.get_running_loop().time() > deadline:
                lanes = ", ".join(held.lanes) or "?"
                raise NotIdleError(f"payments were still under way after {wait_s:.0f} s (lanes {lanes}); try again")
            # A customer who takes his time on one lane must not keep the others from paying.
            await asyncio.sleep(_BREATHER_S)

    async def _wait_held(self, version: str, tell: Tell) -> HeldPayments:
        until = asyncio.get_running_loop().time() + _LAST_MOMENT_S
        while True:
            body = HoldPayments(ttl_s=_HOLD_S, why=f"update to {version}")
            try:
                held = await self._transaction.call(PAYMENTS_HOLD, body, ttl_s=_ASK_S)
            except CallError as error:
                raise NotIdleError(f"transaction does not say whether payments are under way: {error}") from error
            tell(held)
            if not held.under_way or asyncio.get_running_loop().time() > until:
                return held
            await asyncio.sleep(_LOOK_S)

    async def _taken(self, version: str) -> None:
        """The launcher ends all processes, this one first: what comes after is for its successor."""
        give_up = asyncio.get_running_loop().time() + _TAKEN_LIMIT_S
        while asyncio.get_running_loop().time() < give_up:
            if self.ending.is_set():
                return
            body = HoldPayments(ttl_s=_HOLD_S, why=f"update to {version}")
            with contextlib.suppress(CallError):
                await self._transaction.call(PAYMENTS_HOLD, body, ttl_s=_ASK_S)
            attempt = await asyncio.to_thread(self._book.attempt)
            if attempt.state is not State.ORDERED:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), _LOOK_S * 5)
        else:
            with contextlib.suppress(OutOfTurnError, OSError):
                await asyncio.to_thread(partial(self._book.write, Event.WITHDRAWN, version, text="nobody took it"))
        raise NotTakenError("the launcher did not take the order; see log/launcher.jsonl, then try again")

    async def _resume(self) -> None:
        with contextlib.suppress(CallError):
            await self._transaction.call(PAYMENTS_RESUME, Empty(), ttl_s=_ASK_S)

    def _need_launcher(self) -> None:
        """Raises NotTakenError where nobody would take the order."""
        try:
            with (self._house.instance.run / "launcher.pid").open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError:
            pass
        raise NotTakenError("no launcher runs, so nobody could go over to another release: `tpayd up` starts one")


async def healthy(house: House[UpdaterSettings], names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` that are ready."""

    async def ready(name: str) -> bool:
        try:
            health = await house.caller(name).call(HEALTH, Empty(), ttl_s=_ASK_S)
        except CallError:
            return False
        return health.readiness is Readiness.READY

    answers = await asyncio.gather(*(ready(name) for name in names))
    return tuple(name for name, is_ready in zip(names, answers, strict=True) if is_ready)

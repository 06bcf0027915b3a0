"""The operations on terminals: stage, commit, discard; switch prevention; download merchants.

One change at a time; another that comes meanwhile is refused as busy. What is in memory follows what is on disk, also
where whoever asked has gone meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from tpayd.kit.bus import CallError
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.kit.store_settings import business_number_fits
from tpayd.transaction.terminals.errors import HostRefusedError
from tpayd.transaction.terminals.files import Save
from tpayd.transaction.terminals.guard import PasswordGuard
from tpayd.transaction.terminals.register import ProfileRegister, Register
from tpayd.transaction.terminals.staging import Staging
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.terminal import (
    TERMINALS_MAX,
    DeleteTerminals,
    DownloadedMerchant,
    DownloadMerchant,
    Merchant,
    OpenedTerminals,
    Opening,
    OpenTerminals,
    SetPassword,
    SetPrevention,
    StagedTerminals,
    Terminal,
    TerminalList,
)

__all__ = ["TerminalDesk"]

_AT_ONCE = 5
"""Openings that are with the host at the same time."""


class Host(Protocol):
    """What is asked of the card host; see `opening.HostDesk`."""

    async def open_terminal(self, terminal_id: str, business_number: str, trace: str | None = None) -> Terminal: ...

    async def download_merchant(self, terminal_id: str, business_number: str, trace: str | None = None) -> Merchant: ...


class TerminalDesk:
    """Who may be served, and who may change that."""

    def __init__(
        self,
        register: Register,
        *,
        profile: str,
        lane_terminals: Sequence[str],
        host: Host,
        guard: PasswordGuard,
        save: Save[Register],
        session_s: float,
        clock: Clock,
        log: Log,
    ) -> None:
        """`session_s`: how long staged changes wait for the next one, or for their commit."""
        self._register = register
        self._profile = profile
        self._lane_terminals = tuple(lane_terminals)
        self._host = host
        self._guard = guard
        self._save = save
        self._session_ms = int(session_s * 1000)
        self._clock = clock
        self._log = log
        self._staging: Staging | None = None
        self._changing = False
        self._look()

    # Asked by payments

    def admit(self, lane: str, terminal_id: str) -> None:
        """Refuse a credit sale or void of a terminal that is not open, while prevention is on.

        Raises CallError `terminal_not_open`.
        """
        if not self.may_sell(terminal_id):
            text = (
                f"terminal {terminal_id} of lane {lane} is not open, and fraud-cancel prevention is on; "
                f"open it: tpayd terminal open {terminal_id} --commit"
            )
            raise CallError.not_started(ErrorCode.TERMINAL_NOT_OPEN, text)

    def may_sell(self, terminal_id: str) -> bool:
        """Whether `admit` would let it."""
        return not self._refuses or terminal_id in self._open

    @property
    def refused(self) -> tuple[str, ...]:
        """Terminals of this store's lanes that would be refused now."""
        return tuple(name for name in self._lane_terminals if name not in self._open) if self._refuses else ()

    def merchant(self, terminal_id: str) -> Merchant | None:
        """Whose terminal it is, if that was downloaded."""
        return self._merchants.get(terminal_id)

    @property
    def merchants(self) -> tuple[Merchant, ...]:
        return self._mine.merchants

    # Asked by an administrator

    def list(self) -> TerminalList:
        """What is open, and what is staged."""
        staged, now_ms = self._staging, self._clock.boottime_ms()
        return TerminalList(
            profile=self._profile,
            terminals=self._mine.terminals,
            terminals_max=TERMINALS_MAX,
            fraud_cancel_prevention=self._register.fraud_cancel_prevention,
            refused=self.refused,
            staged=None if staged is None else StagedTerminals(
                tuple(staged.opened.values()), tuple(sorted(staged.deleted)), staged.by,
                max(0, staged.until_ms - now_ms),
            ),
        )  # fmt: skip

    async def open(self, by: str, asked: OpenTerminals, trace: str | None = None) -> OpenedTerminals:
        """Ask the host for each, and stage those that it opened. Raises CallError; then nothing was asked."""
        with self._alone():
            staging = self._staged_by(by)
            room = staging.room(self._mine, asked.terminal_ids)
            if room < 0:
                text = f"{-room} too many: {TERMINALS_MAX} terminals may be open in all; delete others first"
                raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.terminal_ids")
            turns = asyncio.Semaphore(_AT_ONCE)
            ends = await asyncio.gather(
                *(self._open_one(name, asked.business_number, turns, trace) for name in asked.terminal_ids)
            )
            opened = [terminal for terminal, _ in ends if terminal is not None]
            if opened:
                self._stage(staging.with_opened(opened))
        openings = tuple(opening for _, opening in ends)
        self._log.info("terminals.opened", by=by, openings={each.terminal_id: each.code for each in openings})
        return OpenedTerminals(openings, self.list(), self._doubts(asked.business_number, asked.terminal_ids))

    def stage_delete(self, by: str, asked: DeleteTerminals) -> TerminalList:
        """Stage deletions. Raises CallError `not_found` if one is not on the list; then none is staged."""
        with self._alone():
            staging = self._staged_by(by)
            unknown = staging.unknown(self._mine, asked.terminal_ids)
            if unknown:
                text = f"not on the list of open terminals: {', '.join(unknown)}"
                raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.terminal_ids")
            self._stage(staging.with_deleted(self._mine, asked.terminal_ids))
        return self.list()

    async def commit(self, by: str) -> TerminalList:
        """Make all that is staged count. Raises CallError; it stays staged if the disk refused it."""
        with self._alone():
            if self._staging is None:
                text = "nothing is staged, or it was dropped after its time: open or delete terminals first"
                raise CallError.not_started(ErrorCode.NOT_FOUND, text)
            staging = self._staged_by(by)
            await self._put(self._register.put(self._profile, staging.committed(self._mine)), drop_staged=True)
        self._log.info("terminals.committed", by=by, opened=sorted(staging.opened), deleted=sorted(staging.deleted))
        return self.list()

    def discard(self, by: str) -> TerminalList:
        """Drop all that is staged."""
        with self._alone():
            if self._staging is not None:
                self._staged_by(by)
                self._staging = None
        return self.list()

    async def download_merchant(self, asked: DownloadMerchant, trace: str | None = None) -> DownloadedMerchant:
        """Fetch a merchant and keep it. Raises CallError."""
        with self._alone():
            try:
                merchant = await self._host.download_merchant(asked.terminal_id, asked.business_number, trace)
            except HostRefusedError as error:
                text = f"terminal {asked.terminal_id}, business number {asked.business_number}: {error}"
                raise CallError(ErrorCode.NOT_FOUND, text, outcome=Outcome.FAILED, detail=error.code) from error
            await self._put(self._register.put(self._profile, self._mine.with_merchant(merchant)))
        return DownloadedMerchant(merchant, self._doubts(asked.business_number, (asked.terminal_id,)))

    async def set_prevention(self, by: str, asked: SetPrevention) -> TerminalList:
        """Switch fraud-cancel prevention. Raises CallError `not_permitted` for a wrong password, or while locked."""
        with self._alone():
            await self._guard.prove(asked.password, by)
            await self._put(self._register.switched(on=asked.on))
        self._log.warning("terminals.fraud_cancel_prevention", on=asked.on, by=by)
        return self.list()

    async def set_password(self, by: str, asked: SetPassword) -> None:
        """Set the settings password. Raises CallError."""
        with self._alone():
            await self._guard.change(asked.new, asked.old, by)

    def expire(self) -> None:
        """Drop what has been staged for too long. Called every second."""
        staging = self._staging
        if staging is not None and not self._changing and self._clock.boottime_ms() >= staging.until_ms:
            self._log.info("terminals.staging_dropped", by=staging.by)
            self._staging = None

    # Inside

    async def _open_one(
        self, terminal_id: str, business_number: str, turns: asyncio.Semaphore, trace: str | None
    ) -> tuple[Terminal | None, Opening]:
        async with turns:
            try:
                terminal = await self._host.open_terminal(terminal_id, business_number, trace)
            except HostRefusedError as error:
                return None, Opening(terminal_id, opened=False, text=str(error), code=error.code)
            except CallError as error:
                return None, Opening(terminal_id, opened=False, text=error.message, code=error.code.value)
        return terminal, Opening(terminal_id, opened=True, text="opened by the host, staged")

    def _staged_by(self, by: str) -> Staging:
        staging = self._staging
        if staging is None:
            return Staging(by, self._until_ms())
        if staging.by != by:
            text = f"{staging.by} has changes staged; they end with its commit or discard, or after their time"
            raise CallError.not_started(ErrorCode.BUSY, text)
        return staging

    def _stage(self, staging: Staging) -> None:
        self._staging = replace(staging, until_ms=self._until_ms())

    def _until_ms(self) -> int:
        return self._clock.boottime_ms() + self._session_ms

    def _doubts(self, business_number: str, terminal_ids: Sequence[str]) -> tuple[str, ...]:
        doubts = [f"no lane of this store has terminal {name}" for name in terminal_ids
                  if name not in self._lane_terminals]  # fmt: skip
        if not business_number_fits(business_number):
            doubts.insert(0, f"business_number: the check digit of {business_number} does not fit")
        return tuple(doubts)

    async def _put(self, register: Register, *, drop_staged: bool = False) -> None:
        def on_disk() -> None:
            self._register = register
            if drop_staged:
                self._staging = None
            self._look()

        await self._save(register, on_disk)

    def _look(self) -> None:
        """Keep at hand what every payment asks."""
        self._mine: ProfileRegister = self._register.of(self._profile)
        self._open = self._mine.open_ids
        self._refuses = self._register.fraud_cancel_prevention
        self._merchants = {merchant.terminal_id: merchant for merchant in self._mine.merchants}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._changing:
            text = "another change of terminals is under way"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)
        self._changing = True
        try:
            yield
        finally:
            self._changing = False

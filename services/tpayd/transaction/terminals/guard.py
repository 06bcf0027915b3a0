"""Who knows the settings password? Counts each try on disk before it is judged."""

from __future__ import annotations

import asyncio

from tpayd.kit.bus import CallError
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.transaction.terminals.files import Save
from tpayd.transaction.terminals.password import FREE_TRIES, PasswordRecord
from tpayd_contracts.errors import ErrorCode

__all__ = ["PasswordGuard"]


class PasswordGuard:
    """One password, one try at a time (the caller sees to that)."""

    def __init__(
        self,
        record: PasswordRecord | None,
        save: Save[PasswordRecord],
        clock: Clock,
        log: Log,
    ) -> None:
        self._record = record
        self._save = save
        self._clock = clock
        self._log = log

    async def prove(self, password: str, by: str) -> None:
        """Return if this is the password.

        Raises CallError `not_permitted` (`detail`: `wrong_password` or `locked`), `not_found` while none is set.
        """
        if self._record is None:
            text = "no settings password is set yet; set one: tpayd password set"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text)
        now_ms = self._clock.unix_ms()
        record = self._record.seen_at(now_ms)
        if record is not self._record:
            await self._keep(record)
        locked_s = record.locked_for_s(now_ms)
        if locked_s:
            raise _refusal(f"locked after {record.wrong_tries} wrong passwords; try again in {locked_s} s", "locked")
        record = record.tried(now_ms)
        await self._keep(record)
        if not await asyncio.to_thread(record.fits, password):
            self._log.warning("settings.wrong_password", by=by, wrong_tries=record.wrong_tries)
            locked_s = record.locked_for_s(now_ms)
            left = FREE_TRIES - record.wrong_tries
            then = f"locked for {locked_s} s" if locked_s else f"{left} more before it is locked"
            raise _refusal(f"wrong password; {then}", "wrong_password")
        await self._keep(record.proven())

    async def change(self, new: str, old: str | None, by: str) -> None:
        """Set another password. Raises CallError, as `prove` does for the old one."""
        if self._record is not None:
            if old is None:
                text = "a settings password is set already; the old one is needed to change it"
                raise CallError.not_started(ErrorCode.NOT_PERMITTED, text, field="$.old")
            await self.prove(old, by)
        await self._keep(await asyncio.to_thread(PasswordRecord.of, new))
        self._log.warning("settings.password_set", by=by)

    async def _keep(self, record: PasswordRecord) -> None:
        def on_disk() -> None:
            self._record = record

        await self._save(record, on_disk)


def _refusal(text: str, detail: str) -> CallError:
    error = CallError.not_started(ErrorCode.NOT_PERMITTED, text)
    error.detail = detail
    return error

"""Key exchanges for whoever orders them: a person over the bus, or the clock (`renewal`). Each end is told."""

from __future__ import annotations

from collections.abc import Awaitable

from tpayd.key_manager.errors import AuditBrokenError, ExchangeFailedError, NoUsableKeyError, StoreError
from tpayd.key_manager.events import KeyEvents, way_out
from tpayd.key_manager.exchange import Exchanges, Tell
from tpayd.key_manager.gauges import KeyGauges
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.reader_standing import ReaderStanding
from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.store_header import SCHEMA_VERSION
from tpayd.key_manager.ticks import Ticker
from tpayd.kit.bus import CallError
from tpayd.kit.paging import page_of
from tpayd_contracts.device import DeviceState
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.keys import KeyInfo, KeyList, KeyState, KeyTime, KeyUsage

__all__ = ["GAVE_WAY", "ExchangeDesk"]

GAVE_WAY = frozenset({ErrorCode.BUSY, ErrorCode.LEASE_LOST})
"""How an exchange ends that nobody ordered, where a payment goes first."""


class ExchangeDesk:
    """Exchanges, and the list of keys."""

    def __init__(
        self,
        *,
        exchanges: Exchanges,
        standing: ReaderStanding,
        keyring: Keyring,
        ticker: Ticker,
        events: KeyEvents,
        gauges: KeyGauges,
        warn_days: int,
    ) -> None:
        """`warn_days`: so many days ahead of its expiry a key gets a note."""
        self._exchanges = exchanges
        self._standing = standing
        self._keyring = keyring
        self._ticker = ticker
        self._events = events
        self._gauges = gauges
        self._warn_days = warn_days

    async def terminal(
        self, terminal_id: str, tell: Tell, trace: str | None = None, *, automatic: bool = False
    ) -> KeyInfo:
        """A new MAC key for a terminal. Raises CallError."""
        work = self._exchanges.terminal(terminal_id, tell, trace)
        return await self._told(work, KeyUsage.TERMINAL_MAC, terminal_id, None, automatic=automatic)

    async def reader(self, device: str, tell: Tell, trace: str | None = None, *, automatic: bool = False) -> KeyInfo:
        """A new data key for a reader. Raises CallError."""
        await self._standing.ask()
        found = self._standing.device(device)
        if found is not None and found.state is DeviceState.ABSENT:
            text = f"{device} is not connected: {found.detail or 'check cable and power'}"
            raise CallError.not_started(ErrorCode.READER_UNAVAILABLE, text, retryable=True)
        if found is not None and found.leased_to is not None:
            tell("waiting", f"{device} serves lane {found.leased_to}: waiting until it is free")
        work = self._exchanges.reader(device, tell, trace, idle_only=automatic)
        owner = found.reader_id if found is not None and found.reader_id else device
        return await self._told(work, KeyUsage.READER_DATA, owner, device, automatic=automatic)

    def list(self, after: str | None = None) -> KeyList:
        """Every key whose id comes after that, as many as a page holds, and the time that they expire by."""
        time = self._ticker.time
        now_ms = time.now_ms()
        keys = {key.key_id: key for key in self._keyring}
        found = page_of(keys, after, lambda key_id: keys[key_id].info(now_ms, self._note(keys[key_id])))
        ahead_ms = time.machine_ahead_ms()
        key_time = KeyTime(now_ms, time.from_host, None if ahead_ms is None else ahead_ms // 1000)
        return KeyList(found.items, key_time, SCHEMA_VERSION, next=found.next)

    async def _told(
        self, work: Awaitable[KeyRecord], usage: KeyUsage, owner: str, device: str | None, *, automatic: bool
    ) -> KeyInfo:
        try:
            active = await work
        except ExchangeFailedError as error:
            self._ended(error.reason, automatic=automatic)
            doubt = next((key for key in self._keyring if key.state is KeyState.STAGED and key.device == device), None)
            if doubt is not None:
                self._events.in_doubt(doubt, automatic=automatic)
            else:
                self._events.failed(usage, owner, device, error.reason, error.text, automatic=automatic)
            code = ErrorCode.BUSY if error.reason == "under_way" else ErrorCode.KEY_UNAVAILABLE
            raise CallError(code, error.text, retryable=True, detail=error.reason) from error
        except NoUsableKeyError as error:
            self._ended(error.reason, automatic=automatic)
            field = "$.terminal_id" if error.reason == "unknown_terminal" else None
            code = ErrorCode.KEY_UNAVAILABLE if field is None else ErrorCode.NOT_FOUND
            raise CallError(code, error.text, outcome=Outcome.NOT_STARTED, field=field, detail=error.reason) from error
        except (StoreError, AuditBrokenError) as error:
            self._ended("store", automatic=automatic)
            raise CallError(ErrorCode.STORAGE_FAILED, str(error)) from error
        except CallError as error:
            self._ended(error.code.value, automatic=automatic)
            if not (automatic and error.code in GAVE_WAY):
                self._events.failed(usage, owner, device, error.code.value, error.message, automatic=automatic)
            # No money moves in an exchange: whatever was sent may be sent again, by beginning anew.
            raise CallError(
                error.code, error.message, retryable=True, detail=error.detail, field=error.field
            ) from error
        else:
            self._ended("done", automatic=automatic)
            self._events.exchanged(active, automatic=automatic)
            return active.info(self._ticker.now_ms())
        finally:
            self._gauges.show_keys(self._keyring, self._ticker.now_ms())
            if usage is KeyUsage.READER_DATA:
                # The reader that has just got its key serves the next customer, also one who comes at once.
                self._standing.look_again()
                await self._standing.settle()

    def _ended(self, how: str, *, automatic: bool) -> None:
        self._gauges.exchanges.labels(how, "clock" if automatic else "hand").inc()

    def _note(self, key: KeyRecord) -> str:
        if key.state is KeyState.STAGED:
            return "not confirmed by the reader, which is asked whether it holds it; the key before is in force"
        if key.state is KeyState.EXPIRED:
            return f"expired, new payments are refused: {way_out(key)}"
        if key.state is not KeyState.ACTIVE:
            return ""
        other = self._standing.holds_another(key) if key.usage is KeyUsage.READER_DATA else None
        if other is not None and not self._keyring.in_doubt(key.profile, key.owner):
            return f"the reader holds another key, {other}: {way_out(key)}"
        days = key.days_left(self._ticker.now_ms())
        return f"expires in {days} days: {way_out(key)}" if days is not None and days <= self._warn_days else ""

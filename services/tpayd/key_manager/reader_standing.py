"""Which readers may serve customers, by their keys: heard from the device broker, decided here, told to the broker.

    device.state ──► readers and the check values of the keys that they hold ──┐
    keyring ───────► keys in force, keys in doubt ─────────────────────────────┴─► bars ──► reader.bar

* A key in doubt (the reader was given it and said nothing) is settled by the reader's own check value: it is the new
  one's, which is then confirmed, or the old one's, and the new one is discarded. A reader that tells no check value
  keeps both, and the old one in force, until the next exchange.
* A reader without a key in force, with an expired one, or with one that nobody here knows is barred: other readers
  serve its lanes. `mac.exchange` refuses such a reader in any case; the bar spares the customer the try.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from msgspec import Raw

from tpayd.crypto.check_value import CHECK_VALUE_DIGITS, same_check_value
from tpayd.key_manager.errors import AuditBrokenError, StoreError
from tpayd.key_manager.events import KeyEvents
from tpayd.key_manager.exchange import Calls
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.vault import Vault
from tpayd.kit.bus import CallError
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.device_list import list_devices
from tpayd.kit.logs import Log
from tpayd_contracts.device import (
    KEY_RELEASE,
    READER_BAR,
    Ability,
    Bar,
    BarCause,
    BarReaders,
    Device,
    DeviceEvent,
    DeviceState,
    ReleaseKeys,
)
from tpayd_contracts.keys import KeyState, KeyUsage

__all__ = ["ReaderStanding"]

_NEED_A_KEY = frozenset({Ability.IC, Ability.STRIPE, Ability.CONTACTLESS, Ability.PIN})
"""What a device does under its key; a mere pad or scanner needs none."""
_CALL_S = 5.0
_AGAIN_MIN_S = 0.5
_AGAIN_MAX_S = 60.0
"""How long it is asked again which key a reader holds, by itself, before the sweeps do it."""


class ReaderStanding:
    """See the module. For one event loop."""

    def __init__(
        self,
        *,
        profile: str,
        keyring: Keyring,
        vault: Vault,
        broker: Calls,
        exchanging: Callable[[str], bool],
        now_ms: Callable[[], int],
        life_ms: int,
        events: KeyEvents,
        log: Log,
    ) -> None:
        """`exchanging`: whether a key exchange of that device runs, which settles its keys itself."""
        self._profile = profile
        self._keyring = keyring
        self._vault = vault
        self._broker = broker
        self._exchanging = exchanging
        self._now_ms = now_ms
        self._life_ms = life_ms
        self._events = events
        self._log = log
        self._devices: dict[str, Device] = {}
        self._known = False
        self._released = False
        self._told: tuple[Bar, ...] | None = None
        self._stale = asyncio.Event()
        self._settling = asyncio.Lock()
        self._again_s = _AGAIN_MIN_S
        self._work: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look at the readers now, and whenever something has changed."""
        self._stale.set()
        self._work = asyncio.get_running_loop().create_task(self._follow())

    def stop(self) -> None:
        if self._work is not None:
            self._work.cancel()

    def device(self, name: str) -> Device | None:
        """A device as the broker told it last."""
        return self._devices.get(name)

    def device_of(self, reader_id: str) -> Device | None:
        """The device that has this identity now, if one is connected."""
        found = (each for each in self._devices.values() if each.reader_id == reader_id)
        return next((each for each in found if each.state is not DeviceState.ABSENT), None)

    def holds_another(self, key: KeyRecord) -> str | None:
        """The check value of the key that a reader holds, if it is not this key's."""
        device = self.device_of(key.owner)
        told = _told(device) if device is not None else None
        return None if told is None or same_check_value(told, key.check_value) else told

    def on_event(self, _topic: str, _sequence: int, body: Raw) -> None:
        """The broker told of a device."""
        device = decode_body(body, DeviceEvent).device
        self._devices[device.name] = device
        self._stale.set()

    def on_gap(self) -> None:
        """Events were lost, or the broker is a new one, which knows no bars."""
        self.look_again()

    def look_again(self) -> None:
        """Ask the broker anew, and tell it all bars anew."""
        self._known, self._told = False, None
        self._stale.set()

    async def ask(self) -> None:
        """Hear from the broker how its devices stand now."""
        self._known = False
        await self.settle()

    async def settle(self) -> bool:
        """Settle keys in doubt and tell bars, now. False: the broker, or the disk, did not take it; look again."""
        async with self._settling:
            try:
                await self._settle()
            except CallError as error:
                self._log.info("readers.not_told", why=error.message)
            except (StoreError, AuditBrokenError) as error:
                self._log.error("readers.not_settled", why=str(error))
            else:
                return True
        return False

    async def _settle(self) -> None:
        if not self._released:
            # What a former process held for its exchanges is nobody's.
            await self._broker.call(KEY_RELEASE, ReleaseKeys(), ttl_s=_CALL_S)
            self._released = True
        if not self._known:
            devices = await list_devices(self._broker, _CALL_S)
            self._devices = {device.name: device for device in devices}
            self._known = True
        await self._settle_doubts()
        bars = tuple(self._bars())
        if bars != self._told:
            await self._broker.call(READER_BAR, BarReaders(BarCause.KEY, bars), ttl_s=_CALL_S)
            self._told = bars

    async def _follow(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            done = await self.settle()
            if done and not any(self._doubts(device) for device in self._present()):
                self._again_s = _AGAIN_MIN_S
            elif self._again_s <= _AGAIN_MAX_S:
                # The broker may be starting. And a reader that, identified anew, still holds the old key is no event.
                asyncio.get_running_loop().call_later(self._again_s, self.look_again)
                self._again_s *= 2

    def _doubts(self, device: Device) -> tuple[KeyRecord, ...]:
        return self._keyring.in_doubt(self._profile, device.reader_id or "")

    def _present(self) -> list[Device]:
        return [device for device in self._devices.values() if device.state is not DeviceState.ABSENT]

    async def _settle_doubts(self) -> None:
        for device in self._present():
            told = _told(device)
            doubts = self._doubts(device)
            if told is None or not doubts or self._exchanging(device.name):
                continue
            held = next((key for key in doubts if same_check_value(told, key.check_value)), None)
            if held is not None:
                await self._vault.confirm(held.key_id, "the reader tells its check value")
                self._events.exchanged(await self._vault.activate(held.key_id, self._life_ms))
                continue
            for key in doubts:
                await self._vault.discard(key.key_id, "the reader holds another key")

    def _bars(self) -> Iterable[Bar]:
        for device in self._devices.values():
            why = self._why_barred(device) if device.reader_id and _NEED_A_KEY & set(device.abilities) else None
            if why is not None:
                yield Bar(device.name, BarCause.KEY, f"{why}: `tpayd keys exchange --reader {device.name}`")

    def _why_barred(self, device: Device) -> str | None:
        key = self._keyring.current(KeyUsage.READER_DATA, self._profile, device.reader_id or "")
        if key is None:
            return "has no key of the card host"
        if key.state is not KeyState.ACTIVE or (key.expires_at_ms or 0) <= self._now_ms():
            return "its key has expired"
        told = _told(device)
        if told is None or same_check_value(told, key.check_value):
            return None
        if any(same_check_value(told, doubt.check_value) for doubt in self._keyring.in_doubt(self._profile, key.owner)):
            return None
        return f"it holds the key {told}, and not {key.check_value}, which it was given"


def _told(device: Device) -> str | None:
    """The check value of the key that it holds by its own word; None where that is none."""
    told = device.key_check_value
    return told if told is not None and len(told) == CHECK_VALUE_DIGITS and told.isalnum() else None

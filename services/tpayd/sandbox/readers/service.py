"""The process sandbox_readers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tpayd.kit.bus import CallError, Request
from tpayd.kit.process import House
from tpayd.kit.settings import SettingsError
from tpayd.sandbox.card_list import TestCard, load_cards
from tpayd.sandbox.readers.customer import Customer
from tpayd.sandbox.readers.devices import virtual_device
from tpayd.sandbox.readers.faulty_line import FaultyLine
from tpayd.sandbox.readers.plug import Cable, garbled
from tpayd.sandbox.readers.rounds import Deed
from tpayd.sandbox.readers.settings import SandboxReadersSettings, VirtualReaderSettings
from tpayd.sandbox.readers.vault import instance_secret
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox import (
    READER_PRESENT,
    READER_SET,
    READER_STATUS,
    Plug,
    PresentCard,
    ReaderList,
    SetReader,
    VirtualReaderStatus,
)

__all__ = ["SandboxReaders"]

_NOTICE = "SANDBOX: no real money moves here"


class SandboxReaders:
    """Card readers without hardware."""

    def __init__(self, house: House[SandboxReadersSettings]) -> None:
        """Raises SettingsError outside a sandbox, and for a card list or an auto_card that does not fit."""
        if not house.store.sandbox:
            problem = "is false, and virtual readers with their public keys have no place in a live store"
            raise SettingsError(house.instance.settings_file("store"), "sandbox", problem)
        self._house = house
        sandbox = house.instance.sandbox
        ports, vaults = sandbox / "readers", sandbox / "reader_state"
        for directory in (sandbox, ports, vaults):
            directory.mkdir(mode=0o750, exist_ok=True)
        self._cards = load_cards(sandbox / "cards.toml")
        secret = instance_secret(house.instance.secrets_of(house.name) / "sandbox_readers.key")
        self._seats: dict[str, _Seat] = {}
        for index, settings in enumerate(house.settings.readers):
            for name in _names(settings.auto_card):
                if name not in self._cards:
                    file = house.instance.settings_file(house.name)
                    problem = f"sandbox/cards.toml has no card {name!r}; it has: {', '.join(self._cards)}"
                    raise SettingsError(file, f"readers[{index}].auto_card", problem)
            serial_number = settings.serial_number or f"SBX{index + 1:07d}"
            vault = vaults / f"{settings.name}.state"
            self._seats[settings.name] = _Seat(house, settings, ports, serial_number, vault, secret, self._cards)

    async def start(self) -> None:
        server = self._house.server
        server.handle(READER_PRESENT, self._present)
        server.handle(READER_SET, self._set)
        server.handle(READER_STATUS, self._status)
        for seat in self._seats.values():
            seat.cable.plug_in()
        self._house.log.info("sandbox.readers", readers=len(self._seats), notice=_NOTICE)

    async def drain(self) -> None:
        """Nothing to finish: a reader that is switched off is one of the things that the broker must bear."""

    async def stop(self) -> None:
        for seat in self._seats.values():
            seat.cable.pull_out()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        return Readiness.READY, (Dependency(name="sandbox", ok=True, detail=_NOTICE),)

    def _present(self, _: Request, body: PresentCard) -> ReaderList:
        seat = self._seat(body.reader)
        card = self._card(body.card, "$.card")
        seat.say(seat.reader.give(card))
        return self._list()

    def _set(self, _: Request, body: SetReader) -> ReaderList:
        seat = self._seat(body.reader)
        self._set_customer(seat.reader.customer, body)
        if body.mute is not None:
            seat.mute = body.mute
        if body.faulty is not None:
            seat.reader.faulty = body.faulty
        if body.line is not None:
            seat.line.fault = body.line
        if body.power_fails_at is not None:
            if seat.reader.boot_loader is None:
                text = f"the firmware of {body.reader} is not updated over its line"
                raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.power_fails_at")
            seat.reader.boot_loader.power_fails_at = body.power_fails_at
        if body.plug is Plug.OUT:
            seat.power_cut()
        elif body.plug is Plug.IN:
            seat.cable.plug_in()
        return self._list()

    def _set_customer(self, customer: Customer, body: SetReader) -> None:
        if body.auto_card is not None:
            customer.purse = tuple(self._card(name, "$.auto_card") for name in _names(body.auto_card))
        if body.auto_delay_ms is not None:
            customer.delay_ms = body.auto_delay_ms
        if body.signing is not None:
            customer.signing = body.signing
        if body.keying is not None:
            customer.keying = body.keying
        if body.number is not None:
            customer.number = body.number

    def _status(self, _: Request, __: Empty) -> ReaderList:
        return self._list()

    def _seat(self, name: str) -> _Seat:
        seat = self._seats.get(name)
        if seat is None:
            text = f"the sandbox has no reader {name!r}; it has: {', '.join(self._seats)}"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.reader")
        return seat

    def _card(self, name: str, field: str) -> TestCard:
        card = self._cards.get(name)
        if card is None:
            text = f"sandbox/cards.toml has no card {name!r}; it has: {', '.join(self._cards)}"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field=field)
        return card

    def _list(self) -> ReaderList:
        return ReaderList(tuple(seat.status() for seat in self._seats.values()), tuple(self._cards))


class _Seat:
    """A virtual reader, its cable and its clockwork."""

    def __init__(
        self,
        house: House[SandboxReadersSettings],
        settings: VirtualReaderSettings,
        ports: Path,
        serial_number: str,
        vault: Path,
        secret: bytes,
        cards: dict[str, TestCard],
    ) -> None:
        self.name = settings.name
        self._port = f"sandbox/readers/{settings.name}"
        self._loop = asyncio.get_running_loop()
        self.reader = virtual_device(settings, serial_number, vault, secret, house.clock, self._later)
        self._baud = settings.baud
        self.reader.customer.purse = tuple(cards[name] for name in _names(settings.auto_card))
        self.reader.customer.delay_ms = settings.auto_delay_ms
        self.mute = False
        """It hears everything and says nothing."""
        self.cable = Cable(ports / settings.name, self._received)
        self.line = FaultyLine(self.cable.send, self.reader.opening)
        if self.reader.boot_loader is not None:
            self.reader.boot_loader.on_power_cut = self.power_cut

    def status(self) -> VirtualReaderStatus:
        customer = self.reader.customer
        return VirtualReaderStatus(
            name=self.name,
            port=self._port,
            plugged=self.cable.plugged,
            state=self.reader.phase.value,
            key_loaded=self.reader.key_loaded,
            auto_card=", ".join(card.name for card in customer.purse) or None,
            signing=customer.signing,
            keying=customer.keying,
            mute=self.mute,
            faulty=self.reader.faulty,
            line=self.line.fault,
            firmware="" if self.reader.boot_loader is None else self.reader.boot_loader.version,
        )

    def power_cut(self) -> None:
        """The plug is out, and with it the power."""
        self.cable.pull_out()
        self.reader.power_off()

    def say(self, data: bytes) -> None:
        if data and not self.mute:
            self.line.say(data if self._baud is None else self._heard(data))

    def _heard(self, data: bytes) -> bytes:
        """What is left of bytes on the line of a reader that has a speed of its own, in either direction."""
        return data if self.cable.baud == self._baud else garbled(data)

    def _received(self, data: bytes) -> None:
        self.say(self.reader.received(data if self._baud is None else self._heard(data)))

    def _later(self, delay_ms: int, deed: Deed) -> None:
        self._loop.call_later(delay_ms / 1000, lambda: self.say(deed()))


def _names(purse: str) -> list[str]:
    """The cards of a list with commas."""
    return [name for part in purse.split(",") if (name := part.strip())]

"""Readers on simulated serial lines: the broker's own driver at one end, the sandbox's reader at the other.

`SimPort` stands for `tpayd.device_broker.port.Port`. `Desktop` is the reader with its cable and the customer before it:
bytes are delayed, cut into pieces, garbled and lost, and the cable is pulled out and put back in.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tpayd.sandbox.card_list import CardKind, TestCard
from tpayd.sandbox.readers.cardslot import CardPhase
from tpayd.sandbox.readers.customer import STRIPE_TYPES
from tpayd.sandbox.readers.line import RequestReader
from tpayd.sandbox.readers.pad import PadPhase
from tpayd.sandbox.readers.virtual import VirtualReader

if TYPE_CHECKING:
    from tests.simulation.plan import Visit
    from tests.simulation.process import Process
    from tests.simulation.world import World

__all__ = ["Desktop", "SimPort"]

_SILENCE_US = 300_000
"""After so long a reader takes what comes for the beginning of a frame."""
_KSN_HEAD = bytes.fromhex("5250445230303031")
_WAITS = (CardPhase.CARD_WAIT, PadPhase.CODE_WAIT)


def _card(kind: CardKind) -> TestCard:
    match kind:
        case CardKind.WALLET:
            return TestCard(name="wallet", kind=kind, code="281006000011112222")
        case CardKind.CASH_IC:
            return TestCard(
                name="bank", kind=kind, pan="4761739001010119", pin="1234", choices=("1",), label="SIM"
            )  # fmt: skip
        case _:
            return TestCard(name=kind.value, kind=kind, pan="4761739001010119", label="SIM")


class _Vault:
    """A reader's memory with a key in it. Its cipher names the sale that the card was read for."""

    key_loaded = True
    check_value = "0123456789"

    def __init__(self, desktop: Desktop) -> None:
        self._desktop = desktop
        self._counter = 0

    def encrypt(self, _: str) -> tuple[bytes, bytes]:
        self._counter += 1
        return _KSN_HEAD + self._counter.to_bytes(4, "big"), self._desktop.customer.ljust(48).encode()

    def encrypt_pin(self, _: str, __: str) -> tuple[bytes, bytes]:
        self._counter += 1
        return _KSN_HEAD + self._counter.to_bytes(4, "big"), bytes(16)


class Desktop:
    """One reader as it stands on the counter. It belongs to no process, so it never dies with one."""

    def __init__(self, world: World, name: str, number: int) -> None:
        self.name = name
        self.plugged = True
        self.customer = ""
        """Whose card it is that was presented last."""
        self.noise = 0.0
        """Share of the pieces on the line that are garbled or lost."""
        self._world = world
        self._chance = random.Random(f"{world.seed}:{name}")
        self._port: SimPort | None = None
        self._out_us = self._in_us = self._heard_us = 0
        self.reader = VirtualReader(f"{number:010d}", _Vault(self), world.clock, self._later)  # type: ignore[arg-type]

    # The cable

    def plug_in(self) -> None:
        if not self.plugged:
            self._world.note(self.name, "is plugged in")
        self.plugged = True

    def pull_out(self) -> None:
        if not self.plugged:
            return
        self._world.note(self.name, "is unplugged")
        self.plugged = False
        self.reader.power_off()
        port, self._port = self._port, None
        if port is not None:
            self._world.at(0, port.loop, port.lost, "unplugged")

    def open(self, port: SimPort) -> bool:
        if not self.plugged:
            return False
        self._port = port
        return True

    def close(self, port: SimPort) -> None:
        if self._port is port:
            self._port = None

    # Bytes

    def send(self, data: bytes) -> None:
        """From the broker to the reader."""
        if self.plugged:
            self._out_us = max(self._out_us, self._world.now_us + self._chance.randrange(500, 8_000))
            self._world.exactly(self._out_us, self._world.outside, self._arrived, self._harmed(data))

    def _arrived(self, data: bytes) -> None:
        if not self.plugged:
            return
        if self._world.now_us - self._heard_us > _SILENCE_US:
            # As real readers do: what was begun and not ended is forgotten.
            self.reader._requests = RequestReader()
        self._heard_us = self._world.now_us
        before = self._wait
        answer = self.reader.received(data)
        if self.reader.phase in _WAITS and before != self._wait:
            self._asked()
        self._back(answer)

    @property
    def _wait(self) -> tuple[str, int, int]:
        """What the reader waits for, and for the how-manieth time."""
        reader = self.reader
        return reader.phase, reader._slot._rounds._round, reader._pad._rounds._round

    @property
    def card_inside(self) -> bool:
        return self.reader._slot.inside

    def _back(self, data: bytes) -> None:
        port = self._port
        if not data or port is None or not self.plugged:
            return
        for piece in self._pieces(data):
            self._in_us = max(self._in_us, self._world.now_us + self._chance.randrange(500, 8_000))
            self._world.exactly(self._in_us, port.loop, port.arrived, self._harmed(piece))

    def _pieces(self, data: bytes) -> list[bytes]:
        if len(data) < 2 or self._chance.random() < 0.9:
            return [data]
        at = self._chance.randrange(1, len(data))
        return [data[:at], data[at:]]

    def _harmed(self, data: bytes) -> bytes:
        if self.noise == 0.0 or self._chance.random() >= self.noise:
            return data
        at = self._chance.randrange(len(data))
        if self._chance.random() < 0.5:
            return data[:at]
        return data[:at] + bytes([data[at] ^ (1 << self._chance.randrange(8))]) + data[at + 1 :]

    def _later(self, delay_ms: int, deed: Callable[[], bytes]) -> None:
        self._world.at(delay_ms / 1000, self._world.outside, lambda: self._back(deed()))

    # The customer

    def _asked(self) -> None:
        """The display shows an amount, or asks for a code. Whose it is decides who comes to the reader."""
        amount_minor = self.reader._slot._amount_minor if self.reader.phase is CardPhase.CARD_WAIT else 0
        visit = self._world.watch.reader_asked(self, amount_minor)
        if visit is not None and visit.card is not None:
            self._world.at(visit.card_after_s, self._world.outside, self._present, visit, self._wait)

    def _present(self, visit: Visit, wait: tuple[str, int, int]) -> None:
        if not self.plugged or self._wait != wait or visit.card is None:
            return
        self._world.watch.card_presented(self, visit)
        customer = self.reader.customer
        if self.customer != visit.name:
            customer._failed = None
        self.customer = visit.name
        customer.delay_ms, customer.keying, customer.signing = 300, visit.keying, visit.signing
        if customer._failed is not None and self.reader._slot._type in STRIPE_TYPES:
            self._back(self.reader._slot.present())
        else:
            self._back(self.reader.give(replace(_card(visit.card), stays_ms=visit.card_stays_ms)))
        customer._given = None


class SimPort:
    """`tpayd.device_broker.port.Port` on a simulated line."""

    def __init__(
        self, name: str, _: Any, owner: Any, *, process: Process, desktop: Desktop, reopen_min_s: float,
        reopen_max_s: float,
    ) -> None:  # fmt: skip
        self.name = self.where = name
        self.loop = process.loop
        self._owner = owner
        self._desktop = desktop
        self._reopen_s = (reopen_min_s, reopen_max_s)
        self._open = False
        self._closed = False

    @property
    def is_open(self) -> bool:
        return self._open

    def start(self) -> None:
        if not self._closed:
            self.loop.call_later(0.002, self._try)

    def settled(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        if self._open:
            self._desktop.send(data)

    def drop(self, why: str) -> None:
        if self._open:
            self._desktop.close(self)
            self._missed(why)

    def look(self) -> None:
        """A pulled plug tells itself."""

    def close(self) -> None:
        self._closed = True
        self._open = False
        self._desktop.close(self)

    def arrived(self, data: bytes) -> None:
        if self._open and data:
            self._owner.on_data(data)

    def lost(self, why: str) -> None:
        if self._open:
            self._missed(why)

    def _try(self) -> None:
        if self._closed or self._open:
            return
        if self._desktop.open(self):
            self._open = True
            self._owner.on_open()
        else:
            self._missed("not there")

    def _missed(self, why: str) -> None:
        self._open = False
        self.loop.call_later(self._reopen_s[1], self._try)
        self._owner.on_lost(why)

"""The virtual host and the virtual readers, as a test controls them."""

from __future__ import annotations

from typing import Protocol, TypeVar

from msgspec import Struct

from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.sandbox import (
    HOST_LEDGER,
    HOST_SET,
    HOST_STATUS,
    READER_PRESENT,
    READER_SET,
    READER_STATUS,
    HostBehaviour,
    HostMode,
    HostRequest,
    HostStatus,
    Keying,
    LedgerEntry,
    LedgerQuery,
    LineFault,
    Plug,
    PresentCard,
    ReaderList,
    SetHost,
    SetReader,
    Signing,
)

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)

_PAGE = 200


class Ask(Protocol):
    def __call__(self, service: str, op: Op[Q, A], body: Q) -> A: ...


class Sandbox:
    """Commands to the sandbox of one store."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def host(
        self, mode: HostMode, *, code: str = "51", delay_ms: int = 0, times: int = 0, only: HostRequest | None = None
    ) -> HostStatus:
        """Have the host behave like that from now on; after `times` requests (0: never) it approves again.

        `only`: for this kind of request alone.
        """
        return self._ask("sandbox_host", HOST_SET, SetHost(HostBehaviour(mode, code, delay_ms, times, only)))

    def host_status(self) -> HostStatus:
        return self._ask("sandbox_host", HOST_STATUS, Empty())

    def ledger(self) -> list[LedgerEntry]:
        """All that the host has booked, oldest first."""
        entries: list[LedgerEntry] = []
        while True:
            after = entries[-1].number if entries else 0
            page = self._ask("sandbox_host", HOST_LEDGER, LedgerQuery(after, _PAGE)).entries
            entries += page
            if len(page) < _PAGE:
                return entries

    def present(self, reader: str, card: str) -> ReaderList:
        """Hold a card to a reader; it is taken at the next (or current) card wait."""
        return self._ask("sandbox_readers", READER_PRESENT, PresentCard(reader, card))

    def auto(self, reader: str, card: str, *, delay_ms: int = 0) -> ReaderList:
        """Present this card by itself at each wait, or of several (a comma between) the first that fits; "": none."""
        return self._ask("sandbox_readers", READER_SET, SetReader(reader, auto_card=card, auto_delay_ms=delay_ms))

    def customer(
        self, reader: str, *, signing: Signing | None = None, keying: Keying | None = None, number: str | None = None,
        delay_ms: int | None = None,
    ) -> ReaderList:  # fmt: skip
        """What the customer at a reader does when he is to sign or to key something."""
        change = SetReader(reader, auto_delay_ms=delay_ms, signing=signing, keying=keying, number=number)
        return self._ask("sandbox_readers", READER_SET, change)

    def mute(self, reader: str, *, mute: bool = True) -> ReaderList:
        """Have a reader say nothing at all."""
        return self._ask("sandbox_readers", READER_SET, SetReader(reader, mute=mute))

    def faulty(self, reader: str, *, faulty: bool = True) -> ReaderList:
        """Have a reader's self-test fail."""
        return self._ask("sandbox_readers", READER_SET, SetReader(reader, faulty=faulty))

    def line(self, reader: str, fault: LineFault) -> ReaderList:
        """What becomes of the reader's answers from now on."""
        return self._ask("sandbox_readers", READER_SET, SetReader(reader, line=fault))

    def plug(self, reader: str) -> ReaderList:
        return self._ask("sandbox_readers", READER_SET, SetReader(reader, plug=Plug.IN))

    def unplug(self, reader: str) -> ReaderList:
        return self._ask("sandbox_readers", READER_SET, SetReader(reader, plug=Plug.OUT))

    def power_fails_at(self, reader: str, held_bytes: int) -> ReaderList:
        """Have the power go when a reader would hold so many bytes of new firmware; `plug` brings it back."""
        return self._ask("sandbox_readers", READER_SET, SetReader(reader, power_fails_at=held_bytes))

    def readers(self) -> ReaderList:
        return self._ask("sandbox_readers", READER_STATUS, Empty())

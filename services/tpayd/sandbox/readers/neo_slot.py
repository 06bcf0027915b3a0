"""A virtual NEO reader's card slot and its transactions: 02-40 and 60-12 from the reader's side."""

from __future__ import annotations

import enum
from collections.abc import Callable

from tpayd.crypto.errors import CryptoError
from tpayd.kit.clock import Clock
from tpayd.sandbox.card_list import CardKind, TestCard
from tpayd.sandbox.readers.cardslot import SWIPED_KINDS, CardPhase
from tpayd.sandbox.readers.customer import STRIPE_TYPES, Customer, fits
from tpayd.sandbox.readers.emv import chip_data, cryptogram
from tpayd.sandbox.readers.neo_line import neo_answer, neo_told, objects, packed
from tpayd.sandbox.readers.rounds import Later, Rounds
from tpayd.sandbox.readers.vault import Vault

__all__ = ["NeoSlot"]

_ACTIVATE, _APPLY_HOST, _SWITCHES = 0x02, 0x60, 0xF2
_OK, _BAD_DATA, _TIMED_OUT, _FAILED, _EVENT, _ONLINE, _BEGUN = 0x00, 0x07, 0x08, 0x0A, 0x0E, 0x23, 0x63
_BLOCKED, _NO_APPLICATION, _SILENT = 0x25, 0x27, 0x30
"""Error codes of a failed transaction."""
_APPROVED, _DECLINED, _ONLINE_WANTED = b"\0\2", b"\0\3", b"\0\4"
_GOOD_ARCS = frozenset({b"00", b"10", b"11"})
_CREDIT, _BY_STRIPE, _WITHOUT_WORD = "01", "07", "06"
"""What the customer takes a transaction for, in the words of `customer`."""
_ENCRYPTED_AES = 0b1100_0010


class _Way(enum.IntEnum):
    """How a card is presented: bits of the attribution byte, and POS entry mode."""

    CONTACT = 0x00_05
    CONTACTLESS = 0x01_07
    STRIPE = 0x08_90

    @property
    def attribution(self) -> bytes:
        return bytes([_ENCRYPTED_AES | self >> 8])

    @property
    def entry_mode(self) -> bytes:
        return bytes([self & 0xFF])


class NeoSlot:
    """See the module."""

    def __init__(self, vault: Vault, customer: Customer, clock: Clock, later: Later) -> None:
        self.phase = CardPhase.IDLE
        self.card: TestCard | None = None
        """The card of the last transaction."""
        self.inside = False
        self.notifies = False
        """Whether it tells of its slot by itself."""
        self._vault = vault
        self._customer = customer
        self._clock = clock
        self._later = later
        self._rounds = Rounds(later)
        self._transactions = 0
        self._amount = bytes(6)
        self._sequence = b""
        self._type = _CREDIT

    def begin(self, data: bytes) -> bytes:
        """02-40."""
        self.rest()
        try:
            told = objects(data[1:])
            self._amount, self._sequence, ways = told[0x9F02], told[0x9F41], told[0xDFEF37]
        except (ValueError, KeyError):
            return neo_answer(_ACTIVATE, _BAD_DATA)
        goes_online = told.get(0xDFEF1F, b"\0\0")[:1] == b"\1"
        self._type = _BY_STRIPE if ways == b"\1" else _CREDIT if goes_online else _WITHOUT_WORD
        begun = neo_answer(_ACTIVATE, _BEGUN)
        if not self._vault.key_loaded:
            # As real ones do without a key: what they read would be in clear. This one reads nothing.
            return begun + neo_answer(_ACTIVATE, _OK, b"\0" + packed(0x9F41, self._sequence))
        self.phase = CardPhase.CARD_WAIT
        self._transactions += 1
        self._rounds.after(data[0] * 1000, self._time_over)
        if self.inside and self.card is not None:
            return begun + self._take(_Way.CONTACT)
        return begun + (self.present() if self._customer.hurries else self._after(self.present))

    def present(self) -> bytes:
        """The customer presents his card, if one is waited for."""
        if self.phase is not CardPhase.CARD_WAIT or self.inside:
            return b""
        card = self._customer.card_for(self._type)
        if card is None:
            return b""
        self.card = card
        seen = neo_answer(_ACTIVATE, _EVENT, b"\1")
        if self._type in STRIPE_TYPES or card.kind in SWIPED_KINDS:
            return seen + self._take(_Way.STRIPE)
        if card.kind is CardKind.CONTACTLESS:
            return seen + self._take(_Way.CONTACTLESS)
        self.inside = True
        return self._seated() + seen + self._take(_Way.CONTACT)

    def finish(self, data: bytes) -> bytes:
        """60-12. A card that is no longer there has no word."""
        try:
            told = objects(data)
            arc, sequence = told[0x8A], told[0x9F41]
        except (ValueError, KeyError):
            return neo_answer(_APPLY_HOST, _BAD_DATA)
        if self.phase is not CardPhase.HOST_WAIT or sequence != self._sequence:
            return neo_answer(_APPLY_HOST, 0x0B)
        self.phase = CardPhase.IDLE
        card = self.card
        declines = not self.inside or (card is not None and card.kind is CardKind.IC_DECLINES)
        result = _APPROVED if arc in _GOOD_ARCS and not declines else _DECLINED
        word = packed(0x9F26, bytes.fromhex(cryptogram())) if self.inside else b""
        said = packed(0xDFEE25, result) + word + packed(0x9F41, self._sequence)
        return neo_answer(_APPLY_HOST, _BEGUN) + neo_answer(_APPLY_HOST, _OK, said) + self.let_go()

    def let_go(self) -> bytes:
        """The customer is told to take his card."""
        card = self.card
        if not self.inside or card is None:
            return b""
        if card.stays_ms == 0:
            return self._take_back()
        self._later(card.stays_ms, self._take_back)
        return b""

    def pull_out(self) -> bytes:
        """The customer takes his card in the middle of it."""
        if not self.inside:
            return b""
        self.inside = False
        return self._seated()

    def rest(self) -> None:
        """End whatever is under way."""
        self.phase = CardPhase.IDLE
        self._rounds.end()

    def _take(self, way: _Way) -> bytes:
        """The reader has the card before it."""
        card = self.card
        assert card is not None  # noqa: S101
        if card.kind in (CardKind.IC_BROKEN, CardKind.IC_UNKNOWN) and way is _Way.CONTACT:
            self._customer.took_back(card)
            return self._refuse(way, _SILENT if card.kind is CardKind.IC_BROKEN else _NO_APPLICATION)
        payable = fits(card, "01") or fits(card, "02") or fits(card, self._type)
        if card.kind is CardKind.IC_REFUSED or not payable:
            return self._refuse(way, _BLOCKED)
        try:
            ksn, cipher = self._vault.encrypt(card.track)
        except CryptoError:
            return self._refuse(way, _BLOCKED)
        with_word = self._type != _WITHOUT_WORD and way is not _Way.STRIPE
        self.phase = CardPhase.HOST_WAIT if way is _Way.CONTACT else CardPhase.IDLE
        said = (
            way.attribution
            + packed(0xDFEE12, ksn)
            + packed(0x57, cipher)
            + packed(0xDFEF5B, _masked(card))
            + packed(0x50, card.label.encode("ascii", "replace"))
            + packed(0x9F39, way.entry_mode)
            + (packed(0xDFEE25, _ONLINE_WANTED) if way is _Way.CONTACT else b"")
            + packed(0xDFEE26, way.attribution + b"\0")
            + packed(0x9F41, self._sequence)
            + (self._chip_data(card) if with_word else b"")
        )
        return neo_answer(_ACTIVATE, _ONLINE if with_word else _OK, said)

    def _chip_data(self, card: TestCard) -> bytes:
        at = self._clock.local().strftime("%Y%m%d%H%M%S")
        return chip_data(card.pan, int(self._amount.hex()), at, self._transactions)

    def _refuse(self, way: _Way, error: int) -> bytes:
        self.phase = CardPhase.IDLE
        said = way.attribution + packed(0xFFEE1F, bytes([error, 0, 0, 0])) + packed(0x9F41, self._sequence)
        return neo_answer(_ACTIVATE, _FAILED, said)

    def _time_over(self) -> bytes:
        if self.phase is not CardPhase.CARD_WAIT:
            return b""
        self.phase = CardPhase.IDLE
        return neo_answer(_ACTIVATE, _TIMED_OUT)

    def _take_back(self) -> bytes:
        if not self.inside or self.phase is not CardPhase.IDLE:
            return b""
        self.inside = False
        return self._seated()

    def _seated(self) -> bytes:
        return neo_told(_SWITCHES, 0, bytes([self.inside])) if self.notifies else b""

    def _after(self, deed: Callable[[], bytes]) -> bytes:
        return self._rounds.after(self._customer.delay_ms, deed)


def _masked(card: TestCard) -> bytes:
    """As ID TECH writes it: C for a hidden digit, F to fill up."""
    text = card.masked.replace("*", "C")
    return bytes.fromhex(text + "F" * (len(text) % 2))

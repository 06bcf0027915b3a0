"""A virtual reader's card slot and its transactions: messages 10, 11, 20 and 21 from the reader's side."""

from __future__ import annotations

import enum
from collections.abc import Callable

from tpayd.crypto.errors import CryptoError
from tpayd.sandbox.card_list import CardKind, TestCard
from tpayd.sandbox.readers.customer import (
    CASH_IC_TYPES,
    MEMBERSHIP_TYPE,
    STRIPE_TYPES,
    UNIONPAY_TYPES,
    Customer,
    fits,
)
from tpayd.sandbox.readers.emv import chip_data, cryptogram
from tpayd.sandbox.readers.line import answer
from tpayd.sandbox.readers.rounds import Later, Rounds
from tpayd.sandbox.readers.vault import Vault
from tpayd_contracts.sandbox import Keying

__all__ = ["NO_KEY", "REFUSED", "SWIPED_KINDS", "CardPhase", "CardSlot"]

NO_KEY = "90"
REFUSED = "91"
"""The customer said no."""

_EMPTY, _INSERTED, _TAPPED, _SWIPED, _PULL, _PIN, _ENTERED, _CHOICE = (
    answer(0x19, b"%02d" % code) for code in range(8)
)
_CHIP_SILENT = "01"
_NO_APPLICATION = "02"
_UNUSABLE = "10"
_NO_PIN_PAD = "12"
SWIPED_KINDS = frozenset({CardKind.STRIPE, CardKind.MEMBERSHIP, CardKind.CASH_RECEIPT})
_WITH_WORD = frozenset({"01", "02"})
"""The types whose chip cards wait for the host's word."""
_WITH_PIN = UNIONPAY_TYPES | CASH_IC_TYPES
_BLANK_CIPHER = bytes(12 + 48)


class CardPhase(enum.StrEnum):
    """What the slot is waiting for."""

    IDLE = "idle"
    CARD_WAIT = "card_wait"
    CHOICE_WAIT = "choice_wait"
    PIN_WAIT = "pin_wait"
    PULL_WAIT = "pull_wait"
    """The chip has failed; the card has to come out."""
    SWIPE_WAIT = "swipe_wait"
    HOST_WAIT = "host_wait"
    """A chip card was read and waits for the host's word."""


# Every reading passes these, and to look a member up in its enum takes longer than what is done with it.
_IDLE, _CARD_WAIT, _HOST_WAIT = CardPhase.IDLE, CardPhase.CARD_WAIT, CardPhase.HOST_WAIT
_CONTACTLESS, _CASH_IC = CardKind.CONTACTLESS, CardKind.CASH_IC
_IC_REFUSED, _IC_UNKNOWN, _IC_BROKEN = CardKind.IC_REFUSED, CardKind.IC_UNKNOWN, CardKind.IC_BROKEN


class CardSlot:
    """See the module. `said(frame)` keeps an answer for the case that it has to be repeated."""

    def __init__(self, vault: Vault, customer: Customer, later: Later, said: Callable[[bytes], bytes]) -> None:
        self.phase = _IDLE
        self.card: TestCard | None = None
        """The card of the last transaction."""
        self.inside = False
        self._vault = vault
        self._customer = customer
        self._later = later
        self._rounds = Rounds(later)
        self._said = said
        self._transactions = 0
        self._type = ""
        self._amount_minor = 0
        self._at = ""
        self._nonce = b""
        self._has_pad = self._chooses = False
        self._pin = b""

    # What the broker wants

    def begin(self, data: bytes) -> bytes:
        """Message 10."""
        text = data.decode("ascii", "replace")
        self._rounds.end()
        self._type, self._amount_minor, self._at = text[:2], int(text[2:12]), text[12:26]
        self._has_pad, self._chooses = text[26] == "1", text[27] == "1"
        self._nonce, self._pin = data[-32:], b""
        if not self._vault.key_loaded:
            return self._refuse(NO_KEY)
        self.phase = _CARD_WAIT
        self._transactions += 1
        if self.inside and self.card is not None:
            return self._insert(self.card)
        customer = self._customer
        return self.present() if not customer.delay_ms or customer.hurries else self._after(self.present)

    def present(self) -> bytes:
        """The customer presents his card, if one is waited for."""
        if self.phase is not _CARD_WAIT or self.inside:
            return b""
        card = self._customer.card_for(self._type)
        if card is None:
            return b""
        self.card = card
        if self._type in STRIPE_TYPES or card.kind in SWIPED_KINDS:
            return _SWIPED + self._take(b"S")
        if card.kind is _CONTACTLESS:
            return _TAPPED + self._take(b"C")
        self.inside = True
        return _INSERTED + self._insert(card)

    def put_in(self, card: TestCard) -> bytes:
        """A card is put in while something else is waited for; one without a chip has no place there."""
        if card.kind in SWIPED_KINDS or card.kind is _CONTACTLESS:
            return b""
        self.card, self.inside = card, True
        return _INSERTED

    def finish(self, *, approved: bool) -> bytes:
        """Message 20. A card that is no longer there has no word."""
        card = self.card
        self.phase = _IDLE
        gone = not self.inside
        declines = gone or (approved and card is not None and card.kind is CardKind.IC_DECLINES)
        result, text = ("1", "CARD REMOVED" if gone else "DECLINED BY CARD") if declines else ("0", "APPROVED")
        if not approved and not declines:
            text = "DECLINED"
        word = "" if gone else cryptogram()
        return self._said(answer(0x21, f"{result}{text:<20}{word:<16}".encode() + self._nonce)) + self.let_go()

    def state(self) -> bytes:
        """Message 19."""
        return _INSERTED if self.inside else _EMPTY

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
        return _EMPTY

    def rest(self) -> None:
        """End whatever is under way."""
        self.phase = _IDLE
        self._rounds.end()

    # How

    def _insert(self, card: TestCard) -> bytes:
        if card.kind is _IC_BROKEN and fits(card, self._type):
            self.phase = CardPhase.PULL_WAIT
            return _PULL + self._after(self._pull)
        return self._take(b"I")

    def _take(self, entry: bytes) -> bytes:
        """The reader has the card before it."""
        card = self.card
        assert card is not None  # noqa: S101
        if card.kind is _IC_REFUSED or not fits(card, "01" if self._type == "07" else self._type):
            return self._refuse(_UNUSABLE)
        if card.kind is _IC_UNKNOWN and entry == b"I":
            self._customer.took_back(card)
            return self._refuse(_NO_APPLICATION)
        if self._chooses and len(card.choices) > 1:
            self.phase = CardPhase.CHOICE_WAIT
            return _CHOICE + self._after(lambda: self._chosen(entry))
        return self._ask_pin(entry)

    def _chosen(self, entry: bytes) -> bytes:
        if self._customer.keying is Keying.WALKS_AWAY:
            return b""
        return _ENTERED + self._ask_pin(entry)

    def _ask_pin(self, entry: bytes) -> bytes:
        card = self.card
        assert card is not None  # noqa: S101
        if not card.pin or self._type not in _WITH_PIN:
            return self._give_out(entry)
        if not self._has_pad:
            return self._refuse(_NO_PIN_PAD)
        self.phase = CardPhase.PIN_WAIT
        return _PIN + self._after(lambda: self._pin_keyed(entry, card))

    def _pin_keyed(self, entry: bytes, card: TestCard) -> bytes:
        if self._customer.keying is Keying.REFUSES:
            return self._refuse(REFUSED)
        pin = self._customer.pin_of(card)
        if pin is None:
            return b""
        try:
            self._pin = b"".join(self._vault.encrypt_pin(pin, card.pan))
        except CryptoError:
            return self._refuse(NO_KEY)
        return _ENTERED + self._give_out(entry)

    def _pull(self) -> bytes:
        self.inside = False
        self.phase = CardPhase.SWIPE_WAIT
        return _EMPTY + self._after(lambda: _SWIPED + self._give_out(b"F", _CHIP_SILENT))

    def _give_out(self, entry: bytes, fallback: str = "00") -> bytes:
        card = self.card
        assert card is not None  # noqa: S101
        if self._type == MEMBERSHIP_TYPE:
            self.phase = _IDLE
            return self._card_answer(entry, fallback, card.pan, "", _BLANK_CIPHER, b"")
        try:
            ksn, cipher = self._vault.encrypt(card.track if card.kind is not _CASH_IC else self._account(card))
        except CryptoError:
            return self._refuse(NO_KEY)
        chip = entry in b"IC" and self._type in _WITH_WORD
        emv = chip_data(card.pan, self._amount_minor, self._at, self._transactions) if chip else b""
        waits = entry == b"I" and chip
        self.phase = _HOST_WAIT if waits else _IDLE
        label = self._label(card) if card.choices else card.label
        out = self._card_answer(entry, fallback, card.masked, label, ksn + cipher, emv)
        return out if waits or not self.inside else out + self.let_go()

    def _card_answer(
        self, entry: bytes, fallback: str, number: str, label: str, cipher: bytes, emv: bytes
    ) -> bytes:  # fmt: skip
        head = b"00%b%b%b%b" % (self._nonce, b"1" if self.inside else b"0", entry, fallback.encode())
        text = f"{number:<20}{label:<16}".encode()
        return self._said(answer(0x11, b"%b%b%b%03d%b%b" % (head, text, cipher, len(emv), emv, self._pin)))

    def _account(self, card: TestCard) -> str:
        """A bank card's track says of which account as well."""
        return card.track + self._choice(card)

    def _label(self, card: TestCard) -> str:
        return card.label if card.kind is _CASH_IC else self._choice(card)

    def _choice(self, card: TestCard) -> str:
        return (card.choices[-1] if self._chooses else card.choices[0]) if card.choices else ""

    def _refuse(self, code: str) -> bytes:
        self.phase = _IDLE
        return self._said(answer(0x11, code.encode() + self._nonce + (b"1" if self.inside else b"0")))

    def _take_back(self) -> bytes:
        if not self.inside or self.phase is not _IDLE:
            return b""
        self.inside = False
        return _EMPTY

    def _after(self, deed: Callable[[], bytes]) -> bytes:
        return self._rounds.after(self._customer.delay_ms, deed)

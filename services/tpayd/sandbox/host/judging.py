"""What this host says to a financial request, before it is booked: genuine card data, and the rules of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from msgspec import Struct, structs

from tpayd.crypto.dukpt import IKID_BYTES
from tpayd.hosts import Financial, Kind
from tpayd.sandbox.host.cards import UNKNOWN_CARD, Card, IssuedCards, card_as_booked, pin_holds, read_track
from tpayd.sandbox.host.codes import Code
from tpayd.sandbox.host.issuing import Issuing
from tpayd.sandbox.host.keychain import Keychain
from tpayd.sandbox.host.lookups import Lookups
from tpayd.sandbox.host.numbers import read_code, read_identity, self_issued
from tpayd.sandbox.host.voids import judge_void

__all__ = ["Judge", "Judged"]


class Judged(Struct, frozen=True, kw_only=True):
    """The host's word on a request, and what it is about."""

    code: str
    card: Card = UNKNOWN_CARD
    original: int | None = None
    """Number of the booking that a void or refund takes back."""
    balance_minor: int | None = None


class Judge:
    """Judges; it books nothing."""

    def __init__(
        self,
        keychain: Keychain,
        issuing: Issuing,
        lookups: Lookups,
        *,
        partial_voids: bool,
        pins: Mapping[str, str],
        issued: IssuedCards,
    ) -> None:
        self._keychain = keychain
        self._issuing = issuing
        self._lookups = lookups
        self._partial = partial_voids
        self._pins = pins
        self._issued = issued
        self._rules: dict[Kind, Callable[[Financial, Card, date], Judged]] = {
            Kind.CASH_IC_SALE: self._cash_ic_sale,
            Kind.CASH_IC_BALANCE: self._balance,
            Kind.VOID: self._void,
            Kind.SIMPLE_PAY_VOID: self._void,
            Kind.CASH_RECEIPT_VOID: self._void,
            Kind.CASH_IC_REFUND: self._refund,
        }

    def card(self, request: Financial, today: date) -> Card | None:
        """What the request's card data says, whatever the book says: an unknown card where it has none.

        None where the card data does not hold under any key of this host.
        """
        if not request.cipher:
            return self_issued() if request.kind is Kind.CASH_RECEIPT else UNKNOWN_CARD
        owner = self._issuing.owner(request.ksn[:IKID_BYTES])
        if request.terminal_cipher:
            if owner != request.terminal_id:
                return None
            data = self._keychain.data(request.ksn, request.cipher)
            if data is None:
                return None
            if request.kind is Kind.SIMPLE_PAY:
                return read_code(data, request.provider or "")
            return read_identity(data, request.purpose)
        track = None if owner is None else self._keychain.track(request.ksn, request.cipher)
        return None if track is None else self._payment_card(request, track, today)

    def judge(self, request: Financial, card: Card, today: date) -> Judged:
        """The verdict on a request with this card, as the book stands now."""
        rule = self._rules.get(request.kind)
        return Judged(code=card.refusal or Code.APPROVED, card=card) if rule is None else rule(request, card, today)

    def _cash_ic_sale(self, request: Financial, card: Card, _today: date) -> Judged:
        code = card.refusal
        if code is None and self._lookups.balance_minor(card.token) < request.total_minor:
            code = Code.FUNDS
        return Judged(code=code or Code.APPROVED, card=card)

    def _balance(self, _request: Financial, card: Card, _today: date) -> Judged:
        if card.refusal is not None:
            return Judged(code=card.refusal, card=card)
        return Judged(code=Code.APPROVED, card=card, balance_minor=self._lookups.balance_minor(card.token))

    def _refund(self, request: Financial, card: Card, today: date) -> Judged:
        if card.refusal is not None:
            return Judged(code=card.refusal, card=card)
        return self._void(request, card, today)

    def _void(self, request: Financial, card: Card, _today: date) -> Judged:
        assert request.original is not None  # noqa: S101 - the format has no void without
        found = self._lookups.find(request.original, request.terminal_id)
        code = judge_void(request, found, partial=self._partial)
        if found is None or code is Code.ORIGINAL_NOT_FOUND:
            return Judged(code=code, card=card)
        if request.cipher and code is Code.APPROVED and card.token != found.token:
            return Judged(code=Code.NO_SUCH_CARD, card=card)
        return Judged(code=code, card=card_as_booked(found.masked_pan, found.token), original=found.number)

    def _payment_card(self, request: Financial, track: str, today: date) -> Card:
        card = read_track(track, today, self._issued)
        if request.kind is Kind.CASH_RECEIPT:
            # The card names a person here; it pays nothing, and may be old.
            return structs.replace(card, refusal=None if card.refusal is Code.EXPIRED_CARD else card.refusal)
        if card.refusal is None and not self._pin_is_right(request, track):
            return structs.replace(card, refusal=Code.WRONG_PIN)
        return card

    def _pin_is_right(self, request: Financial, track: str) -> bool:
        """Whether the PIN is the card's. A bank account needs one; of a credit card it is checked where it is told."""
        if not request.pin_block:
            return request.kind not in (Kind.CASH_IC_SALE, Kind.CASH_IC_REFUND, Kind.CASH_IC_BALANCE)
        if self._issuing.owner(request.pin_ksn[:IKID_BYTES]) is None:
            return False
        key = self._keychain.pin_key(request.pin_ksn)
        return key is not None and pin_holds(track, key, request.pin_block, self._pins)

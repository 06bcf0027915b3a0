"""What is left in the sandbox's host of a keyed number or a scanned code."""

from __future__ import annotations

import pytest

from tpayd.sandbox.host.numbers import PROVIDERS, read_code, read_identity, self_issued
from tpayd_contracts.orders import CashReceiptPurpose as P


@pytest.mark.parametrize(
    ("number", "purpose", "refusal"),
    [
        (b"01012345678", P.DEDUCTION, None),
        (b"0161234567", P.DEDUCTION, None),
        (b"4111111111111111", P.DEDUCTION, None),
        (b"4111111111111112", P.DEDUCTION, "14"),
        (b"0212345678", P.DEDUCTION, "14"),
        (b"010123456789", P.DEDUCTION, "14"),
        (b"1048658278", P.EXPENSE, None),
        (b"104865827", P.EXPENSE, "14"),
        (b"01012345678", P.EXPENSE, "14"),
        (b"0100001234", P.SELF_ISSUE, None),
        (b"01012345678", P.SELF_ISSUE, "14"),
        (b"\xff\xfe1234567", P.DEDUCTION, "14"),
    ],
)
def test_a_cash_receipts_number_fits_its_purpose(number: bytes, purpose: P, refusal: str | None) -> None:
    """A phone for a person, ten digits for a business, a card for either, the tax office's own for nobody."""
    assert refusal == read_identity(number, purpose).refusal


@pytest.mark.parametrize(
    ("number", "shown"),
    [(b"01012345678", "*******5678"), (b"12345678", "********"), (b"4111111111111111", "411111******1111")],
)
def test_no_number_is_kept(number: bytes, shown: str) -> None:
    """Four digits, of a card ten at most; and a token that is the same for the same number only."""
    card = read_identity(number, P.DEDUCTION)
    assert shown == card.masked_pan
    assert number.decode() not in repr(card)
    assert (card.token == read_identity(number, P.EXPENSE).token) is True
    assert card.token != read_identity(b"01099999999", P.DEDUCTION).token


def test_a_self_issued_receipt_needs_no_number() -> None:
    """The tax office's own stands for it."""
    assert read_identity(b"0100001234", P.SELF_ISSUE) == self_issued()


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_a_wallet_of_the_list_pays(provider: str) -> None:
    """Its code is not kept."""
    card = read_code(b"281006020000000000", provider)
    assert (None, "************0000") == (card.refusal, card.masked_pan)


def test_another_wallet_is_not_routed() -> None:
    """92."""
    assert "92" == read_code(b"281006020000000000", "nobodypay").refusal

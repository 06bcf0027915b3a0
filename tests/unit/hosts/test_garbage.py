"""Whatever comes off a line, the adapter answers with a value or with HostFormatError, and shows none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.hosts.examples import (
    EMV_ANSWER,
    INQUIRY,
    KSN,
    MAC,
    RECONCILIATION,
    REVERSAL,
    SALE,
    SIGN_ON,
    TODAY,
    TOTALS,
    VOID,
)
from tpayd.hosts import HostFormatError, Kind, OpenTerminal, Original, load
from tpayd.hosts.iso8583 import host_side
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import CashReceiptPurpose

ADAPTER = load("iso8583")
GENUINE = [
    ADAPTER.seal(ADAPTER.encode(SALE), KSN, MAC),
    ADAPTER.seal(ADAPTER.encode(REVERSAL), KSN, MAC),
    ADAPTER.encode_network(SIGN_ON),
    ADAPTER.seal(
        host_side.reply_financial(
            SALE,
            host_side.FinancialReply(
                response_code="00", host_reference="202603140001", approval_code="123456", issuer="국민", emv=EMV_ANSWER
            ),
        ),
        KSN,
        MAC,
    ),
    ADAPTER.seal(host_side.reply_reversal(REVERSAL, "00"), KSN, MAC),
    ADAPTER.seal(ADAPTER.encode(VOID), KSN, MAC),
    ADAPTER.seal(ADAPTER.encode(INQUIRY), KSN, MAC),
    ADAPTER.seal(ADAPTER.encode(RECONCILIATION), KSN, MAC),
    ADAPTER.seal(host_side.reply_inquiry(INQUIRY, host_side.InquiryReply(response_code="25")), KSN, MAC),
    ADAPTER.seal(host_side.reply_reconciliation(RECONCILIATION, "95", TOTALS), KSN, MAC),
]
READERS: list[Callable[[bytes], Any]] = [
    ADAPTER.open,
    ADAPTER.match_key,
    ADAPTER.is_answer,
    ADAPTER.reply_to,
    lambda raw: host_side.read(raw, TODAY),
]


def feed(raw: bytes) -> None:
    for read in READERS:
        try:
            read(raw)
        except HostFormatError:
            continue


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
@example(b"0210" + b"\xff" * 400)
@example(b"0210" + b"\x00" * 3000)
def test_random_bytes_raise_only_format_errors(raw: bytes) -> None:
    """No other exception ever leaves the adapter."""
    feed(raw)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_a_damaged_message_raises_only_format_errors(data: st.DataObject) -> None:
    """Bytes changed, cut off, added or doubled in a genuine message."""
    raw = bytearray(data.draw(st.sampled_from(GENUINE)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        if not raw:
            break
    feed(bytes(raw))


@pytest.mark.parametrize("genuine", GENUINE)
def test_every_cut_is_found(genuine: bytes) -> None:
    """A message that ends early is never taken for a shorter one."""
    for length in range(len(genuine)):
        for read in (ADAPTER.open, lambda raw: host_side.read(raw, TODAY)):
            with pytest.raises(HostFormatError):
                read(genuine[:length])


def test_a_message_without_a_mac_is_no_answer() -> None:
    """An answer that nobody sealed cannot be checked, so it is not read."""
    raw = bytearray(GENUINE[3][:-8])
    raw[4 + 15] &= 0xFE
    with pytest.raises(HostFormatError, match="DE 128: is missing from 0210"):
        ADAPTER.open(bytes(raw))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"stan": "12345"}, "DE 11"),
        ({"stan": "12345X"}, "DE 11"),
        ({"stan": "１２３４５６"}, "DE 11"),
        ({"terminal_id": "SHORT"}, "DE 41"),
        ({"terminal_id": "한글단말기번호여"}, "DE 41"),
        ({"merchant_id": "M" * 16}, "DE 42"),
        ({"merchant_id": "M\n"}, "DE 42"),
        ({"local": "20261314000000"}, "DE 7"),
        ({"local": "2026031415092"}, "DE 7"),
        ({"business_day": "20260231"}, "DE 15"),
        ({"ksn": b"\x00" * 10}, "DE 60"),
        ({"cipher": b""}, "DE 60"),
        ({"cipher": b"\x00" * 640}, "DE 60"),
        ({"emv": b"\x00" * 256}, "DE 55"),
        ({"installments": 100}, "DE 48.01"),
        ({"fallback_code": "1"}, "DE 48.06"),
        ({"amount": Amount(total_minor=10**10)}, "DE 4"),
    ],
)
def test_a_sale_that_does_not_fit_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    """A field that the format cannot hold is named before any byte exists."""
    with pytest.raises(HostFormatError) as caught:
        ADAPTER.encode(msgspec.structs.replace(SALE, **change))
    assert field == caught.value.field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"original": None}, "DE 90"),
        ({"original": Original()}, "DE 90"),
        ({"original": Original(stan="000042")}, "DE 90"),
        ({"original": Original(approval_code="000007", business_day="20260314")}, "DE 90"),
        ({"original": Original(approval_code="", business_day="20260314", amount_minor=1)}, "DE 38"),
        ({"original": Original(approval_code="1234567", business_day="20260314", amount_minor=1)}, "DE 38"),
        ({"original": Original(approval_code="000007", business_day="20260332", amount_minor=1)}, "DE 48.21"),
        ({"amount": None}, "DE 4"),
        ({"purpose": CashReceiptPurpose.DEDUCTION}, "DE 48.14"),
        ({"ksn": KSN}, "DE 60"),
        ({"ksn": KSN, "cipher": b"x"}, "DE 22"),
        ({"pin_block": bytes(16)}, "DE 61"),
        ({"pin_block": bytes(8), "pin_ksn": KSN}, "DE 61"),
        ({"kind": Kind.CASH_RECEIPT_VOID}, "DE 48.15"),
        ({"kind": Kind.CASH_IC_REFUND}, "DE 60"),
        ({"kind": Kind.SALE}, "DE 90"),
        ({"signature": bytes(1000)}, "DE 59"),
    ],
)
def test_a_void_that_says_nothing_useful_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    """What its kind needs is there, and nothing that its kind cannot mean."""
    with pytest.raises(HostFormatError) as caught:
        ADAPTER.encode(msgspec.structs.replace(VOID, **change))
    assert field == caught.value.field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": Kind.SIMPLE_PAY}, "DE 48.16"),
        ({"kind": Kind.SIMPLE_PAY, "provider": "a wallet"}, "DE 48.16"),
        ({"kind": Kind.SIMPLE_PAY, "provider": "w" * 17}, "DE 48.16"),
        ({"kind": Kind.CASH_RECEIPT}, "DE 48.14"),
        ({"kind": Kind.CASH_RECEIPT, "purpose": CashReceiptPurpose.EXPENSE, "cipher": b"", "ksn": b""}, "DE 60"),
        ({"kind": Kind.CASH_IC_BALANCE}, "DE 4"),
    ],
)
def test_a_request_without_what_its_kind_needs_is_refused(change: dict[str, Any], field: str) -> None:
    """Named by field, before any byte exists."""
    with pytest.raises(HostFormatError) as caught:
        ADAPTER.encode(msgspec.structs.replace(SALE, **change))
    assert field == caught.value.field


@pytest.mark.parametrize("business_number", ["123456789", "12345678901", "123456789x"])
def test_an_opening_needs_a_business_number(business_number: str) -> None:
    """Ten digits."""
    with pytest.raises(HostFormatError, match=r"DE 48\.30"):
        ADAPTER.encode_network(
            OpenTerminal(terminal_id="TPAY0001", stan="000001", local=SIGN_ON.local, business_number=business_number)
        )


def test_totals_whose_net_is_not_theirs_are_refused() -> None:
    """DE 97 is DE 88 less DE 86, or a digit was lost."""
    raw = bytearray(ADAPTER.seal(ADAPTER.encode(RECONCILIATION), KSN, MAC))
    raw[-9] ^= 1
    with pytest.raises(HostFormatError, match="DE 97"):
        host_side.read(bytes(raw), TODAY)


def test_a_reversal_of_nothing_is_refused() -> None:
    """DE 90 must name a real moment."""
    with pytest.raises(HostFormatError, match="DE 90"):
        ADAPTER.encode(msgspec.structs.replace(REVERSAL, original=Original(stan="000001", local="tomorrow")))


@pytest.mark.parametrize(("ksn", "mac", "field"), [(KSN[:-1], MAC, "DE 53"), (KSN, MAC + b"\x00", "DE 128")])
def test_a_seal_of_the_wrong_size_is_refused(ksn: bytes, mac: bytes, field: str) -> None:
    """Otherwise every field after it would be read from the wrong place."""
    with pytest.raises(HostFormatError) as caught:
        ADAPTER.seal(ADAPTER.encode(SALE), ksn, mac)
    assert field == caught.value.field

"""Whatever comes off a line, the adapter answers with a value or with HostFormatError, and shows none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.hosts.examples import EMV_ANSWER, KSN, MAC, REVERSAL, SALE, SIGN_ON, TODAY
from tpayd.hosts import HostFormatError, Original, load
from tpayd.hosts.iso8583 import host_side
from tpayd_contracts.money import Amount

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
        ({"cipher": b"\x00" * 200}, "DE 60"),
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

"""A request and its answer share one key; nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.unit.hosts.examples import (
    KSN,
    MAC,
    REVERSAL,
    SALE,
    SIGN_ON,
    financials,
    inquiries,
    reconciliations,
    reversals,
)
from tpayd.hosts import (
    Echo,
    Financial,
    HostFormatError,
    HostTotals,
    Inquiry,
    MatchKey,
    Reconciliation,
    Reversal,
    TypeClass,
    load,
)
from tpayd.hosts.iso8583 import host_side

ADAPTER = load("iso8583")
REPLY = host_side.FinancialReply(response_code="00", host_reference="202603140001", approval_code="123456")


@settings(max_examples=100, deadline=None)
@given(financials())
def test_a_request_and_its_answer_share_a_key(sale: Financial) -> None:
    """0200 and 0210: class 02, DE 41, DE 11."""
    request = ADAPTER.seal(ADAPTER.encode(sale), KSN, MAC)
    answer = ADAPTER.seal(host_side.reply_financial(sale, REPLY), KSN, MAC)
    expected = MatchKey(TypeClass.FINANCIAL, sale.terminal_id, sale.stan)
    assert (expected, expected) == (ADAPTER.match_key(request), ADAPTER.match_key(answer))
    assert (False, True) == (ADAPTER.is_answer(request), ADAPTER.is_answer(answer))


@settings(max_examples=50, deadline=None)
@given(inquiries())
def test_an_inquiry_and_its_answer_share_a_key(inquiry: Inquiry) -> None:
    """0600 and 0610: class 06, so an inquiry never meets the answer that it asks about."""
    request = ADAPTER.seal(ADAPTER.encode(inquiry), KSN, MAC)
    reply = host_side.InquiryReply(response_code="00", amount_minor=10, approval_code="000001", host_reference="1" * 12)
    answer = ADAPTER.seal(host_side.reply_inquiry(inquiry, reply), KSN, MAC)
    expected = MatchKey(TypeClass.INQUIRY, inquiry.terminal_id, inquiry.stan)
    assert (expected, expected) == (ADAPTER.match_key(request), ADAPTER.match_key(answer))
    assert (False, True) == (ADAPTER.is_answer(request), ADAPTER.is_answer(answer))


@settings(max_examples=50, deadline=None)
@given(reconciliations())
def test_a_reconciliation_and_its_answer_share_a_key(reconciliation: Reconciliation) -> None:
    """0500 and 0510: class 05."""
    request = ADAPTER.seal(ADAPTER.encode(reconciliation), KSN, MAC)
    answer = ADAPTER.seal(host_side.reply_reconciliation(reconciliation, "95", HostTotals()), KSN, MAC)
    expected = MatchKey(TypeClass.RECONCILIATION, reconciliation.terminal_id, reconciliation.stan)
    assert (expected, expected) == (ADAPTER.match_key(request), ADAPTER.match_key(answer))
    assert (False, True) == (ADAPTER.is_answer(request), ADAPTER.is_answer(answer))


@settings(max_examples=50, deadline=None)
@given(reversals())
def test_a_reversal_and_its_answer_share_a_key(reversal: Reversal) -> None:
    """0420, 0421 and 0430: class 04, so a reversal never meets the answer to its sale."""
    request = ADAPTER.seal(ADAPTER.encode(reversal), KSN, MAC)
    answer = ADAPTER.seal(host_side.reply_reversal(reversal, "00"), KSN, MAC)
    expected = MatchKey(TypeClass.REVERSAL, reversal.terminal_id, reversal.stan)
    assert (expected, expected) == (ADAPTER.match_key(request), ADAPTER.match_key(answer))
    assert (False, True) == (ADAPTER.is_answer(request), ADAPTER.is_answer(answer))


def test_a_network_message_has_a_key_too() -> None:
    """0800 and 0810: class 08."""
    answer = host_side.reply_network(SIGN_ON, host_side.NetworkReply(response_code="00"))
    expected = MatchKey(TypeClass.NETWORK, "TPAYLINK", "000001")
    assert (expected, expected) == (ADAPTER.match_key(ADAPTER.encode_network(SIGN_ON)), ADAPTER.match_key(answer))


def test_the_hosts_echo_is_answered_and_nothing_else() -> None:
    """An echo that the host sends gets 0810 with code 00; an answer is never answered, nor a sign-on, nor a sale."""
    echo = ADAPTER.encode_network(Echo(terminal_id="HOST0001", stan="000007", local=SIGN_ON.local))
    reply = ADAPTER.reply_to(echo)
    assert reply is not None
    opened = ADAPTER.open(reply)
    assert ("0810", "00", "301", "000007") == (opened.mti, opened.response_code, opened.network_code, opened.stan)
    assert [None] * 4 == [
        ADAPTER.reply_to(raw)
        for raw in (
            reply,
            ADAPTER.encode_network(SIGN_ON),
            ADAPTER.seal(ADAPTER.encode(SALE), KSN, MAC),
            ADAPTER.seal(ADAPTER.encode(REVERSAL), KSN, MAC),
        )
    ]


@pytest.mark.parametrize(
    ("raw", "field", "position"),
    [
        (b"", "message type", 0),
        (b"0200", "DE 1", 4),
        (b"0700" + bytes(8), "message type", 0),
        (b"0500" + bytes(8), "DE 11", 4),
        (b"0200" + bytes(8), "DE 11", 4),
        (b"0200" + bytes.fromhex("4000000000000000") + b"16", "DE 2", 4),
        (b"0200" + bytes.fromhex("0020000000000000") + b"123456", "DE 41", 4),
        (b"0200" + bytes.fromhex("0020000000800000") + b"12345X" + b"TPAY0001", "DE 11", 12),
        (b"0200" + bytes.fromhex("0020000000800000") + b"123456" + b"TPAY000", "DE 41", 18),
    ],
)
def test_a_fault_is_told_with_field_and_position(raw: bytes, field: str, position: int) -> None:
    """Whoever reads the log finds the byte."""
    with pytest.raises(HostFormatError) as caught:
        ADAPTER.match_key(raw)
    assert (field, position) == (caught.value.field, caught.value.position)

"""What the store says is what the host understands, and the other way round."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.unit.hosts.examples import (
    EMV_ANSWER,
    INQUIRY,
    KSN,
    MAC,
    REVERSAL,
    SALE,
    SIGN_ON,
    TODAY,
    financials,
    inquiries,
    network_messages,
    reconciliations,
    reversals,
    totals,
)
from tpayd.hosts import (
    Financial,
    HostTotals,
    Inquiry,
    Kind,
    MacedMessage,
    Merchant,
    MerchantDownload,
    NetworkMessage,
    OpenTerminal,
    Original,
    Reconciliation,
    TerminalKeyExchange,
    TypeClass,
    load,
)
from tpayd.hosts.iso8583 import host_side

ADAPTER = load("iso8583")


def sealed(message: MacedMessage) -> bytes:
    return ADAPTER.seal(ADAPTER.encode(message), KSN, MAC)


@settings(max_examples=200, deadline=None)
@given(financials() | reversals() | inquiries() | reconciliations())
def test_the_host_reads_what_the_store_wrote(message: MacedMessage) -> None:
    """Every field of every request arrives, and the MAC covers all bytes before it."""
    raw = sealed(message)
    assert host_side.Received(message=message, ksn=KSN, mac=MAC, covered=raw[:-8]) == host_side.read(raw, TODAY)


@settings(max_examples=100, deadline=None)
@given(network_messages())
def test_the_host_reads_a_network_message(message: NetworkMessage) -> None:
    """Network messages arrive whole, without a MAC."""
    assert host_side.Received(message=message) == host_side.read(ADAPTER.encode_network(message), TODAY)


@settings(max_examples=100, deadline=None)
@given(financials(), st.sampled_from(["00", "51", "N7"]), st.none() | st.text("가나다ABC ", min_size=1, max_size=20))
def test_the_store_reads_the_answer_to_a_request(sale: Financial, code: str, issuer: str | None) -> None:
    """Code, approval, names, the issuer's word for the card: all arrive, bound to the request by its key."""
    reply = host_side.FinancialReply(
        response_code=code, host_reference="202603140001", approval_code="123456", issuer=issuer, emv=EMV_ANSWER
    )
    raw = ADAPTER.seal(host_side.reply_financial(sale, reply), KSN, MAC)
    opened = ADAPTER.open(raw)
    assert (TypeClass.FINANCIAL, "0210", sale.terminal_id, sale.stan) == (
        opened.type_class,
        opened.mti,
        opened.terminal_id,
        opened.stan,
    )
    assert (code, code == "00", "123456", "202603140001", issuer, EMV_ANSWER) == (
        opened.response_code,
        opened.approved,
        opened.approval_code,
        opened.host_reference,
        opened.issuer,
        opened.emv,
    )
    assert (sale.kind, sale.total_minor, sale.local[4:]) == (opened.kind, opened.amount_minor or 0, opened.local)
    assert (KSN, MAC, raw[:-8]) == (opened.ksn, opened.mac, opened.covered)


def test_the_store_reads_the_answer_to_a_reversal() -> None:
    """The answer names the original it took back."""
    opened = ADAPTER.open(ADAPTER.seal(host_side.reply_reversal(REVERSAL, "25"), KSN, MAC))
    assert (TypeClass.REVERSAL, "0430", "25", 11_000) == (
        opened.type_class,
        opened.mti,
        opened.response_code,
        opened.amount_minor,
    )
    assert Original(stan="000042", local="0314150926") == opened.original


@settings(max_examples=50, deadline=None)
@given(inquiries())
def test_the_store_reads_that_an_original_stands(inquiry: Inquiry) -> None:
    """Amount, approval code and what has been voided since are its original's."""
    reply = host_side.InquiryReply(
        response_code="00", amount_minor=11_000, approval_code="000007", host_reference="SBX000000007",
        voided_minor=1_000, issuer="국민",
    )  # fmt: skip
    opened = ADAPTER.open(ADAPTER.seal(host_side.reply_inquiry(inquiry, reply), KSN, MAC))
    assert (TypeClass.INQUIRY, "0610", "00", 11_000, "000007", 1_000, "국민") == (
        opened.type_class, opened.mti, opened.response_code, opened.amount_minor, opened.approval_code,
        opened.voided_minor, opened.issuer,
    )  # fmt: skip


def test_the_store_reads_that_an_original_is_unknown() -> None:
    """25, the original's name, and nothing else."""
    reply = host_side.InquiryReply(response_code="25")
    opened = ADAPTER.open(ADAPTER.seal(host_side.reply_inquiry(INQUIRY, reply), KSN, MAC))
    assert ("25", Original(stan="000042", local="0314150926"), None, None) == (
        opened.response_code, opened.original, opened.amount_minor, opened.approval_code,
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(reconciliations(), totals)
def test_the_store_reads_the_hosts_totals(reconciliation: Reconciliation, own: HostTotals) -> None:
    """95, and what the host counts itself."""
    answer = host_side.reply_reconciliation(reconciliation, "95", own)
    opened = ADAPTER.open(ADAPTER.seal(answer, KSN, MAC))
    assert (TypeClass.RECONCILIATION, "0510", "95", own) == (
        opened.type_class, opened.mti, opened.response_code, opened.totals,
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.integers(-(10**12) + 1, 10**12 - 1))
def test_the_store_reads_a_balance(balance_minor: int) -> None:
    """Of either sign."""
    request = structs.replace(SALE, kind=Kind.CASH_IC_BALANCE, amount=None)
    reply = host_side.FinancialReply(response_code="00", host_reference="202603140001", balance_minor=balance_minor)
    opened = ADAPTER.open(ADAPTER.seal(host_side.reply_financial(request, reply), KSN, MAC))
    assert (balance_minor, None) == (opened.balance_minor, opened.amount_minor)


def test_the_store_reads_a_downloaded_merchant() -> None:
    """As the host knows it; an opening's answer brings none."""
    merchant = Merchant(
        merchant_id="TPAYDSHOP000001", business_number="1048658278", name="티페이드 상점", representative="홍길동",
        address="서울특별시 중구 세종대로 110", tel="02-120",
    )  # fmt: skip
    for kind, told in ((MerchantDownload, merchant), (OpenTerminal, None)):
        request = kind(terminal_id="TPAY0001", stan="000009", local=SIGN_ON.local, business_number="1048658278")
        answer = host_side.reply_network(request, host_side.NetworkReply(response_code="00", merchant=told))
        assert ("00", told) == (ADAPTER.open(answer).response_code, ADAPTER.open(answer).merchant)


def test_the_store_reads_the_answer_to_a_key_exchange() -> None:
    """The host's half of the exchange comes with identity and check value of the key."""
    request = TerminalKeyExchange(terminal_id="TPAY0001", stan="000009", local=SIGN_ON.local, blob=b"\x01" * 128)
    reply = host_side.NetworkReply(
        response_code="00", key_blob=b"\x02" * 48, ikid=b"\x03" * 8, check_value=bytes.fromhex("A1B2C3D4E5")
    )
    opened = ADAPTER.open(host_side.reply_network(request, reply))
    assert (b"\x02" * 48, b"\x03" * 8, "A1B2C3D4E5", "161") == (
        opened.key_blob,
        opened.ikid,
        opened.check_value,
        opened.network_code,
    )


def test_a_repeat_keeps_everything_but_its_type() -> None:
    """0421 is 0420 with the type changed: the host finds the first by it."""
    repeated = msgspec.structs.replace(REVERSAL, repeat=True)
    first, again = sealed(REVERSAL), sealed(repeated)
    assert (b"0420", b"0421", first[4:]) == (first[:4], again[:4], again[4:])


def test_a_supply_value_left_out_arrives_derived() -> None:
    """The host always gets all parts of the amount, and they add up."""
    received = host_side.read(sealed(SALE), TODAY).message
    assert isinstance(received, Financial)
    assert received.amount is not None
    assert (11_000, 10_000, 1_000) == (
        received.amount.total_minor,
        received.amount.supply_minor,
        received.amount.vat_minor,
    )


def test_a_message_is_head_ksn_tail_mac() -> None:
    """The key manager may choose the KSN after the rest is encoded."""
    unsealed = ADAPTER.encode(SALE)
    raw = ADAPTER.seal(unsealed, KSN, MAC)
    assert unsealed.head + KSN + unsealed.tail + MAC == raw

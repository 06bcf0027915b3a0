"""What the store says is what the host understands, and the other way round."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.hosts.examples import (
    EMV_ANSWER,
    KSN,
    MAC,
    REVERSAL,
    SALE,
    SIGN_ON,
    TODAY,
    network_messages,
    reversals,
    sales,
)
from tpayd.hosts import (
    Financial,
    MacedMessage,
    NetworkMessage,
    Original,
    TerminalKeyExchange,
    TypeClass,
    load,
)
from tpayd.hosts.iso8583 import host_side

ADAPTER = load("iso8583")


def sealed(message: MacedMessage) -> bytes:
    return ADAPTER.seal(ADAPTER.encode(message), KSN, MAC)


@settings(max_examples=200, deadline=None)
@given(sales() | reversals())
def test_the_host_reads_what_the_store_wrote(message: MacedMessage) -> None:
    """Every field of a sale or a reversal arrives, and the MAC covers all bytes before it."""
    raw = sealed(message)
    assert host_side.Received(message=message, ksn=KSN, mac=MAC, covered=raw[:-8]) == host_side.read(raw, TODAY)


@settings(max_examples=100, deadline=None)
@given(network_messages())
def test_the_host_reads_a_network_message(message: NetworkMessage) -> None:
    """Network messages arrive whole, without a MAC."""
    assert host_side.Received(message=message) == host_side.read(ADAPTER.encode_network(message), TODAY)


@settings(max_examples=100, deadline=None)
@given(sales(), st.sampled_from(["00", "51", "N7"]), st.none() | st.text("가나다ABC ", min_size=1, max_size=20))
def test_the_store_reads_the_answer_to_a_sale(sale: Financial, code: str, issuer: str | None) -> None:
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
    assert (sale.amount.total_minor, sale.local[4:]) == (opened.amount_minor, opened.local)
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

"""docs/host-protocol.md: its bytes are made by the code, and none of its tables forgets a row."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.hosts.examples import SALE
from tpayd.crypto.dukpt import Derivation, Usage, derive_initial_key, make_ksn
from tpayd.crypto.exchange import Role
from tpayd.crypto.mac import cmac8
from tpayd.crypto.track import encrypt_track
from tpayd.hosts import (
    EmvAnswer,
    Financial,
    HostTotals,
    Inquiry,
    Original,
    Reconciliation,
    Reversal,
    ReversalReason,
    SignOn,
    Unsealed,
    load,
)
from tpayd.hosts.framing import frame
from tpayd.hosts.iso8583 import host_side
from tpayd.hosts.iso8583.spec import FIELDS, Item, Kind, Network
from tpayd.sandbox.host.codes import Code
from tpayd.sandbox.secrets import BDK
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import EntryMode, PaymentKind

TEXT = Path("docs/host-protocol.md").read_text(encoding="utf-8")
ADAPTER = load("iso8583")


def derivation(role: Role, ikid: bytes) -> Derivation:
    return Derivation(derive_initial_key(BDK[role], ikid), ikid)


TERMINAL = derivation(Role.TERMINAL, b"SBXT\x00\x00\x00\x01")
READER = derivation(Role.READER, b"SBXR\x00\x00\x00\x02")


def sealed(unsealed: Unsealed, counter: int, usage: Usage) -> bytes:
    ksn = make_ksn(TERMINAL.ikid, counter)
    mac = cmac8(TERMINAL.working_key(counter, usage), unsealed.head + ksn + unsealed.tail)
    return ADAPTER.seal(unsealed, ksn, mac)


def examples() -> dict[str, bytes]:
    sale = Financial(
        terminal_id="TPAY0001",
        merchant_id="TPAYSANDBOX0001",
        stan="000042",
        local="20260314150926",
        business_day="20260314",
        amount=Amount(total_minor=11_000, vat_minor=1_000),
        installments=3,
        entry_mode=EntryMode.IC,
        ksn=make_ksn(READER.ikid, 1),
        cipher=encrypt_track(READER.working_key(1, Usage.DATA_ENCRYPTION), "4111111111111111D30122010000000000000"),
        emv=SALE.emv,
    )
    approval = host_side.FinancialReply(
        response_code="00", host_reference="SBX000000007", approval_code="000007", issuer="모의카드 4",
        acquirer="모의매입사", emv=EmvAnswer(arc="00", issuer_data=bytes.fromhex("0102030405060708") + b"00"),
    )  # fmt: skip
    reversal = Reversal(
        terminal_id="TPAY0001",
        merchant_id="TPAYSANDBOX0001",
        stan="000043",
        local="20260314151001",
        business_day="20260314",
        amount_minor=11_000,
        original=Original(stan="000042", local="20260314150926"),
        reason=ReversalReason.NO_ANSWER,
    )
    named = Original(stan="000042", local="20260314150926")
    common: dict[str, Any] = {"terminal_id": "TPAY0001", "merchant_id": "TPAYSANDBOX0001", "business_day": "20260314"}
    void = Financial(
        kind=PaymentKind.VOID, **common, stan="000044", local="20260314152000", amount=Amount(total_minor=11_000),
        original=named,
    )  # fmt: skip
    inquiry = Inquiry(**common, stan="000045", local="20260314152100", original=named)
    stands = host_side.InquiryReply(
        response_code="00", amount_minor=11_000, approval_code="000007", host_reference="SBX000000007",
    )  # fmt: skip
    totals = HostTotals(sales_count=2, sales_minor=31_000, voids_count=1, voids_minor=11_000)
    reconciliation = Reconciliation(**common, stan="000046", local="20260314235500", totals=totals)
    sign_on = SignOn(terminal_id="TPAYLINK", stan="000001", local="20260314090000")
    return {
        "sign-on": ADAPTER.encode_network(sign_on),
        "sign-on answer": host_side.reply_network(sign_on, host_side.NetworkReply(response_code="00")),
        "sale": sealed(ADAPTER.encode(sale), 1, Usage.MAC_GENERATION),
        "sale answer": sealed(host_side.reply_financial(sale, approval), 1, Usage.MAC_VERIFICATION),
        "reversal": sealed(ADAPTER.encode(reversal), 2, Usage.MAC_GENERATION),
        "void": sealed(ADAPTER.encode(void), 3, Usage.MAC_GENERATION),
        "inquiry": sealed(ADAPTER.encode(inquiry), 4, Usage.MAC_GENERATION),
        "inquiry answer": sealed(host_side.reply_inquiry(inquiry, stands), 4, Usage.MAC_VERIFICATION),
        "reconciliation": sealed(ADAPTER.encode(reconciliation), 5, Usage.MAC_GENERATION),
        "reversal answer": sealed(host_side.reply_reversal(reversal, "00"), 2, Usage.MAC_VERIFICATION),
    }


def shown(name: str) -> str:
    """The hex in the block that this marker precedes, comments apart."""
    block = re.search(rf"<!-- bytes: {name} -->\n```\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None, f"no block for the {name}"
    lines = (line.split("  ", 1)[0] for line in block[1].splitlines())
    return "".join("".join(lines).split())


@pytest.mark.parametrize("name", list(examples()))
def test_the_bytes_are_the_codes(name: str) -> None:
    """A host programmer can check his own against them."""
    assert frame(examples()[name]).hex().upper() == shown(name)


def test_the_working_keys_are_those_of_the_text() -> None:
    """From the play BDK, so that anyone can compute the MACs again."""
    for counter, usage in ((1, Usage.MAC_GENERATION), (1, Usage.MAC_VERIFICATION), (2, Usage.MAC_GENERATION)):
        assert TERMINAL.working_key(counter, usage).hex().upper() in TEXT
    assert BDK[Role.TERMINAL].hex().upper() in TEXT


def test_every_field_has_a_row_with_its_format() -> None:
    """Number, kind and length as in the code."""
    letters = {Kind.DIGITS: "n", Kind.TEXT: "ans", Kind.BINARY: "b"}
    for field in FIELDS:
        dots = "." * field.length_digits
        assert f"| {field.number} | {letters[field.kind]} {dots}{field.size} |" in TEXT


def test_every_code_is_explained() -> None:
    """Items of DE 48, network codes, response codes of the sandbox's host."""
    for code in (*Item, *Network, *Code):
        assert re.search(rf"^\| `{code.value}` \|", TEXT, re.MULTILINE), code

"""What the key manager checks is what everybody else reads: an answer is divided at its MAC in one way only."""

from __future__ import annotations

import pytest

from tpayd.hosts import Financial, HostFormatError, load
from tpayd.hosts.iso8583 import host_side
from tpayd.hosts.iso8583.codec import seal
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import EntryMode

KSN, MAC = bytes(range(12)), bytes(range(8))
ORDER = Financial(
    terminal_id="TPAY0001", merchant_id="TPAYDSANDBOX001", stan="000042", local="20260302101530",
    business_day="20260302", amount=Amount(total_minor=11_000, vat_minor=1_000), entry_mode=EntryMode.CONTACTLESS,
    ksn=bytes(12), cipher=bytes(48), emv=b"",
)  # fmt: skip


def test_the_parts_are_those_of_the_opened_answer() -> None:
    """Data and MAC, to the byte."""
    adapter = load("iso8583")
    reply = host_side.FinancialReply(response_code="51", host_reference="SIM000000001")
    answer = seal(host_side.reply_financial(ORDER, reply), KSN, MAC)
    opened = adapter.open(answer)
    assert (opened.covered, opened.mac) == adapter.split_mac(answer) == (answer[:-8], MAC)


@pytest.mark.parametrize("size", [0, 7, 8])
def test_what_is_shorter_has_none(size: int) -> None:
    """A MAC over nothing is none."""
    with pytest.raises(HostFormatError):
        load("iso8583").split_mac(bytes(size))

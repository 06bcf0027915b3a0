"""What a POS keys or scans, and what a reader reads, is in no repr: so in no log, traceback or debugger."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Struct
from msgspec import inspect as shapes

from tpayd_client import types as client
from tpayd_contracts import device, host, keys, orders, pad, standalone
from tpayd_contracts.catalogue import OPS
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import EntryMode
from tpayd_contracts.secret import HidesSecrets, is_secret

NUMBER = "01012345678"
RAW = NUMBER.encode()
LEASE = device.LeaseRef("lease", 1)
AMOUNT = Amount(total_minor=11_000)
DEDUCTION = orders.CashReceiptPurpose.DEDUCTION
SHOW_NOTHING: tuple[Struct, ...] = (
    orders.CashReceiptRequest("1", AMOUNT, DEDUCTION, NUMBER),
    orders.SimplePayRequest("1", AMOUNT, NUMBER),
    orders.MembershipCard(NUMBER),
    standalone.StandaloneCashReceiptRequest("1", AMOUNT, DEDUCTION, NUMBER),
    pad.Signed(RAW, 100),
    pad.ReadCodeResult(NUMBER),
    pad.EnteredNumber(NUMBER),
    pad.EnteredPin(RAW, RAW),
    device.ReadCardResult(EntryMode.IC, "", b"ksn", RAW, RAW, pin_block=RAW, membership_number=NUMBER),
    keys.EncryptData("test", "TPAY0001", keys.Purpose.NEW_PAYMENT, RAW),
    keys.EncryptedData(b"ksn", RAW, "key"),
    keys.ExchangeMaced("test", "TPAY0001", keys.Purpose.NEW_PAYMENT, RAW, RAW, 20.0),
    keys.ExchangedMaced(RAW, b"ksn", 5),
    host.Exchange("test", RAW, 20.0),
    host.Exchanged(RAW, 5, "a"),
)


@pytest.mark.parametrize("struct", SHOW_NOTHING, ids=lambda struct: type(struct).__name__)
def test_a_struct_shows_no_secret(struct: Any) -> None:
    """Neither to `repr`, nor to a debugger that prefers `__rich_repr__`."""
    assert NUMBER in msgspec.json.encode(msgspec.structs.asdict(struct)).decode() or RAW in msgspec.msgpack.encode(
        struct
    )
    assert NUMBER not in repr(struct)
    assert NUMBER not in repr(struct.__rich_repr__())


def test_the_client_shows_none_either() -> None:
    """Its own types are another set of classes."""
    shown = [
        client.CashReceiptRequest("1", client.Amount(total_minor=1), client.CashReceiptPurpose("deduction"), NUMBER),
        client.SimplePayRequest(lane="1", amount=client.Amount(total_minor=1), code=NUMBER),
        client.MembershipCard(number=NUMBER),
    ]
    assert not [each for each in shown if NUMBER in repr(each)]


def test_every_struct_with_a_marked_field_hides_it() -> None:
    """Of all operations: nobody can mark a field and forget the base class."""
    structs = [struct for op in OPS.values() for struct in (op.request, op.reply) if issubclass(struct, Struct)]
    marked = {struct for struct in structs if any(is_secret(field.type) for field in _fields(struct))}
    assert {struct for struct in marked if not issubclass(struct, HidesSecrets)} == set()
    assert orders.CashReceiptRequest in marked


def _fields(struct: type[Struct]) -> tuple[shapes.Field, ...]:
    info = shapes.type_info(struct)
    assert isinstance(info, shapes.StructType)
    return info.fields

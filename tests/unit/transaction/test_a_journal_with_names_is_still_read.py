"""Before schema 0005 payments and events were maps with the names of their fields; a journal keeps those it has."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any

import msgspec
import pytest
from msgspec import Struct, structs

from tests.harness.journals import Place
from tests.unit.transaction.samples import EVENTS, PAYMENT
from tests.unit.transaction.test_old_payments_lose_their_details import history
from tests.unit.transaction.test_the_journals_schema_moves_on import with_a_payment
from tpayd.transaction import events as ev
from tpayd.transaction.journal import JournalReader, JournalStore, coding, entries
from tpayd.transaction.journal.schema import SCHEMA_VERSION, VERSION_TABLE
from tpayd.transaction.journal.verifying import verify
from tpayd.transaction.payment import Payment

FIRST = (ev.Created(PAYMENT), ev.Buried(PAYMENT), ev.StoreRestored(PAYMENT, "b1", 5))
PLACES = {
    Payment: "payment_id lane request_id body_hash order terminal_id profile created_ms state reason trace client "
    "claim voided_minor wants_signature accepts_card twin lost_readers reader reader_label card chip stan "
    "local business_day key_id request_hash sent_ms response_code approval_code approved_ms host_message emv "
    "inquiry reversal from_backup unheard settlement reverse_unacknowledged acknowledged_ms prints ended_ms "
    "customer_us reader_us host_us total_us",
    ev.Created: "payment",
    ev.Buried: "payment",
    ev.StoreRestored: "payment backup_id backup_ms",
    ev.FoundInBackup: "",
    ev.Leased: "reader label",
    ev.ReaderLost: "reader",
    ev.CardRead: "card chip customer_us reader_us emv provider twin instead reader reader_label",
    ev.Confirmed: "",
    ev.Signed: "device customer_us reader_us",
    ev.NumberKeyed: "card customer_us reader_us",
    ev.CardFailed: "reason detail",
    ev.Stopped: "reason detail",
    ev.AbortAsked: "",
    ev.PosGone: "",
    ev.Sealed: "stan local business_day key_id request_hash sent_ms",
    ev.KeyReplaced: "key_id",
    ev.CommitFailed: "in_doubt",
    ev.NotSent: "detail reason",
    ev.HostApproved: "response_code approval_code approved_ms host_us issuer acquirer message",
    ev.HostDeclined: "response_code host_us issuer message",
    ev.HostUnknown: "reason detail host_us",
    ev.CardAccepted: "reader_us cryptogram",
    ev.CardRefused: "reason reader_us detail",
    ev.Acknowledged: "",
    ev.Unheard: "",
    ev.Asked: "",
    ev.LeftUnacknowledged: "",
    ev.ClosedUnacknowledged: "",
    ev.ReceiptPrinted: "copy",
    ev.SettledByHand: "outcome by note",
    ev.Restarted: "",
    ev.Voided: "by amount_minor",
    ev.Restored: "by amount_minor",
    ev.InquirySealed: "stan local business_day",
    ev.InquiryAnswered: "response_code stands approval_code approved_ms",
    ev.InquiryUnanswered: "detail",
    ev.InquiryGivenUp: "",
    ev.ReversalSealed: "stan local business_day",
    ev.ReversalAnswered: "response_code settled",
    ev.ReversalUnanswered: "detail response_code",
    ev.ReversalImpossible: "detail",
}
"""What stands at which place since schema 0005. It is never moved: whatever is added goes behind."""


def named(value: Struct) -> dict[str, Any]:
    """Its fields by name, without those that have their default."""
    return {
        field.name: getattr(value, field.name)
        for field in structs.fields(value)
        if field.required or getattr(value, field.name) != _default(field)
    }


def _default(field: structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def payment_of_0004(payment: Payment) -> bytes:
    """As it was written before."""
    return msgspec.msgpack.encode(named(payment))


def event_of_0004(event: Any) -> bytes:
    """As it was written before."""
    values = named(event)
    if isinstance(event, ev.FirstEvent):
        values["payment"] = named(event.payment)
    return msgspec.msgpack.encode({"event": event.__struct_config__.tag} | values)


@pytest.mark.parametrize("event", [*FIRST, *EVENTS], ids=lambda event: type(event).__name__)
def test_an_event_is_read_with_and_without_names(event: ev.Event) -> None:
    """And is the same then."""
    assert event == coding.decode_event(event_of_0004(event))
    assert event == coding.decode_event(coding.encode_event(event))


def test_what_an_earlier_version_wrote_is_read() -> None:
    """Byte for byte."""
    sealed = (
        b"\x84\xa5event\xafreversal_sealed\xa4stan\xa6000002\xa5local\xae20260922120030\xacbusiness_day\xa820260922"
    )
    assert ev.ReversalSealed("000002", "20260922120030", "20260922") == coding.decode_event(sealed)
    with pytest.raises(msgspec.MsgspecError):
        coding.decode_event(sealed.replace(b"reversal_sealed", b"reversal_signed"))


def test_a_payment_is_read_with_and_without_names() -> None:
    """At each step of a sale."""
    for payment in [entry.payment for entry in history(1, 1)]:
        assert payment == coding.decode_payment(payment_of_0004(payment))
        assert payment == coding.decode_payment(coding.encode_payment(payment))
    assert len(coding.encode_payment(payment)) < len(payment_of_0004(payment))


def test_a_payment_of_a_version_with_fewer_fields_is_read() -> None:
    """What is missing at the end has its default."""
    whole = msgspec.msgpack.decode(coding.encode_payment(PAYMENT))
    assert PAYMENT == coding.decode_payment(msgspec.msgpack.encode(whole[:10]))


def test_each_field_stays_in_its_place() -> None:
    """A field that is moved or taken out would be read from another one's place; a new one goes behind."""
    kinds = {type(event) for event in (*FIRST, *EVENTS)} | {Payment}
    assert kinds == set(PLACES)
    for kind, names in PLACES.items():
        assert names.split() == list(kind.__struct_fields__), kind


async def test_a_journal_of_0004_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its payments are found, told of, go on and are proven; new ones stand beside them."""
    with monkeypatch.context() as before:
        before.setattr(entries, "encode_payment", payment_of_0004)
        before.setattr(entries, "encode_event", event_of_0004)
        await with_a_payment(place)
    place.run(f"update {VERSION_TABLE} set version_num = '0004'")
    records = place.rows("select record from payments")
    store = JournalStore(place.url)
    assert store.outdated
    with closing(store):
        (found,) = store.open().unacknowledged
        assert records == place.rows("select record from payments")
        assert [(SCHEMA_VERSION,)] == place.rows(f"select version_num from {VERSION_TABLE}")
        assert found == store.find(PAYMENT.lane, PAYMENT.request_id)
        store.write(history(2, 1), [])
        reader = JournalReader(place.url)
        told = await reader.events_of(PAYMENT.lane, PAYMENT.request_id)
        reader.close()
    assert ["created", "leased", "card_read", "sealed", "host_approved"] == [each.name for each in told]
    assert None not in [each.event for each in told]
    proven = await asyncio.to_thread(verify, place.url, lambda *_: None)
    assert (True, 2) == (proven.intact, proven.payments)


async def test_an_old_payment_whose_record_is_damaged_is_made_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From events that are maps."""
    with monkeypatch.context() as before:
        before.setattr(entries, "encode_payment", payment_of_0004)
        before.setattr(entries, "encode_event", event_of_0004)
        await with_a_payment(place)
    place.run("update payments set record = substr(record, 2)")
    with closing(JournalStore(place.url)) as store:
        assert [PAYMENT.request_id] == [payment.request_id for payment in store.open().rebuilt]

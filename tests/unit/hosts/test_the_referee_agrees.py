"""Our codec and pyiso8583 give the same bytes and the same fields, and ours refuses whatever pyiso8583 refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.hosts import referee
from tests.unit.hosts.examples import KSN, MAC, financials, inquiries, reconciliations, reversals
from tpayd.hosts import Financial, HostFormatError, MacedMessage, Reconciliation, Reversal, load
from tpayd.hosts.iso8583 import codec
from tpayd.hosts.iso8583.codec import Value
from tpayd.hosts.iso8583.fields import Fields
from tpayd.hosts.iso8583.kinds import KINDS
from tpayd.hosts.iso8583.spec import FIELDS, MAX_MESSAGE_BYTES, Field, Kind, Mti

ADAPTER = load("iso8583")
STRICTER = (
    "holds something else than digits",
    "holds a control character",
    "its length is not in 3 digits",
    f"the limit is {MAX_MESSAGE_BYTES}",
)
"""All that ours refuses and pyiso8583 does not: it has no digits, and int() reads its lengths, ' 12' and '+12' too."""

BITMAP_FAULTS = (
    "is no field of this format",
    "too few for a type and a bitmap",
    "the second bitmap is cut off",
)
"""What ours looks at before anything else; pyiso8583 finds the same in its own order."""
SAME_PLACE = {("t", "message type"), ("p", "DE 1"), ("1", "DE 1")}

T = TypeVar("T")
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
OF_KIND: dict[Kind, st.SearchStrategy[str]] = {Kind.DIGITS: st.sampled_from("0123456789"), Kind.TEXT: PRINTABLE}
mtis = st.sampled_from(Mti)


def attempt(work: Callable[[], T]) -> T | HostFormatError | referee.RefusedError:
    """What it returns or raises."""
    try:
        return work()
    except (HostFormatError, referee.RefusedError) as refused:
        return refused


def before(position: int | None, other: int | None) -> bool:
    """The limit has no position: it is about the whole."""
    return position is None or (other is not None and position < other)


def fitting(field: Field) -> st.SearchStrategy[Value]:
    """What the table allows in this field."""
    least = 0 if field.length_digits else field.size
    if field.kind is Kind.BINARY:
        return st.binary(min_size=least, max_size=field.size)
    return st.text(OF_KIND[field.kind], min_size=least, max_size=field.size)


def any_value(field: Field) -> st.SearchStrategy[Value]:
    """Mostly a value that fits; else any text or bytes of about its length."""
    if field.kind is Kind.BINARY:
        return fitting(field) | st.binary(max_size=field.size + 2)
    return fitting(field) | st.text(PRINTABLE, max_size=field.size + 2) | st.text(max_size=field.size + 2)


@st.composite
def field_sets(draw: st.DrawFn, *, fit: bool) -> dict[str, Value]:
    """Some of the fields, in any order."""
    chosen = draw(st.lists(st.sampled_from(FIELDS), unique=True))
    return {str(field.number): draw(fitting(field) if fit else any_value(field)) for field in chosen}


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message with some bytes changed, cut off or added."""
    raw = bytearray(referee.encode(draw(mtis), draw(field_sets(fit=True))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3) | st.sampled_from([b"+", b" ", b"-1", b"_"])
        )
    return bytes(raw)


@settings(max_examples=300, deadline=None)
@given(mtis, field_sets(fit=True))
def test_what_fits_becomes_the_same_bytes(mti: Mti, fields: dict[str, Value]) -> None:
    """Complete, and split around the KSN."""
    assert referee.encode(mti, fields) == codec.pack(mti, fields)
    sealed = codec.seal(codec.pack_unsealed(mti, fields), KSN, MAC)
    assert referee.encode(mti, fields | {"53": KSN, "128": MAC}) == sealed


@settings(max_examples=200, deadline=None)
@given(financials() | reversals() | inquiries() | reconciliations())
def test_the_referee_reads_what_a_store_says(message: MacedMessage) -> None:
    """The fields that a host programmer looks for hold what the message says, and make the same bytes again."""
    raw = ADAPTER.seal(ADAPTER.encode(message), KSN, MAC)
    mti, found = referee.decode(raw)
    texts = {number: data for number, (_, data) in found.items()}
    assert (message.terminal_id.encode(), message.stan.encode(), message.business_day[4:].encode()) == (
        texts["41"], texts["11"], texts["15"],
    )  # fmt: skip
    if isinstance(message, (Financial, Reversal)):
        assert KINDS[message.kind].processing_code.encode() == texts["3"]
    if not isinstance(message, Reconciliation) and message.original is not None and message.original.stan is not None:
        assert message.original.stan.encode() == texts["90"][4:10]
    if isinstance(message, Reconciliation):
        assert (message.totals.sales_count, message.totals.voids_minor) == (int(texts["76"]), int(texts["86"]))
    binary = {str(field.number) for field in FIELDS if field.kind is Kind.BINARY}
    again = {number: data if number in binary else data.decode() for number, data in texts.items()}
    assert raw == referee.encode(Mti(mti), again)


@settings(max_examples=500, deadline=None)
@given(mtis, field_sets(fit=False))
def test_what_the_referee_does_not_write_is_not_written(mti: Mti, fields: dict[str, Value]) -> None:
    """By the same field, or by one before it that ours is stricter about."""
    theirs = attempt(lambda: referee.encode(mti, fields))
    ours = attempt(lambda: codec.pack(mti, fields))
    if not isinstance(ours, HostFormatError):
        assert theirs == ours
    elif not (isinstance(theirs, referee.RefusedError) and f"DE {theirs.field}" == ours.field):
        assert ours.reason.endswith(STRICTER)


@settings(max_examples=1000, deadline=None)
@given(damaged())
@example(b"0200" + bytes.fromhex("0000000000000100") + b"+12" + bytes(12))
@example(b"0200" + bytes.fromhex("0000000000000100") + b"1_2" + bytes(12))
@example(b"0200" + bytes.fromhex("0000000000000100") + b"-12" + bytes(12))
@example(b"0200" + bytes(8) + b"x")
@example(b"02\x80\xff" + bytes(8))
def test_what_is_read_is_read_alike_and_what_is_refused_too(raw: bytes) -> None:
    """The same fields at the same bytes; a fault at the same byte, or at one before it that ours is stricter about."""
    theirs = attempt(lambda: referee.decode(raw))
    ours = attempt(lambda: codec.unpack(raw))
    if isinstance(ours, HostFormatError):
        if ours.reason.endswith(BITMAP_FAULTS):
            assert isinstance(theirs, referee.RefusedError)
        elif isinstance(theirs, referee.RefusedError) and theirs.position == ours.position:
            assert f"DE {theirs.field}" == ours.field or (theirs.field, ours.field) in SAME_PLACE
        else:
            assert ours.reason.endswith(STRICTER)
            assert not isinstance(theirs, referee.RefusedError) or before(ours.position, theirs.position)
    else:
        assert isinstance(ours, Fields)
        assert isinstance(theirs, tuple)
        mti, fields = theirs
        assert mti == ours.mti
        assert fields == {
            str(field.number): (ours.position(str(field.number)), ours.binary(str(field.number)))
            for field in FIELDS
            if str(field.number) in ours
        }


def test_a_value_of_the_wrong_type_is_refused_by_field() -> None:
    """Text where bytes belong, and the other way round: never guessed."""
    for fields, field in (({"55": "9F26"}, "DE 55"), ({"11": b"000042"}, "DE 11"), ({"2": "4111"}, "DE 2")):
        with pytest.raises(HostFormatError) as caught:
            codec.pack(Mti.FINANCIAL, fields)
        assert field == caught.value.field

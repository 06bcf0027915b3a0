"""What a receipt prints of a card's EMV data (BER-TLV, EMV Book 3 annex B)."""

from __future__ import annotations

import pytest

from tpayd.transaction.receipt import receipt_tags

WHOLE = bytes.fromhex("8407A00000000310105004564953419505" + "00000080009F2608" + "11223344556677889A03260131")
PRINTED = {"84": "A0000000031010", "50": "VISA", "95": "0000008000", "9F26": "1122334455667788"}


def test_the_four_are_found_among_others() -> None:
    assert receipt_tags(WHOLE) == PRINTED


def test_a_long_form_of_a_length_is_read() -> None:
    assert receipt_tags(bytes.fromhex("5F20810141500456495341")) == {"50": "VISA"}


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_what_was_read_before_a_damage_is_kept(cut: int) -> None:
    """A receipt must not stop a payment."""
    found = receipt_tags(WHOLE[:cut])
    assert found == {tag: value for tag, value in PRINTED.items() if tag in found}


def test_a_length_beyond_the_end_ends_it() -> None:
    assert receipt_tags(bytes.fromhex("50045649534184FFFF")) == {"50": "VISA"}


def test_what_came_before_leaves_no_trace() -> None:
    """Data of a length that was met before, built in another way, is read by itself."""
    first, same, other = (
        bytes.fromhex(each) for each in ("500241428404A0000003", "500243448404A0000004", "8404A000000350024546")
    )
    assert [receipt_tags(each) for each in (first, same, other)] == [
        {"50": "AB", "84": "A0000003"},
        {"50": "CD", "84": "A0000004"},
        {"84": "A0000003", "50": "EF"},
    ]


def test_a_length_that_reaches_into_the_next_tag_is_not_taken_for_the_usual_shape() -> None:
    assert receipt_tags(bytes.fromhex("500241428402A0B0")) == {"50": "AB", "84": "A0B0"}
    assert receipt_tags(bytes.fromhex("500641428402A0B0")) == {"50": "AB\ufffd\x02\ufffd\ufffd"}

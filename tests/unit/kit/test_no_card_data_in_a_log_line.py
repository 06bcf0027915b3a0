"""No card number, track or key passes redaction, and what is none stays as it is."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tpayd.kit.redaction import CARD, HIDDEN, TRACK, is_suspect, passes_luhn, redact_line, redact_text

TEST_CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "9410123456789016", "6011111111111117"]


def line_of(value: object) -> str:
    return json.dumps({"event": "x", "field": value}, ensure_ascii=False, separators=(",", ":"))


def field_of(line: str) -> object:
    return json.loads(line)["field"]


def with_check_digit(body: str) -> str:
    return next(body + digit for digit in "0123456789" if passes_luhn(body + digit))


card_numbers = st.text("0123456789", min_size=12, max_size=18).map(with_check_digit)
neighbours = st.text(st.characters(codec="utf-8", exclude_characters="0123456789- \u00a0\t\r\n"), max_size=20)
groupings = st.lists(st.integers(1, 6), min_size=1, max_size=19)
separators = st.sampled_from([" ", "-", "\u00a0", "\n", "\t"])


def grouped(number: str, sizes: list[int], separator: str) -> str:
    parts, start = [], 0
    for size in sizes:
        parts.append(number[start : start + size])
        start += size
    return separator.join(part for part in (*parts, number[start:]) if part)


@given(card_numbers, neighbours, neighbours)
def test_a_card_number_in_any_text_is_removed(card: str, before: str, after: str) -> None:
    """13 to 19 digits that pass the check don't reach the file, whatever stands around them."""
    clean = redact_line(line_of(before + card + after))

    assert card not in clean
    assert card not in str(field_of(clean))


@given(card_numbers, groupings, separators, st.sampled_from(["", "12 ", "at 7 "]))
def test_a_card_number_in_groups_is_removed(card: str, sizes: list[int], separator: str, before: str) -> None:
    """Separators between the digits hide nothing."""
    text = before + grouped(card, sizes, separator)
    clean = str(field_of(redact_line(line_of(text))))

    assert card not in "".join(symbol for symbol in clean if symbol.isdigit())


@given(card_numbers)
def test_a_card_number_as_a_number_is_removed(card: str) -> None:
    """An integer or a float is text once it is written; the line stays valid JSON."""
    if card[0] != "0":
        assert CARD == field_of(redact_line(line_of(int(card))))
        assert CARD == field_of(redact_line(line_of([{"a": int(card)}])))[0]["a"]  # type: ignore[index]


@given(st.text("0123456789", max_size=30), card_numbers, st.text("0123456789", max_size=30))
def test_a_card_number_in_a_dump_of_digits_is_removed(before: str, card: str, after: str) -> None:
    """A message dump glues a card number to its neighbours: no longer run of digits is kept."""
    if len(before + after) > 6:
        assert card not in redact_line(line_of(before + card + after))


@pytest.mark.parametrize("card", TEST_CARDS)
@pytest.mark.parametrize(
    "track",
    [";{}=29121010000012345678?", "{}D29121010000012345678F", "%B{}^HONG/GILDONG^29121010000000000?", "{}=2912101999"],
)
def test_track_data_is_removed_whole(card: str, track: str) -> None:
    """Service code and discretionary data are as secret as the number."""
    clean = redact_line(line_of(f"read {track.format(card)} end"))

    assert f"read {TRACK} end" == field_of(clean)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key=00112233445566778899AABBCCDDEEFF", f"key={HIDDEN}"),
        ("mac_key: 00 11 22 33 44 55 66 77 88", f"mac_key: {HIDDEN}"),
        ("loaded ik=b'\\x00\\x11abc' from x", f"loaded ik={HIDDEN} from x"),
        ("Key(key=bytearray(b'\\x00)'), n=1)", f"Key(key={HIDDEN}), n=1)"),
        ('{"passphrase": "correct horse", "n": 1}', f'{{"passphrase": {HIDDEN}, "n": 1}}'),
        ("pin=1234, ok", f"pin={HIDDEN}, ok"),
        ("client_secret='a' b", f"client_secret={HIDDEN} b"),
    ],
)
def test_a_value_behind_a_telling_name_is_removed_from_text(text: str, expected: str) -> None:
    """An exception's text may show a call with its arguments."""
    assert expected == field_of(redact_line(line_of(text)))


@pytest.mark.parametrize("name", ["pin", "pan", "track2", "passphrase", "client_secret", "ipek", "kek", "ik", "cvc"])
@pytest.mark.parametrize("value", ["1234", ["a"], {"a": 1}, 1234])
def test_a_field_with_a_telling_name_is_removed(name: str, value: object) -> None:
    """Whoever logs a PIN by mistake logs nothing."""
    assert {"event": "x", name: HIDDEN} == json.loads(redact_line(json.dumps({"event": "x", name: value})))


def test_a_key_field_is_removed_if_it_holds_a_key() -> None:
    """`key` is also the envelope's idempotency key, a UUID, which stays."""
    request_id = str(uuid.uuid4())
    clean = json.loads(redact_line(json.dumps({"key": request_id, "mac_key": "0011223344556677", "card": "pin=1"})))

    assert (request_id, HIDDEN) == (clean["key"], clean["mac_key"])


@given(st.uuids(), st.uuids())
def test_identifiers_and_times_stay(one: uuid.UUID, other: uuid.UUID) -> None:
    """UUIDs, traceparents and ISO times are what logs are searched by."""
    trace = f"00-{one.hex}-{other.hex[:16]}-01"
    text = f"{one} {other} {trace} {datetime.now(UTC).isoformat()}"

    assert line_of(text) == redact_line(line_of(text))


@pytest.mark.parametrize(
    "value",
    ["amount 15000", "4111111111111112", "010-1234-5678", "20260131120000", "127.0.0.1:7700", 15000, 0.25, True, None,
     "company opinion spinning panel", "key exchange", "10 20 30 40", "keyboard: 12"],
)  # fmt: skip
def test_what_is_no_secret_stays(value: object) -> None:
    """A log that hides too much is of no use."""
    assert value == field_of(redact_line(line_of(value)))


@settings(max_examples=300)
@given(st.recursive(st.text(max_size=60) | card_numbers | st.integers() | st.floats(), st.lists, max_leaves=5))
def test_a_line_stays_one_line_of_json(value: object) -> None:
    """Whatever is removed, whoever parses the log can still do so, and a second pass changes nothing."""
    clean = redact_line(line_of(value))

    assert "\n" not in clean
    json.loads(clean)
    assert clean == redact_line(clean)


@given(
    st.one_of(
        st.text(max_size=80),
        st.builds("{}{}{}{}".format, st.text(max_size=9), st.sampled_from(["pin", "key", "mac_key", "secret_x", "IK"]),
                  st.sampled_from(["=", ": ", "='", "=b'", '": "']), st.text("0123456789abcdef '", max_size=40)),
        st.builds("{}{}".format, card_numbers, st.text("0123456789=D^-; ", max_size=20)),
    )
)  # fmt: skip
def test_the_cheap_look_misses_nothing(text: str) -> None:
    """What the thorough search would change, the first look finds suspect."""
    if redact_text(text) != text:
        assert is_suspect(line_of(text))


def test_what_is_no_json_is_cleaned_too() -> None:
    """A broken line is no way around."""
    assert TEST_CARDS[0] not in redact_line(f"{{broken {TEST_CARDS[0]}")


@pytest.mark.parametrize("pattern", ["1 ", "9", "key", "pin_", "a-", "B1", "key=0", "pin: ", "0" * 7 + "-", "'"])
def test_a_long_line_is_redacted_in_bounded_time(pattern: str) -> None:
    """No text makes the search explode: 32 KB, the longest line, take less than half a second of CPU."""
    line = line_of(pattern * (32_000 // len(pattern)))
    started_s = time.process_time()
    redact_line(line)

    assert time.process_time() - started_s < 0.5

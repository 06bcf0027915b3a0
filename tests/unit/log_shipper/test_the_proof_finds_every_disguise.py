"""The proof finds what redaction removes, wherever it stands in the bytes; and what was redacted it lets pass."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tpayd.kit.leaks import Leak, leaks_in
from tpayd.kit.redaction import redact_line
from tpayd.log_shipper.proving import Finding, Prover

CARD = "4111111111111111"
TRACK2 = ";4000000000000002=25121010000012300000?"


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        (json.dumps({"event": CARD}), {Leak.CARD}),
        (json.dumps({"event": f"a {CARD[:4]} {CARD[4:8]}-{CARD[8:12]} {CARD[12:]} b"}), {Leak.CARD}),
        (json.dumps({"event": "\u00a0".join((CARD[:8], CARD[8:]))}, ensure_ascii=False), {Leak.CARD}),
        (json.dumps({"event": "\n".join((CARD[:8], CARD[8:]))}), {Leak.CARD}),
        (json.dumps({"amount": int(CARD)}), {Leak.CARD}),
        (json.dumps({CARD: 1}), {Leak.CARD}),
        (json.dumps({"deep": [{"list": [1, {"x": CARD}]}]}), {Leak.CARD}),
        (json.dumps({"dump": f"0210{CARD}0000000"}), {Leak.CARD}),
        (json.dumps({"dump": CARD.encode().hex()}), {Leak.CARD}),
        (f"Traceback: card {CARD} is bad", {Leak.CARD}),
        (json.dumps({"event": TRACK2}), {Leak.TRACK}),
        (json.dumps({"event": "%B4000000000000002^KIM/A^2512101000000?"}), {Leak.TRACK}),
        (json.dumps({"pin": "1234"}), {Leak.SECRET}),
        (json.dumps({"settings_password": "hush"}), {Leak.SECRET}),
        (json.dumps({"event": "password=hush"}), {Leak.SECRET}),
        (json.dumps({"mac_key": "00112233445566778899aabbccddeeff"}), {Leak.KEY}),
        (json.dumps({"event": "key: 0xA0112233B4556677C899AABBCCDDEEFF"}), {Leak.KEY}),
        (json.dumps({"event": CARD, "cvc": 123}), {Leak.CARD, Leak.SECRET}),
    ],
)
def test_each_is_found_by_its_kind(line: str, kinds: set[Leak]) -> None:
    """And once it was redacted, it is gone."""
    assert kinds == set(leaks_in(line.encode()))
    assert set() == set(leaks_in(redact_line(line).encode()))


def test_an_escape_that_no_process_writes_hides_nothing() -> None:
    """A log of ours has characters as they are; whatever else lies in the directory is looked at as well."""
    assert {Leak.CARD} == leaks_in(json.dumps({"event": "\u00a0".join((CARD[:8], CARD[8:]))}).encode())


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"time": "2026-01-31T12:00:00.000Z", "id": "12345678-1234-1234-1234-123456789012"}),
        json.dumps({"trace": "00-11111111111111111111111111111111-2222222222222222-01"}),
        json.dumps({"took_ms": 12.41111111111111}),
        json.dumps({"masked": "411111******1111", "pin": None, "password": "[secret removed]"}),
        "2026-01-31 12:00:00,123 INFO spawned: 'gateway' with pid 41111",
        "",
    ],
)
def test_what_is_none_of_it_passes(line: str) -> None:
    """Ids, times, masks and the marks of what was removed."""
    assert frozenset() == leaks_in(line.encode())


_PARTS = st.sampled_from(
    [CARD, TRACK2, "4111 1111 1111 1111", "pin=", "pin: '12'", "password", "key=", "00112233445566778899aabbccddeeff",
     "b'\\x00\\x01'", "secret_x=", "=", ":", "'", '"', "\\", "]", "[", "{", "}", ",", ";", " ", "-", "\n", "a",
     "5", "\u00a0", "12345678-1234-1234-1234-123456789012", "[secret removed]",
     "bytearray(", "%B4000000000000002^N^2512101000?"]
)  # fmt: skip
_TEXTS = st.lists(_PARTS, max_size=10).map("".join)


@settings(max_examples=300, deadline=None)
@given(_TEXTS, st.sampled_from(["event", "pin", "my_key", "a"]))
def test_what_was_redacted_has_no_leak(text: str, name: str) -> None:
    """Whatever it was: else a clean store could ship nothing."""
    for line in (json.dumps({name: text}), json.dumps({"a": [text, {name: text}]}, ensure_ascii=False), text):
        assert frozenset() == leaks_in(redact_line(line).encode())


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_file_and_line_are_told_however_the_bytes_come(size: int) -> None:
    """A number that two blocks part is found as well; the value is never said."""
    content = b'{"event":"a"}\n' * 3 + json.dumps({"event": CARD}).encode() + b"\n{}\n" + b"pin=1234"
    prover = Prover("gateway.jsonl")
    found = [one for at in range(0, len(content), size) for one in prover.feed(content[at : at + size])]
    found += prover.finish()

    assert ["gateway.jsonl, line 4: card number", "gateway.jsonl, line 6: secret"] == [str(one) for one in found]


def test_a_line_without_an_end_is_looked_at_in_pieces() -> None:
    """It takes no memory without bound, and a number across two pieces is found."""
    prover = Prover("x.stderr")
    filler = b"x" * 65_536
    found: list[Finding] = []
    for _ in range(20):
        found += prover.feed(filler)
    found += prover.feed(CARD[:9].encode())
    found += prover.feed(CARD[9:].encode() + filler * 20)
    found += prover.finish()

    assert {"x.stderr, line 1: card number"} == {str(one) for one in found}
    assert len(prover._rest) == 0

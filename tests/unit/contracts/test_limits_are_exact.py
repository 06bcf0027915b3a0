"""A limit of a field holds to the character."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tpayd_contracts.catalogue import OPS
from tpayd_contracts.device import ReadCard
from tpayd_contracts.payment import PaymentRef

_ID = "3f0c2a52-6a0e-4c2f-9a41-5d3c8e1b7f60"


@pytest.mark.parametrize("lane", ["", "1\n", "\n1", "1 2", "a" * 17, "１", "1\x00", "레인"])
def test_a_lane_outside_its_alphabet_is_refused(lane: str) -> None:
    """Empty, too long, other scripts and a hidden line feed: no lane."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.lane"):
        msgspec.convert({"lane": lane, "request_id": _ID}, PaymentRef)


@pytest.mark.parametrize("request_id", ["", _ID.upper(), _ID + "\n", _ID[:-1], "{" + _ID + "}", _ID.replace("-", "")])
def test_a_request_id_has_one_spelling(request_id: str) -> None:
    """Two spellings of one UUID would be two payments."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.request_id"):
        msgspec.convert({"lane": "1", "request_id": request_id}, PaymentRef)


def test_local_time_is_ascii_digits() -> None:
    """Digits of other scripts are no time."""
    card = {"lease": {"lease_id": "l", "fence": 1}, "type": "credit", "amount_minor": 1, "card_wait_s": 1.0}
    with pytest.raises(msgspec.ValidationError, match=r"\$\.at"):
        msgspec.convert(card | {"at": "２０２６０３０２１０１５３０"}, ReadCard)


def patterns(node: object) -> Iterator[str]:
    """Every pattern of a schema."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            else:
                yield from patterns(value)
    elif isinstance(node, list):
        for value in node:
            yield from patterns(value)


def test_no_pattern_lets_a_line_feed_through_at_its_end() -> None:
    """Python's `$` alone would: each pattern ends with shapes.END."""
    components: dict[str, Any] = msgspec.json.schema_components([op.request for op in OPS.values()])[1]
    found = set(patterns(components))
    assert found
    assert [] == [pattern for pattern in found if re.search(r"(?<!\\)\$$", pattern)]

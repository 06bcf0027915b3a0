"""The client's codec and the daemon's are two; what one writes the other reads."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.kit.bus.wire import open_frame
from tpayd_client.envelope import PROTOCOL, BadFrameError, Kind, pack, unpack
from tpayd_contracts import envelope
from tpayd_contracts.schema.golden import golden_frames

GOLDEN = golden_frames()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_the_words_are_the_same() -> None:
    """Protocol tag and kinds."""
    assert (envelope.PROTOCOL, {kind.name: kind.value for kind in envelope.Kind}) == (
        PROTOCOL,
        {kind.name: kind.value for kind in Kind},
    )


@pytest.mark.parametrize("stem", GOLDEN)
def test_the_client_reads_every_golden_frame(stem: str) -> None:
    """Kind, id, op, session and body as the daemon's codec has them."""
    theirs = open_frame(GOLDEN[stem])
    ours = unpack(GOLDEN[stem])
    assert (theirs.kind, theirs.id, theirs.op, theirs.session) == ours[:4]
    assert msgspec.msgpack.decode(theirs.body) == ours.body


@given(
    kind=st.sampled_from(Kind),
    number=st.integers(0, 2**53),
    ttl_ms=st.integers(0, 2**31),
    text=st.text(max_size=20),
    body=st.dictionaries(st.text(), VALUES, max_size=5),
)
def test_the_daemon_reads_whatever_the_client_writes(
    kind: Kind, number: int, ttl_ms: int, text: str, body: dict[str, object]
) -> None:
    """Every element in its place."""
    message = open_frame(pack(kind, number, op=text, ttl_ms=ttl_ms, key=text, trace=text, session=text, body=body))
    assert (kind, number, text, ttl_ms, text, text, text, None) == (
        message.kind, message.id, message.op, message.deadline, message.key, message.trace, message.session,
        message.principal,
    )  # fmt: skip
    assert body == msgspec.msgpack.decode(message.body)


@given(st.binary(max_size=200) | VALUES.map(msgspec.msgpack.encode))
def test_garbage_is_refused_and_nothing_else_happens(frame: bytes) -> None:
    """BadFrameError, whatever the bytes are."""
    with pytest.raises(BadFrameError):
        unpack(frame)


def test_deep_nesting_is_garbage_too() -> None:
    """No RecursionError gets out."""
    with pytest.raises(BadFrameError):
        unpack(b"\x91" * 50_000 + b"\xc0")

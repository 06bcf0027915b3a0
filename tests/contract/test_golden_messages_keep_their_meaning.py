"""Messages of every released contract version are read as they were meant, by two independent codecs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]
import msgspec
import pytest

from tpayd_contracts import examples
from tpayd_contracts.catalogue import EVENT_BODIES, OPS
from tpayd_contracts.envelope import PROTOCOL, Envelope
from tpayd_contracts.schema.files import directory
from tpayd_contracts.schema.golden import body_type, golden_frames
from tpayd_contracts.version import CONTRACT_VERSION

_GOLDEN = sorted((directory() / "golden").rglob("*.msgpack"))
_CURRENT = golden_frames()


def _stem(path: Path) -> str:
    return path.name.removesuffix(".msgpack")


def plain(value: Any) -> Any:
    """A Struct as the plain map that a client in any language sees."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value))


def contains(old: Any, new: Any) -> bool:
    """Whether `new` says all that `old` says; it may say more."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and contains(value, new[key]) for key, value in old.items())
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(contains(a, b) for a, b in zip(old, new, strict=True))
    return bool(old == new)


@pytest.mark.parametrize("op", sorted(OPS))
def test_every_operation_has_an_example_of_each_direction(op: str) -> None:
    """A new operation comes with examples, progress included."""
    example = examples.EXAMPLES[op]
    expected = (OPS[op].request, OPS[op].reply, OPS[op].progress or type(None))
    assert expected == (type(example.request), type(example.reply), type(example.progress))


def test_every_topic_has_an_example() -> None:
    """A new event comes with an example."""
    assert EVENT_BODIES == {topic: type(body) for topic, body in examples.EVENTS.items()}


@pytest.mark.parametrize("stem", sorted(_CURRENT))
def test_what_one_codec_rewrites_the_other_reads_unchanged(stem: str) -> None:
    """A peer on plain msgpack sends what msgspec reads as the same message.

    The bytes may differ: msgspec keeps the wide map header of a Struct with many fields when it leaves some out.
    """
    elements = msgpack.unpackb(_CURRENT[stem])
    rewritten = msgspec.msgpack.decode(msgpack.packb(elements), type=Envelope)
    original = msgspec.msgpack.decode(_CURRENT[stem], type=Envelope)
    struct = body_type(stem)
    if struct is not None:
        assert msgspec.msgpack.decode(original.body, type=struct) == msgspec.msgpack.decode(rewritten.body, type=struct)
    original.body = rewritten.body
    assert original == rewritten


@pytest.mark.parametrize("stem", sorted(_CURRENT))
def test_the_two_codecs_read_the_same(stem: str) -> None:
    """The map that msgpack sees is the Struct that msgspec sees."""
    envelope = msgspec.msgpack.decode(_CURRENT[stem], type=Envelope)
    struct = body_type(stem)
    body = {} if struct is None else plain(msgspec.msgpack.decode(envelope.body, type=struct))
    elements = msgpack.unpackb(_CURRENT[stem])
    assert [*elements[:9], body] == elements
    assert PROTOCOL == elements[0]


@pytest.mark.parametrize("stem", sorted(_CURRENT))
def test_encoding_again_gives_the_same_frame(stem: str) -> None:
    """Decoding loses nothing."""
    envelope = msgspec.msgpack.decode(_CURRENT[stem], type=Envelope)
    struct = body_type(stem)
    if struct is not None:
        envelope.body = msgspec.Raw(msgspec.msgpack.encode(msgspec.msgpack.decode(envelope.body, type=struct)))
    assert _CURRENT[stem] == msgspec.msgpack.encode(envelope)


@pytest.mark.parametrize("stem", sorted(_CURRENT))
def test_an_example_obeys_its_own_limits(stem: str) -> None:
    """Structs made in Python are not checked; these are decoded with all limits, and equal what was made."""
    struct = body_type(stem)
    if struct is None:
        return
    envelope = msgspec.msgpack.decode(_CURRENT[stem], type=Envelope)
    made = {
        "hello.request": examples.HELLO.request,
        "hello.reply": examples.HELLO.reply,
        "error": examples.ERROR,
        **{f"event.{topic}": body for topic, body in examples.EVENTS.items()},
        **{f"{op}.request": example.request for op, example in examples.EXAMPLES.items()},
        **{f"{op}.reply": example.reply for op, example in examples.EXAMPLES.items()},
        **{f"{op}.progress": example.progress for op, example in examples.EXAMPLES.items()},
    }
    assert made[stem] == msgspec.msgpack.decode(envelope.body, type=struct)


@pytest.mark.parametrize("path", _GOLDEN, ids=lambda path: f"{path.parent.name}/{_stem(path)}")
def test_a_released_message_still_means_the_same(path: Path) -> None:
    """Today's code reads what an older peer sends and drops nothing of it."""
    frame = path.read_bytes()
    elements = msgpack.unpackb(frame)
    struct = body_type(_stem(path))
    envelope = msgspec.msgpack.decode(frame, type=Envelope)
    read = {} if struct is None else plain(msgspec.msgpack.decode(envelope.body, type=struct))
    assert contains(elements[9], read), (elements[9], read)


def test_every_release_kept_its_messages() -> None:
    """A released contract and its golden messages belong together, and none was lost."""
    released = {path.stem for path in (directory() / "released").glob("*.json")}
    assert released == {path.parent.name for path in _GOLDEN}


def test_the_messages_of_the_present_release_are_all_there() -> None:
    """The version in force, once released, has a golden message of each kind that the code makes."""
    present = {_stem(path): path.read_bytes() for path in _GOLDEN if path.parent.name == str(CONTRACT_VERSION)}
    assert not present or _CURRENT == present

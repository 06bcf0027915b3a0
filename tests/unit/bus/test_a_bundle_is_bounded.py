"""Messages that share a frame keep their order, and the frame its limits."""

from __future__ import annotations

from itertools import chain

import pytest

from tpayd.kit.bus import limits
from tpayd.kit.bus.outlet import Outlet
from tpayd.kit.bus.wire import is_bundle, open_bundle
from tpayd_contracts.envelope import MAX_FRAME_BYTES


def taken(sizes: list[int], *, bundles: bool) -> list[tuple[bytes, list[int]]]:
    outlet = Outlet(bundles=bundles)
    outlet.frames = [b"\x9a" * size for size in sizes]
    outlet.numbers = list(range(len(sizes)))
    return list(outlet.take())


@pytest.mark.parametrize(
    "sizes",
    [
        [1] * 1_000,
        [MAX_FRAME_BYTES] * 3,
        [MAX_FRAME_BYTES, 1, 1, MAX_FRAME_BYTES, 1],
        [1_000] * (limits.BUNDLE_MESSAGES + 1),
        [30_000] * 5,
    ],
    ids=["many", "the largest", "between", "one too many", "two at a time"],
)
def test_every_message_leaves_once_in_its_order(sizes: list[int]) -> None:
    """In frames of legal size, of some messages at most."""
    frames = taken(sizes, bundles=True)
    opened = [open_bundle(frame) if is_bundle(frame) else [frame] for frame, _ in frames]

    assert sizes == [len(message) for message in chain(*opened)]
    assert list(range(len(sizes))) == list(chain(*(numbers for _, numbers in frames)))
    assert [len(numbers) for _, numbers in frames] == [len(messages) for messages in opened]
    assert max(len(frame) for frame, _ in frames) <= MAX_FRAME_BYTES
    assert max(map(len, opened)) <= limits.BUNDLE_MESSAGES


def test_small_messages_share() -> None:
    """A hundred of a sale's size: two frames."""
    assert [64, 36] == [len(numbers) for _, numbers in taken([300] * 100, bundles=True)]


def test_one_message_is_no_bundle() -> None:
    """It goes as it is, and so does each for a peer that opens none."""
    assert [(b"\x9a", [0])] == taken([1], bundles=True)
    assert [(b"\x9a", [0]), (b"\x9a", [1])] == taken([1, 1], bundles=False)


def test_an_empty_outlet_sends_nothing() -> None:
    """Whatever its peer opens."""
    assert [] == taken([], bundles=True)
    assert [] == taken([], bundles=False)

"""The way to one peer: what a loop turn has for it leaves together.

Inside the house messages of one turn for one peer travel as a bundle, in one frame: at 64 lanes a frame carries up to a
dozen of them, and each frame costs both ends a send, a receive and most likely a wake-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import zmq

from tpayd.kit.bus import limits
from tpayd.kit.bus.wire import bundle
from tpayd_contracts.envelope import MAX_FRAME_BYTES

__all__ = ["Outlet", "Undelivered"]

Undelivered = Callable[[zmq.ZMQError, list[int]], None]
"""Told which messages the socket did not take, by the numbers that were given with them."""


class Outlet:
    """A queue that `Pump` empties. `bundles` may change at any time: the peer has said that it opens them."""

    __slots__ = ("bundles", "closed", "frames", "numbers", "prefix", "undelivered")

    def __init__(
        self, prefix: tuple[bytes, ...] = (), undelivered: Undelivered | None = None, *, bundles: bool = False
    ) -> None:
        """`prefix` stands before each message, such as a routing id."""
        self.prefix = prefix
        self.undelivered = undelivered
        self.bundles = bundles
        self.closed = False
        """Nothing leaves any more, and nobody is told."""
        self.frames: list[bytes] = []
        self.numbers: list[int] = []

    def take(self) -> Sequence[tuple[bytes, list[int]]]:
        """Empty the queue: frames to send, and the numbers of the messages in each."""
        frames, numbers = self.frames, self.numbers
        self.frames, self.numbers = [], []
        if self.closed:
            return ()
        if len(frames) == 1:
            return ((frames[0], numbers),)
        if not self.bundles:
            return [(frame, [number]) for frame, number in zip(frames, numbers, strict=True)]
        taken = []
        first = size = 0
        for at, frame in enumerate(frames):
            if at > first and (size + len(frame) > _MOST_BYTES or at - first >= limits.BUNDLE_MESSAGES):
                taken.append((_bundled(frames[first:at]), numbers[first:at]))
                first, size = at, 0
            size += len(frame)
        if frames:
            taken.append((_bundled(frames[first:]), numbers[first:]))
        return taken


_MOST_BYTES = MAX_FRAME_BYTES - 8 * limits.BUNDLE_MESSAGES
"""Room is left for what a bundle puts around its messages."""


def _bundled(frames: list[bytes]) -> bytes:
    return bundle(frames) if len(frames) > 1 else frames[0]

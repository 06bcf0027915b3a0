"""The other side of the line, in the hand of a test: a reader that behaves, and a customer who does what he is told."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Protocol, TypeAlias, cast

__all__ = ["PEER_GROUP", "Peer", "PeerFactory", "PeerUnknownError", "UpdatablePeer", "peer_factory"]

PEER_GROUP = "tpayd.reader_peers"


class Peer(Protocol):
    """One reader just switched on, with a key loaded and an empty slot."""

    @property
    def ways(self) -> frozenset[str]:
        """How its customer can present a card: of `ic`, `contactless`, `stripe`."""
        ...

    @property
    def opening(self) -> bytes:
        """The beginning of the longest frame that it can promise."""
        ...

    def received(self, data: bytes) -> bytes:
        """Bytes came from the driver, cut and joined at will: what the reader says to them."""
        ...

    def present(self, way: str, *, stays: bool = False) -> bytes:
        """The customer presents a card: what the reader says of it.

        With `stays` a chip card is left inside until `take_out`; otherwise it is taken out as soon as the reader is
        through with it.
        """
        ...

    def take_out(self) -> bytes:
        """The customer takes his card out, whatever the reader is doing: what the reader says of it."""
        ...


class UpdatablePeer(Peer, Protocol):
    """The peer of a driver that updates firmware (`drivers.firmware`)."""

    def image(self) -> tuple[str, str, str, bytes, bytes, bytes]:
        """Model, mode, version, content, ticket and vendor's key of an image that it takes, of several chunks."""
        ...


PeerFactory: TypeAlias = Callable[[], Peer]


class PeerUnknownError(Exception):
    """There is no such peer, or it does not load."""


def peer_factory(name: str) -> PeerFactory:
    """By the entry point of that name, or by "package.module:object". Raises PeerUnknownError."""
    module, _, attribute = name.partition(":")
    try:
        if attribute:
            return cast("PeerFactory", getattr(import_module(module), attribute))
        [found] = entry_points(group=PEER_GROUP, name=name)
        return cast("PeerFactory", found.load())
    except (ImportError, AttributeError) as error:
        raise PeerUnknownError(f"peer {name!r} does not load: {error}") from error
    except ValueError:
        known = ", ".join(sorted({entry.name for entry in entry_points(group=PEER_GROUP)}))
        raise PeerUnknownError(f"there is no one peer {name!r}; there are: {known}") from None

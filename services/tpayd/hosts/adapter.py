"""What a host adapter is, and how one is found.

An adapter translates; it opens no socket, reads no clock and keeps no state, so one object serves all threads.
`iso8583` comes with the daemon; others register under the entry point group `tpayd.hosts`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from tpayd.hosts.answers import MatchKey, Opened, Unsealed
from tpayd.hosts.errors import UnknownAdapterError
from tpayd.hosts.messages import MacedMessage, NetworkMessage
from tpayd.kit import plugins

__all__ = ["GROUP", "HostAdapter", "installed", "load"]

GROUP = "tpayd.hosts"

_BUILT_IN = {"iso8583": "tpayd.hosts.iso8583:adapter"}
"""`module:name`. Works from a source tree too, where nothing is installed and no entry point exists."""


@runtime_checkable
class HostAdapter(Protocol):
    """Typed requests to a host's bytes, and its bytes to typed answers.

    Every method raises HostFormatError, and nothing else, for what does not fit the format.
    """

    @property
    def name(self) -> str:
        """As it is written in the settings."""

    def encode(self, message: MacedMessage) -> Unsealed:
        """A request, ready to be MACed."""

    def encode_network(self, message: NetworkMessage) -> bytes:
        """A complete message about the line or a key; it carries no MAC."""

    def seal(self, unsealed: Unsealed, ksn: bytes, mac: bytes) -> bytes:
        """The complete message."""

    def split_mac(self, raw: bytes) -> tuple[bytes, bytes]:
        """What an answer's MAC covers, and the MAC. Cheap: nothing else of it is looked at."""

    def match_key(self, raw: bytes) -> MatchKey:
        """The key that a request and its answer share. Cheap: called twice per payment."""

    def is_answer(self, raw: bytes) -> bool:
        """Whether the message answers one of ours, by its type alone."""

    def open(self, raw: bytes) -> Opened:
        """Read an answer."""

    def host_time_ms(self, covered: bytes) -> int | None:
        """The host's own time as an answer tells it: milliseconds since 1970; None where it tells none.

        `covered` is all of the answer that its MAC covers, and the MAC was right: what stands elsewhere proves nothing.
        """

    def reply_to(self, raw: bytes) -> bytes | None:
        """The answer that the line itself owes to a message which the host sent unasked, or None.

        An answer is never answered: two sides that echo each other's echoes would never stop.
        """


def load(name: str) -> HostAdapter:
    """The adapter registered as `name`; raises UnknownAdapterError."""
    place = plugins.place_of(GROUP, name, _BUILT_IN)
    if place is None:
        raise UnknownAdapterError(name, tuple(sorted(installed())))
    adapter = plugins.fetched(place)
    if not isinstance(adapter, HostAdapter):
        raise TypeError(f"{place} is registered under {GROUP}, and is no HostAdapter")
    return adapter


def installed() -> dict[str, str]:
    """Where every registered adapter is, `module:name`, by its name; the daemon's own cannot be replaced."""
    return plugins.installed(GROUP, _BUILT_IN)

"""Who is at the other end of a connection, and what it may call."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

import zmq
from msgspec import Struct

from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.outlet import Outlet
from tpayd.kit.users import HouseUsers, UsersError
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.graph import CALLS, OF_EVERY_SERVICE, OPS_OF, may_call
from tpayd_contracts.health import HEALTH
from tpayd_contracts.operation import Right

__all__ = ["Admission", "Admitted", "HouseAdmission", "OpenRequest", "Peer", "Session"]


class Peer(Struct, frozen=True):
    """What libzmq, not the peer itself, says about a connection."""

    user_id: str | None
    """Set by the ZAP handler from the CURVE key; None on ipc."""
    address: str | None
    uid: int | None
    """The user id of an ipc peer (SO_PEERCRED)."""
    pid: int | None
    connection: int | None = None
    """File descriptor of the connection: its own until libzmq reports the connection's end."""

    @classmethod
    def of(cls, frame: zmq.Frame) -> Peer:
        """Read the metadata of a received frame."""
        address = _metadata(frame, "Peer-Address")
        uid = pid = None
        if address is not None:
            # On ipc libzmq gives "localhost:<uid>:<gid>:<pid>", on tcp the address alone.
            parts = address.split(":")
            if len(parts) == 4 and parts[0] == "localhost" and all(part.isdecimal() for part in parts[1:]):
                uid, pid = int(parts[1]), int(parts[3])
        # Without CURVE no ZAP handler sets the User-Id, and libzmq takes the one that the peer itself has sent.
        user_id = None if uid is not None else _metadata(frame, "User-Id") or None
        connection = frame.get(int(zmq.SRCFD))
        return cls(user_id, address, uid, pid, connection if isinstance(connection, int) else None)


def _metadata(frame: zmq.Frame, name: str) -> str | None:
    try:
        value = frame.get(name)
    except zmq.ZMQError:
        return None
    return value if isinstance(value, str) else None


class Admitted(Struct, frozen=True):
    """The answer to 'may this peer come in?': its name and what it may call."""

    name: str
    ops: frozenset[str]
    right: Right | None = None
    lanes: tuple[str, ...] = ()
    info: Any = None
    """For the admitting service's own use."""


class OpenRequest(Protocol):
    """A request that is being served, as whoever ends a session sees it."""

    @property
    def number(self) -> int: ...

    @property
    def is_open(self) -> bool:
        """Whether it still wants an answer."""

    def cancel(self, *, gone: bool = False) -> None:
        """The caller wants no answer any more, or is `gone`. It may be answered all the same."""

    def fail(self, error: CallError) -> None:
        """Answer with an error."""


@dataclass(slots=True, eq=False)
class Session:
    """One admitted peer on one connection."""

    token: str
    routing_id: bytes
    admitted: Admitted
    outlet: Outlet
    """Closed when the connection has ended: the routing id may be another peer's by then."""
    connection: int | None = None
    open: dict[int, OpenRequest] = field(default_factory=dict)
    topics: frozenset[str] = frozenset()
    sequence: int = 0
    """Of the last event sent to it."""
    slow: bool = False
    """It does not read; said once until the next probe."""

    @property
    def name(self) -> str:
        return self.admitted.name


class Admission(Protocol):
    """Decides who gets a session."""

    def admit(self, peer: Peer, hello: Hello) -> Admitted:
        """Raises CallError (`not_permitted`) to refuse."""

    def welcome(self, welcome: Welcome) -> Welcome:
        """Add what this service tells its callers."""


class HouseAdmission:
    """Lets in the house's processes: a known uid, and a name that has an edge to this service in the call graph.

    Processes of one uid could read each other's memory anyway, so the name is taken on trust within a uid. Where each
    service has a uid of its own, `users` says whose is whose, and a name counts from its own uid alone.
    """

    def __init__(self, service: str, *, uids: Collection[int] | None = None, users: HouseUsers | None = None) -> None:
        self._service = service
        self._users = users
        self._uids = frozenset(uids) if uids is not None else frozenset({os.getuid(), 0})

    def admit(self, peer: Peer, hello: Hello) -> Admitted:
        if self._users is None and peer.uid is not None and peer.uid not in self._uids:
            raise CallError.not_started(
                ErrorCode.NOT_PERMITTED, f"uid {peer.uid} is not of this house; see docs/operations.md, 'Users'"
            )
        known = OPS_OF.get(self._service, frozenset()) | OF_EVERY_SERVICE | {HEALTH.name}
        if hello.client not in CALLS and hello.client not in OPS_OF:
            raise CallError.not_started(ErrorCode.NOT_PERMITTED, f"{hello.client} is not a process of this house")
        if self._users is not None and not self._is(peer, hello.client, self._users):
            raise CallError.not_started(
                ErrorCode.NOT_PERMITTED, f"uid {peer.uid} is not {hello.client}'s; see docs/operations.md, 'Users'"
            )
        return Admitted(hello.client, frozenset(op for op in known if may_call(hello.client, self._service, op)))

    def welcome(self, welcome: Welcome) -> Welcome:
        return welcome

    @staticmethod
    def _is(peer: Peer, name: str, users: HouseUsers) -> bool:
        try:
            return peer.uid == users.uid(name)
        except UsersError:
            return False

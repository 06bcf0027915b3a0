"""One DEALER socket and the monitor that tells what becomes of its connection."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import zmq
from zmq.utils.monitor import parse_monitor_message

from tpayd_client.key_file import ClientKey

__all__ = ["Channel", "Change"]

HWM_MESSAGES = 100
HEARTBEAT_IVL_MS = 2_000
HEARTBEAT_TTL_MS = 6_000
RECONNECT_IVL_MS = 50
RECONNECT_IVL_MAX_MS = 500
MAX_MESSAGE_BYTES = 1024 * 1024
"""libzmq closes a connection that sends more; the gateway's frames are far smaller."""

_EVENTS = int(zmq.EVENTS)
_POLLIN = int(zmq.POLLIN)

_WATCHED = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)


class Change(enum.Enum):
    """What became of the connection."""

    UP = "up"
    DOWN = "down"
    KEY_REFUSED = "key_refused"
    """The gateway does not know this client's CURVE key."""
    HANDSHAKE_FAILED = "handshake_failed"
    """Most often a wrong server key, or one side without CURVE."""


class Channel:
    """Sends and receives whole frames, never blocking. libzmq reconnects by itself; `changes` tells."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, key: ClientKey | None) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        # Without a connection a send is refused: a queued 'pay' would be delivered after the gateway's restart.
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.set_hwm(HWM_MESSAGES)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_IVL_MS)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TTL_MS)
        self.socket.setsockopt(zmq.HEARTBEAT_TTL, HEARTBEAT_TTL_MS)
        self.socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_IVL_MS)
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_IVL_MAX_MS)
        if key is not None:
            self.socket.setsockopt_string(zmq.CURVE_SERVERKEY, key.server_public_key)
            self.socket.setsockopt_string(zmq.CURVE_PUBLICKEY, key.client_public_key)
            self.socket.setsockopt_string(zmq.CURVE_SECRETKEY, key.client_secret_key)
        self.monitor: zmq.Socket[bytes] = self.socket.get_monitor_socket(_WATCHED)
        self.socket.connect(endpoint)

    def send(self, frame: bytes) -> bool:
        """Send at once; False if there is no connection, or its queue is full."""
        try:
            self.socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def frames(self) -> Iterator[bytes]:
        """All frames that have come in. A message of several frames is not the gateway's and is dropped."""
        while _readable(self.socket):
            message = self.socket.recv_multipart(zmq.NOBLOCK)
            if len(message) == 1:
                yield message[0]

    def changes(self) -> Iterator[Change]:
        """What became of the connection since the last call, in order."""
        while _readable(self.monitor):
            message = self.monitor.recv_multipart(zmq.NOBLOCK)
            yield _CHANGES[zmq.Event(parse_monitor_message(message)["event"])]

    def close(self) -> None:
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(0)


_CHANGES = {
    zmq.EVENT_HANDSHAKE_SUCCEEDED: Change.UP,
    zmq.EVENT_DISCONNECTED: Change.DOWN,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: Change.KEY_REFUSED,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: Change.HANDSHAKE_FAILED,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: Change.HANDSHAKE_FAILED,
}


def _readable(socket: zmq.Socket[bytes]) -> bool:
    """Asking costs a fifth of being told by an exception, and most looks find nothing."""
    return not socket.closed and bool(int(socket.get(_EVENTS)) & _POLLIN)

"""Sockets with the options that payments need, and the ipc bind that cannot be stolen."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import zmq

from tpayd.kit.bus import limits
from tpayd.kit.bus.errors import EndpointInUseError

__all__ = ["BoundPath", "bind", "dealer", "publisher", "router", "subscriber"]

Socket = zmq.Socket[bytes]


def _common(socket: Socket) -> Socket:
    socket.setsockopt(zmq.LINGER, 0)
    socket.set_hwm(limits.HWM_MESSAGES)
    socket.setsockopt(zmq.MAXMSGSIZE, limits.MAX_WIRE_BYTES)
    socket.setsockopt(zmq.HEARTBEAT_IVL, limits.HEARTBEAT_IVL_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, limits.HEARTBEAT_TIMEOUT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TTL, limits.HEARTBEAT_TIMEOUT_MS)
    socket.setsockopt(zmq.HANDSHAKE_IVL, 1_000)
    return socket


def router(context: zmq.Context[Socket], max_queued: int) -> Socket:
    """A ROUTER that says when a peer is gone (MANDATORY), and whose peers cannot take over each other (no HANDOVER).

    `max_queued` messages may wait for one peer: the answers to a burst leave faster than any peer reads.
    """
    socket = _common(context.socket(zmq.ROUTER))
    socket.setsockopt(zmq.SNDHWM, max_queued)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.ROUTER_HANDOVER, 0)
    return socket


def dealer(context: zmq.Context[Socket]) -> Socket:
    """A DEALER that refuses to queue without a connection: a queued 'pay' would be delivered after a restart."""
    socket = _common(context.socket(zmq.DEALER))
    socket.setsockopt(zmq.SNDHWM, limits.MAX_PENDING)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.RECONNECT_IVL, limits.RECONNECT_IVL_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, limits.RECONNECT_IVL_MAX_MS)
    return socket


def publisher(context: zmq.Context[Socket]) -> Socket:
    """A PUB; slow subscribers lose events and notice the gap."""
    return _common(context.socket(zmq.PUB))


def subscriber(context: zmq.Context[Socket]) -> Socket:
    """A SUB for everything: the house has few events, so topics are told apart in the envelope."""
    socket = _common(context.socket(zmq.SUB))
    socket.setsockopt(zmq.RECONNECT_IVL, limits.RECONNECT_IVL_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, limits.RECONNECT_IVL_MAX_MS)
    socket.subscribe(b"")
    return socket


class BoundPath:
    """The lock that goes with a bound ipc path; released by `close`, or by the kernel when the process dies."""

    def __init__(self, lock_fd: int | None) -> None:
        self._lock_fd = lock_fd

    def close(self) -> None:
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None


def bind(socket: Socket, endpoint: str, *, mode: int = 0o660) -> BoundPath:
    """Bind `endpoint`; an ipc path is locked first, since libzmq lets a second bind steal it.

    Raises EndpointInUseError when another process holds it, ValueError when the path is too long for a socket.
    """
    if not endpoint.startswith("ipc://"):
        try:
            socket.bind(endpoint)
        except zmq.ZMQError as error:
            if error.errno == errno.EADDRINUSE:
                raise EndpointInUseError(f"{endpoint} is in use by another program; choose another port") from error
            raise
        return BoundPath(None)
    path = Path(endpoint.removeprefix("ipc://"))
    if len(os.fsencode(path)) > limits.IPC_PATH_BYTES:
        raise ValueError(f"the socket path {path} is longer than {limits.IPC_PATH_BYTES} bytes")
    lock_fd = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        socket.bind(endpoint)
        path.chmod(mode)
    except BlockingIOError as error:
        os.close(lock_fd)
        raise EndpointInUseError(f"{path} belongs to another running process") from error
    except BaseException:
        os.close(lock_fd)
        raise
    return BoundPath(lock_fd)

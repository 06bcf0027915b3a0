"""Every bound and wait of the bus, in one place."""

from __future__ import annotations

from tpayd_contracts.envelope import MAX_FRAME_BYTES

__all__ = [
    "ANSWER_GRACE_MS",
    "BUNDLE_MESSAGES",
    "BLOCKING_HELLO_RETRY_S",
    "DEFAULT_TTL_S",
    "EVENT_HEARTBEAT_S",
    "HEARTBEAT_IVL_MS",
    "HEARTBEAT_TIMEOUT_MS",
    "HELLO_RETRY_MAX_S",
    "HELLO_RETRY_S",
    "HUNG_AFTER_S",
    "HWM_MESSAGES",
    "IDLE_PROBE_TICKS",
    "IPC_PATH_BYTES",
    "MAX_FRAMES",
    "MAX_OPEN_PER_SESSION",
    "MAX_OPEN_TOTAL",
    "MAX_PENDING",
    "MAX_SESSIONS",
    "MAX_WIRE_BYTES",
    "PING_EVERY_S",
    "PROBE_EVERY_S",
    "RECONNECT_IVL_MAX_MS",
    "RECONNECT_IVL_MS",
    "SWEEP_AT_LEAST_EVERY_S",
    "SWEEP_EVERY_S",
    "TURN_MESSAGES",
]

# libzmq socket options
HWM_MESSAGES = 100
"""Whole messages queued per peer and direction. Sending has more room where a burst of requests and answers is
legitimate, see `ServerLimits.max_queued`; beyond it a slow peer loses answers, and is counted."""
MAX_WIRE_BYTES = 4 * MAX_FRAME_BYTES
"""libzmq closes a connection that sends a larger frame. Up to here a sender is told `too_large` instead."""
HEARTBEAT_IVL_MS = 2_000
HEARTBEAT_TIMEOUT_MS = 6_000
RECONNECT_IVL_MS = 50
RECONNECT_IVL_MAX_MS = 200
"""A verdict may wait for the peer that comes back, and a refused connection on this machine costs microseconds."""
IPC_PATH_BYTES = 107
"""sockaddr_un holds 108 bytes, the last one a zero."""

# One loop turn
TURN_MESSAGES = 128
"""Frames taken from one socket before others get their turn."""
BUNDLE_MESSAGES = 64
"""Messages that share a frame at most."""
MAX_FRAMES = 8
"""Frames of one message that are looked at; an honest message has one."""

# Requests
DEFAULT_TTL_S = 10.0
MAX_PENDING = 4096
"""Requests of one caller under way to one service."""
MAX_OPEN_PER_SESSION = 1024
MAX_OPEN_TOTAL = 4096
MAX_SESSIONS = 1024
ANSWER_GRACE_MS = 250
"""What a caller waits beyond the deadline that it sends along, so that the peer's own clear word arrives first."""
SWEEP_EVERY_S = 0.025
"""How late a deadline may be noticed. One timer for all requests is far cheaper than one each."""
SWEEP_AT_LEAST_EVERY_S = ANSWER_GRACE_MS / 1000
"""Deadlines are looked at so often even if none is near: no request that is added meanwhile can end before."""

# Life signs
HELLO_RETRY_S = 0.05
HELLO_RETRY_MAX_S = 2.0
"""HELLO is said again after the first wait, which doubles up to the second."""
BLOCKING_HELLO_RETRY_S = 0.2
PING_EVERY_S = 2.0
HUNG_AFTER_S = 6.0
"""A connected peer counts as hung after at most so long without any message."""
PROBE_EVERY_S = 1.0
"""How often a server pings the callers of open requests; a send to one that is gone fails at once."""
IDLE_PROBE_TICKS = 15
"""Callers without open requests are probed every so many rounds."""
EVENT_HEARTBEAT_S = 5.0
"""How often a publisher tells its sequence, so that the loss of the last event is noticed too."""

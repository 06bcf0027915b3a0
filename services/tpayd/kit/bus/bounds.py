"""How much one server takes on."""

from __future__ import annotations

from msgspec import Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.errors import CallError
from tpayd_contracts.envelope import MAX_FRAME_BYTES
from tpayd_contracts.errors import ErrorCode

__all__ = ["ServerLimits"]


class ServerLimits(Struct, frozen=True):
    """Bounds of one server. `ttl_ms` bounds apply where callers send a time to live instead of a deadline."""

    max_open_per_session: int = limits.MAX_OPEN_PER_SESSION
    max_open_total: int = limits.MAX_OPEN_TOTAL
    max_sessions: int = limits.MAX_SESSIONS
    max_frame_bytes: int = MAX_FRAME_BYTES
    default_ttl_ms: int = 30_000
    max_ttl_ms: int = 300_000

    @property
    def max_queued(self) -> int:
        """Messages that wait for one peer to read: a PROGRESS and an answer to each open request, and some more."""
        return 2 * self.max_open_per_session + limits.HWM_MESSAGES

    def deadline_of_ttl(self, ttl_ms: int, now_ms: int) -> int:
        """CLOCK_BOOTTIME at which a caller off this machine gives up. Raises CallError `invalid_body`."""
        if not 0 <= ttl_ms <= self.max_ttl_ms:
            text = f"ttl_ms is 0 (default) to {self.max_ttl_ms}"
            raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="deadline")
        return now_ms + (ttl_ms or self.default_ttl_ms)

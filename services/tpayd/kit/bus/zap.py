"""ZAP (ZeroMQ RFC 27): which CURVE keys may connect. Without a handler libzmq would admit any key.

It fails closed: whatever goes wrong while a key is looked at is a refusal, never a lost reply, since one unanswered
handshake would hang all that follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import zmq
from zmq.utils import z85

from tpayd.kit.bus.pump import Pump
from tpayd.kit.logs import Log

__all__ = ["ZAP_ENDPOINT", "CurveGate"]

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
_VERSION = b"1.0"


class CurveGate:
    """Answers libzmq's question about each CURVE handshake in this process."""

    def __init__(
        self,
        domain: str,
        allow: Callable[[str], str | None],
        *,
        context: zmq.Context[zmq.Socket[bytes]],
        log: Log,
        refused: Callable[[], None] = lambda: None,
    ) -> None:
        """`allow` maps a public key (Z85) to the client's name, or None; `refused` counts."""
        self._domain = domain.encode()
        self._allow = allow
        self._context = context
        self._log = log
        self._refused = refused

    def start(self) -> None:
        """Bind the handler; to be done before any CURVE socket binds."""
        socket = self._context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.bind(ZAP_ENDPOINT)
        self._pump = Pump(socket, self._on_request, loop=asyncio.get_running_loop(), log=self._log)

    async def close(self) -> None:
        self._pump.close()

    def _on_request(self, frames: Sequence[zmq.Frame]) -> None:
        parts = [frame.bytes for frame in frames]
        # routing id, empty, version, request id, domain, address, identity, mechanism, key
        request_id = parts[3] if len(parts) > 3 else b""
        status, text, user = b"400", b"not admitted", b""
        try:
            name = self._admit(parts)
            if name is not None:
                status, text, user = b"200", b"OK", name.encode()
        except Exception:
            self._log.exception("zap.failed")
            status, text = b"500", b"the check failed"
        self._pump.send_parts((parts[0], b"", _VERSION, request_id, status, text, user, b""))
        if status != b"200":
            self._refused()
            self._log.warning("zap.refused", address=parts[5].decode("ascii", "replace") if len(parts) > 5 else None)

    def _admit(self, parts: list[bytes]) -> str | None:
        if len(parts) != 9 or parts[2] != _VERSION or parts[4] != self._domain or parts[7] != b"CURVE":
            return None
        if len(parts[8]) != 32:
            return None
        return self._allow(z85.encode(parts[8]).decode("ascii"))

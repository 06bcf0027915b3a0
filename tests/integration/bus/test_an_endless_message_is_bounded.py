"""libzmq bounds a frame and counts whole messages; a message of endless frames is bounded by the process's memory."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

from tests.integration.bus.ops import ECHO, Text
from tests.integration.bus.peer import ServerProcess
from tests.integration.bus.rig import bench

LIMIT_MIB = 400
PART = b"\x03" + (60_000).to_bytes(8, "big") + b"x" * 60_000
"""One frame of legal size that announces another one (ZMTP 3.1, flags MORE and LONG)."""
SENT_MAX = 3 * LIMIT_MIB * 1024 * 1024 // len(PART)


def test_the_memory_has_a_limit_and_others_are_served(tmp_path: Path) -> None:
    """A sender of three times the limit gets nowhere: at most this process ends, and serves again once restarted."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint, str(LIMIT_MIB)) as process:
                good = await rig.connected()
                assert Text("before") == await good.call(ECHO, Text("before"))
                most_kib = await asyncio.to_thread(_endless, tmp_path / "test.rpc", process)
                assert LIMIT_MIB * 1024 // 2 < most_kib <= LIMIT_MIB * 1024
                if not process.running:
                    process.kill()
                    process.start()
                again = await rig.connected()
                assert Text("after") == await again.call(ECHO, Text("after"))

    asyncio.run(scenario())


def _endless(path: Path, process: ServerProcess) -> int:
    """Send until nobody takes any more; the most memory that the process had meanwhile, in KiB."""
    greeting = b"\xff" + b"\0" * 8 + b"\x7f\x03\0NULL" + b"\0" * 48
    ready = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER"
    most_kib = 0
    with socket.socket(socket.AF_UNIX) as evil, contextlib.suppress(OSError):
        evil.settimeout(2.0)
        evil.connect(str(path))
        evil.sendall(greeting)
        # libzmq gives up a peer that goes on before it has said all of its own greeting.
        assert 64 == len(evil.recv(64, socket.MSG_WAITALL))
        evil.sendall(b"\x04" + bytes([len(ready)]) + ready)
        for number in range(SENT_MAX):
            evil.sendall(PART)
            if number % 50 == 0:
                most_kib = max(most_kib, _rss_kib(process.pid))
    return most_kib


def _rss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)

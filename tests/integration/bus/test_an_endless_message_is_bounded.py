"""libzmq bounds a frame and counts whole messages; a message of endless frames is bounded by the process's memory."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from tests.integration.bus.ops import ECHO, Text
from tests.integration.bus.peer import ServerProcess
from tests.integration.bus.rig import bench
from tpayd.kit.bus import Caller, CallError

LIMIT_MIB = 400
LARGE = b"\x03" + (60_000).to_bytes(8, "big") + b"x" * 60_000
"""One frame of legal size that announces another one (ZMTP 3.1, flags MORE and LONG)."""
TINY = b"\x01\x01x" * 20_000
"""Frames of one byte, each of which takes 64 in memory."""


@pytest.mark.parametrize(("part", "held_bytes"), [(LARGE, 60_000), (TINY, 20_000 * 64)], ids=["large", "tiny"])
def test_the_memory_has_a_limit_and_others_are_served(tmp_path: Path, part: bytes, held_bytes: int) -> None:
    """A sender of three times the limit gets nowhere: at most this process ends, and serves again once restarted."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint, str(LIMIT_MIB)) as process:
                good = await rig.connected()
                assert Text("before") == await good.call(ECHO, Text("before"))
                parts_max = 3 * LIMIT_MIB * 1024 * 1024 // held_bytes
                most_kib = await asyncio.to_thread(_endless, tmp_path / "test.rpc", process, part, parts_max)
                assert LIMIT_MIB * 1024 // 3 < most_kib <= LIMIT_MIB * 1024
                await _is_served(good, process)

    asyncio.run(scenario())


async def _is_served(caller: Caller, process: ServerProcess) -> None:
    """Ask until answered, and start the process again if it has ended."""
    for _ in range(100):
        try:
            assert Text("after") == await caller.call(ECHO, Text("after"), ttl_s=1.0)
        except CallError:
            if not process.running:
                process.kill()
                process.start()
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("it is never served again")


def _endless(path: Path, process: ServerProcess, part: bytes, parts_max: int) -> int:
    """Send until nobody takes any more; the most memory that the process had meanwhile, in KiB."""
    greeting = b"\xff" + b"\0" * 8 + b"\x7f\x03\0NULL" + b"\0" * 48
    ready = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER"
    most_kib = 0
    with socket.socket(socket.AF_UNIX) as evil, contextlib.suppress(OSError):
        evil.settimeout(2.0)
        evil.connect(str(path))
        evil.sendall(greeting)
        # libzmq gives up a peer that goes on before it has said all of its own greeting.
        heard = b""
        while len(heard) < 64:
            heard += evil.recv(64)
        evil.sendall(b"\x04" + bytes([len(ready)]) + ready)
        for number in range(parts_max):
            evil.sendall(part)
            if number % 5 == 0:
                most_kib = max(most_kib, _rss_kib(process.pid))
    return most_kib


def _rss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)

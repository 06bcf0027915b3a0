"""What the load says on its wire is ZeroMQ, and an open loop counts from when a sale was due."""

from __future__ import annotations

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path

import pytest
import zmq

from tests.bench.load import paced
from tests.bench.pace import due_times
from tests.bench.wire import Wire

_WAIT_MS = 30_000
_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)


@pytest.mark.parametrize("size", [1, 255, 256, 60_000])
def test_libzmq_and_the_wire_understand_each_other(tmp_path: Path, size: int) -> None:
    """A ROUTER takes a message of any length and sends it back whole."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.setsockopt(zmq.RCVTIMEO, _WAIT_MS)
        router.bind(f"ipc://{tmp_path}/router")
        wire = Wire.to(f"ipc://{tmp_path}/router")
        wire.send(b"x" * size)
        peer, message = router.recv_multipart()
        router.send_multipart([peer, message + b"!"])
        router.send_multipart([peer, b"second"])
        heard: list[bytes] = []
        while len(heard) < 2:
            heard += wire.receive()
        wire.close()
    assert [b"x" * size + b"!", b"second"] == heard


def test_the_wire_answers_a_heartbeat_wherever_its_bytes_are_cut(tmp_path: Path) -> None:
    """PING with its context is answered by PONG with the same (ZMTP 3.1, section 2.3), and is no message."""
    said = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06ROUTER" + b"\x04\x09\x04PING\x02\x58ab" + b"\0\x02ok"
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor() as pool:
        listener.bind(str(tmp_path / "router"))
        listener.listen()
        opening = pool.submit(Wire, str(tmp_path / "router"))
        peer, _ = listener.accept()
        with peer:
            peer.sendall(_GREETING)
            wire = opening.result()
            heard: list[bytes] = []
            for place in range(len(said)):
                peer.sendall(said[place : place + 1])
                heard += wire.receive()
            wire.close()
            answered = b"".join(iter(lambda: peer.recv(4096), b""))
    assert [b"ok"] == heard
    assert answered.startswith(_GREETING)
    assert answered.endswith(b"\x04\x07\x04PONGab")


class SlowLane:
    """A chain that takes 5 ms for a sale and does one at a time."""

    took_s = 0.005

    def __init__(self) -> None:
        self.wire = self
        self._bell = os.eventfd(0)

    def fileno(self) -> int:
        return self._bell

    def send(self) -> None:
        os.eventfd_write(self._bell, 1)

    def receive(self) -> bool:
        time.sleep(self.took_s)
        os.eventfd_read(self._bell)
        return True


def test_no_sale_is_left_out_because_the_chain_was_busy() -> None:
    """Twice as many sales as it can do: each that was due is counted, and its time runs from then."""
    per_s, seconds, warm_up_s = 400.0, 0.2, 0.5
    times_ms = paced([SlowLane()], seconds, per_s)
    due_s = [due / 1e9 for due in takewhile(lambda due: due < (warm_up_s + seconds) * 1e9, due_times(per_s))]
    at_least_ms = [
        (SlowLane.took_s * (place + 1) - due) * 1000 for place, due in enumerate(due_s) if due >= warm_up_s
    ]  # fmt: skip
    assert len(at_least_ms) == len(times_ms)
    assert all(least <= told for least, told in zip(at_least_ms, times_ms, strict=True))

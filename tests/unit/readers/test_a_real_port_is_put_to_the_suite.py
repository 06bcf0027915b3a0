"""`--device`: what of the suite needs no card, on a real pty with a reader behind it."""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tpayd.device_broker.drivers.conformance import Peer, peer_factory
from tpayd.device_broker.drivers.conformance.__main__ import main


@contextmanager
def on_a_pty(peer: Peer) -> Iterator[str]:
    """The reader behind a pty, until the end; the name of its port."""
    master, slave = os.openpty()
    tty.setraw(slave)

    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            if select.select([master], [], [], 0.05)[0]:
                os.write(master, peer.received(os.read(master, 4096)))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        over.set()
        thread.join(30)
        os.close(slave)
        os.close(master)


@pytest.mark.parametrize("name", ["stx", "neo"])
def test_a_reader_on_a_port_keeps_what_needs_no_card(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with on_a_pty(peer_factory(name)()) as port:
        assert main(["--driver", name, "--device", port]) == 0
    out = capsys.readouterr().out.splitlines()
    assert ["starts:", "is", "recovers:"] == [line.split()[1] for line in out]
    assert "serial number SBX0000001" in out[0]


def test_the_wrong_driver_is_told_from_a_broken_one(capsys: pytest.CaptureFixture[str]) -> None:
    with on_a_pty(peer_factory("stx")()) as port:
        assert main(["--driver", "neo", "--device", port]) == 1
    assert "BROKEN  a start ends clean, not with [Down(why=" in capsys.readouterr().out

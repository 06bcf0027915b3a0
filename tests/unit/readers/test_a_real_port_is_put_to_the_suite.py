"""`--device`: what of the suite needs no card, on a real pty with a reader behind it."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tpayd.device_broker.drivers.conformance import Peer, peer_factory
from tpayd.device_broker.drivers.conformance.__main__ import main


@contextmanager
def on_a_pty(peer: Peer, *, deaf: bool = False) -> Iterator[str]:
    """The reader behind a pty, until the end; the name of its port."""
    master, slave = os.openpty()
    tty.setraw(slave)

    def serve() -> None:
        while True:
            try:
                heard = os.read(master, 4096)
            except OSError:
                return
            if heard == b"\0":
                return
            if not deaf:
                os.write(master, peer.received(heard))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.write(slave, b"\0")
        thread.join(10)
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

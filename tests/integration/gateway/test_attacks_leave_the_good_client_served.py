"""Whatever strangers do to the tcp port, a registered client goes on being served."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

import tpayd_client
from tests.integration.gateway.shop import Shop
from tpayd_client.key_file import read_key_file

SERVED_WITHIN_S = 2.0


@pytest.fixture
def good(shop: Shop, tmp_path: Path) -> Iterator[tpayd_client.Pos]:
    with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as pos:
        pos.connect()
        yield pos


def address(shop: Shop) -> tuple[str, int]:
    host, port = read_key_file(shop.till).endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


def served(good: tpayd_client.Pos, times: int = 20) -> None:
    """Each sale is paid, and within its bound."""
    for _ in range(times):
        started_s = time.monotonic()
        assert tpayd_client.Verdict.PAID is good.sale("1", 1_000).verdict
        assert time.monotonic() - started_s < SERVED_WITHIN_S


def flood(shop: Shop, what: Callable[[socket.socket], None], times: int = 50) -> None:
    for _ in range(times):
        with contextlib.suppress(OSError), socket.create_connection(address(shop), 2.0) as connection:
            what(connection)


@pytest.mark.parametrize(
    "content",
    [
        os.urandom(4096),
        b"GET / HTTP/1.1\r\nHost: store\r\n\r\n",
        b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f",
        b"\xff" + b"\x00" * 8 + b"\x7f\x03\x00NULL" + b"\x00" * 16 + b"\x00" * 32 + b"\x01\x00" * 10_000,
    ],
    ids=["random", "http", "half a greeting", "a greeting for another mechanism"],
)
def test_garbage(shop: Shop, good: tpayd_client.Pos, content: bytes) -> None:
    """Bytes that are no ZMTP handshake end with their connection."""
    flood(shop, lambda connection: connection.sendall(content))
    served(good)


def test_500_silent_connections(shop: Shop, good: tpayd_client.Pos, tmp_path: Path) -> None:
    """They are closed after a second; known clients are served meanwhile, and new ones let in."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    silent = [socket.create_connection(address(shop), 5.0) for _ in range(500)]
    try:
        served(good)
        with tpayd_client.connect(key_file=shop.boss, request_log=tmp_path / "boss") as newcomer:
            newcomer.connect()
            served(newcomer, 5)
        silent[0].settimeout(5.0)
        while silent[0].recv(64):
            pass
    finally:
        for connection in silent:
            connection.close()


def test_an_endless_message_from_a_stranger(shop: Shop, good: tpayd_client.Pos) -> None:
    """Without a known key not one frame gets in."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stranger = context.socket(zmq.DEALER)
    stranger.linger = 0
    stranger.sndtimeo = 50
    stranger.connect(read_key_file(shop.till).endpoint)
    try:
        with contextlib.suppress(zmq.Again):
            for _ in range(2_000):
                stranger.send(b"x" * 1_000, zmq.SNDMORE)
        served(good)
    finally:
        context.destroy(linger=0)


def test_an_endless_message_on_the_ipc_socket_stops_at_the_limit(tmp_path: Path) -> None:
    """The process ends at its own limit, not at the machine's; started again, it serves the good client.

    libzmq would hold an unfinished message back at its sender, so this one speaks ZMTP itself, on the ipc socket.
    """
    with Shop(tmp_path, memory_limit_mib=512) as shop:
        stop = threading.Event()
        evil = threading.Thread(target=endless, args=(shop, stop))
        with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as good:
            served(good, 5)
            evil.start()
            try:
                shop.store["gateway"].exit_status(60.0)
            finally:
                stop.set()
                evil.join(10.0)
            shop.store.start("gateway")
            shop.wait_connected()
            served(good, 5)


def endless(shop: Shop, stop: threading.Event) -> None:
    """Parts of a message, each announcing another one (ZMTP 3.1, flag MORE). One of three bytes takes 64 in memory."""
    parts = b"\x01\x01x" * 20_000
    greeting = b"\xff" + b"\x00" * 8 + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\x00") + b"\x00" * 32
    ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
    with socket.socket(socket.AF_UNIX) as evil, contextlib.suppress(OSError):
        evil.settimeout(5.0)
        evil.connect(shop.store.instance.public().removeprefix("ipc://"))
        evil.sendall(greeting)
        heard = b""
        while len(heard) < 64:  # libzmq gives up a peer that goes on before it has said all of its own greeting
            heard += evil.recv(64)
        evil.sendall(b"\x04" + bytes([len(ready)]) + ready)
        while not stop.is_set():
            evil.sendall(parts)

"""Neither a name nor a routing id opens the door: on tcp the CURVE key does, on ipc the kernel's uid."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import zmq

import tpayd_client
from tests.integration.gateway.shop import ERROR, REPLY, Shop
from tpayd.kit.bus.curve import new_keys
from tpayd_contracts.operation import Right


def test_an_unknown_key_gets_no_word_in(shop: Shop, tmp_path: Path) -> None:
    """The handshake fails; the client library says so instead of waiting."""
    keys = new_keys()
    with shop.client(public=keys.public, secret=keys.secret) as stranger:
        stranger.socket.send(b"x")
        assert stranger.receive(1.0) is None
    foreign = tmp_path / "foreign.key"
    content = shop.till.read_text()
    for line in content.splitlines():
        if "client_public" in line:
            content = content.replace(line.split('"')[3], keys.public)
        elif "client_secret" in line:
            content = content.replace(line.split('"')[3], keys.secret)
    foreign.touch(mode=0o600)
    foreign.write_text(content)
    with (
        tpayd_client.connect(key_file=foreign, request_log=tmp_path / "log") as pos,
        pytest.raises(tpayd_client.NotAllowed, match="does not know this client's key"),
    ):
        pos.connect()


def test_a_connection_without_curve_is_not_served(shop: Shop) -> None:
    """There is no plain tcp."""
    with shop.client(curve=False) as plain:
        plain.socket.setsockopt(zmq.SNDTIMEO, 500)
        plain.socket.send(b"x")
        assert plain.receive(1.0) is None


def test_a_known_key_cannot_take_another_name(shop: Shop) -> None:
    """till-1 cannot say that it is boss."""
    with shop.client() as client:
        answer = client.hello(client="boss")
    assert (ERROR, "not_permitted", "$.client") == (answer[1], answer[9]["code"], answer[9]["field"])


def test_a_chosen_routing_id_gives_nothing_of_anothers(shop: Shop) -> None:
    """A second connection that names itself like the first one hears none of its answers."""
    with shop.client() as first:
        first.socket.close(0)
        first.socket = first.context.socket(zmq.DEALER)
        first.socket.linger = 0
        first.socket.routing_id = b"till"
        _curve(shop, first.socket)
        assert REPLY == first.hello()[1]
        with shop.client(shop.boss) as thief:
            thief.socket.close(0)
            thief.socket = thief.context.socket(zmq.DEALER)
            thief.socket.linger = 0
            thief.socket.routing_id = b"till"
            _curve(shop, thief.socket)
            thief.session = first.session
            thief.socket.send(b"x")
            assert thief.receive(0.5) is None
            assert "PAID" == first.sale()[9]["verdict"]
            assert thief.receive(0.5) is None


def test_on_ipc_the_uid_is_the_proof(shop: Shop, tmp_path: Path) -> None:
    """A name without this uid is refused, one with it is served without a key."""
    endpoint = shop.store.instance.public()
    shop.registry.add("local", ("1",), Right.POS, os.getuid())
    shop.registry.add("others", ("1",), Right.POS, os.getuid() + 1)
    log = tmp_path / "log"
    for name in ("boss", "others", "nobody"):
        with tpayd_client.connect(endpoint, name, request_log=log) as pos, pytest.raises(tpayd_client.NotAllowed):
            pos.connect()
    with tpayd_client.connect(endpoint, "local", request_log=log, connect_timeout_s=5.0) as pos:
        assert ("1",) == _welcome(pos).lanes


def test_a_second_lane_is_not_yours(shop: Shop, tmp_path: Path) -> None:
    """A client acts for the lanes that it was registered for, and an admin for all."""
    with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as pos:
        with pytest.raises(tpayd_client.NotAllowed) as refusal:
            pos.sale("2", 1_000)
        assert ("lane_not_yours", "$.lane") == (refusal.value.code, refusal.value.field)
        assert () == pos.unresolved()
    with tpayd_client.connect(key_file=shop.boss, request_log=tmp_path / "boss") as pos:
        assert tpayd_client.Verdict.PAID is pos.sale("2", 1_000).verdict


def _welcome(pos: tpayd_client.Pos) -> tpayd_client.Welcome:
    """Once the gateway has seen the change of its list."""
    for _ in range(20):
        try:
            return pos.connect()
        except tpayd_client.NotAllowed:
            pos.listen(0.1)
    return pos.connect()


def _curve(shop: Shop, socket: zmq.Socket[bytes]) -> None:
    key = tpayd_client.key_file.read_key_file(shop.till)
    socket.curve_serverkey = key.server_public_key.encode()
    socket.curve_publickey = key.client_public_key.encode()
    socket.curve_secretkey = key.client_secret_key.encode()
    socket.connect(key.endpoint)

"""`client remove` takes effect on connections that are open."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import eventually
from tests.integration.gateway.shop import ERROR, PROGRESS, REPLY, REQ, Shop, frame
from tpayd.gateway.errors import ClientExistsError, NoSuchClientError
from tpayd_contracts.operation import Right


@pytest.fixture
def guest(shop: Shop) -> Iterator[Path]:
    name = f"guest-{uuid.uuid4().hex[:6]}"
    key_file = shop.registry.add(name, ("1",), Right.POS)
    yield key_file
    if name in shop.registry.list():
        shop.registry.remove(name)


def test_its_open_request_fails_and_the_next_one_finds_no_session(shop: Shop, guest: Path) -> None:
    """`not_permitted` with an unknown outcome; the service behind is told to cancel; HELLO is refused."""
    with shop.client(guest) as client:
        client.hello()
        key = str(uuid.uuid4())
        body = {"lane": "1", "amount": {"total_minor": 2_000}}
        client.send(frame(REQ, 2, op="payment.sale", ttl=30_000, key=key, session=client.session, body=body))
        progress = client.receive()
        assert progress is not None
        assert PROGRESS == progress[1]
        shop.registry.remove(client.name)
        ended = client.receive(2.0)
        assert ended is not None
        assert (ERROR, 2, "not_permitted", "unknown") == (ended[1], ended[2], ended[9]["code"], ended[9]["outcome"])
        assert "hello_required" == client.request("health.get", {}, 3)[9]["code"]
        assert "not_permitted" == client.hello()[9]["code"]
        eventually(
            lambda: {"cancelled"} <= {entry["op"] for entry in shop.reached() if entry["key"] == key},
            timeout_s=3.0,
            what=lambda: "the service behind to be told",
        )


def test_a_new_connection_with_its_key_is_refused(shop: Shop, guest: Path) -> None:
    """ZAP asks the same list."""
    with shop.client(guest) as client:
        client.hello()
        shop.registry.remove(client.name)
        assert client.receive(0.1) is None
        eventually(
            lambda: client.request("health.get", {}, 3)[1] == ERROR, timeout_s=2.0, what=lambda: "the session to end"
        )
    guest.touch(mode=0o600)


def test_a_changed_client_says_hello_again_and_gets_its_new_lanes(shop: Shop, guest: Path) -> None:
    """What a session may do is what the list says now."""
    with shop.client(guest) as client:
        client.hello()
        path = shop.store.instance.home / "clients.toml"
        text = path.read_text()
        head, table = text.split(f"[clients.{client.name}]")
        table = table.replace('["1"]', '["2"]', 1)
        path.write_text(f"{head}[clients.{client.name}]{table}")
        eventually(
            lambda: client.request("health.get", {}, 3)[1] == ERROR, timeout_s=2.0, what=lambda: "the session to end"
        )
        assert ["2"] == client.hello()[9]["lanes"]


def test_a_slip_in_the_file_locks_nobody_out(shop: Shop, guest: Path) -> None:
    """What was known before goes on, and the log says what is wrong."""
    path = shop.store.instance.home / "clients.toml"
    good = path.read_text()
    with shop.client(guest) as client:
        client.hello()
        path.write_text(good + "\n[clients.broken]\nlanes = 7\n")
        eventually(
            lambda: any(line["event"] == "gateway.clients_refused" for line in shop.store.logs("gateway")),
            timeout_s=2.0,
            what=lambda: "the log to say so",
        )
        assert REPLY == client.sale()[1]
        path.write_text(good)
        assert REPLY == client.sale(number=3)[1]


def test_names_are_not_given_twice_nor_removed_twice(shop: Shop, guest: Path) -> None:
    """Nothing is changed where the name is wrong."""
    before = shop.registry.list()
    with pytest.raises(ClientExistsError):
        shop.registry.add("till-1", ("2",), Right.ADMIN)
    with pytest.raises(NoSuchClientError):
        shop.registry.remove("nobody")
    assert before == shop.registry.list()

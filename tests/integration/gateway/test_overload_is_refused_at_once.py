"""More than may be under way is `busy` at once, and the slot is free again after the answer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.harness import eventually
from tests.integration.gateway.shop import CANCEL, ERROR, PROGRESS, REPLY, REQ, RawClient, Shop, frame

LIMIT = 4


@pytest.fixture(scope="module")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    settings = {"max_in_flight_per_client": LIMIT, "max_in_flight": 6, "max_sessions_per_client": 3}
    with Shop(tmp_path_factory.mktemp("small"), **settings) as shop:
        yield shop


def hold(client: RawClient, number: int, lane: str = "1") -> None:
    """A sale that waits until it is cancelled."""
    body = {"lane": lane, "amount": {"total_minor": 2_000}}
    key = str(uuid.uuid4())
    client.send(frame(REQ, number, op="payment.sale", ttl=60_000, key=key, session=client.session, body=body))
    progress = client.receive()
    assert progress is not None
    assert PROGRESS == progress[1]


def release(client: RawClient, number: int) -> None:
    client.send(frame(CANCEL, number, session=client.session))
    answer = client.receive()
    assert answer is not None
    assert (ERROR, number, "aborted") == (answer[1], answer[2], answer[9]["code"])


def test_one_client_has_its_bound_over_all_its_connections(small_shop: Shop) -> None:
    """A second connection gives no second helping; other clients are not concerned."""
    with small_shop.client() as one, small_shop.client() as two, small_shop.client(small_shop.boss) as other:
        for client in (one, two, other):
            client.hello()
        for number in (10, 11):
            hold(one, number)
            hold(two, number)
        answer = two.sale(number=20)  # before any of those that are held has ended
        assert (ERROR, "busy", "not_started", True) == (
            answer[1], answer[9]["code"], answer[9]["outcome"], answer[9]["retryable"],
        )  # fmt: skip
        assert REPLY == other.sale()[1]
        release(one, 10)
        assert REPLY == two.sale(number=21)[1]
        for client, number in ((one, 11), (two, 10), (two, 11)):
            release(client, number)


def test_the_store_has_a_bound_over_all_clients(small_shop: Shop) -> None:
    """Six in all: four of one client and two of another; the seventh is busy."""
    with small_shop.client() as one, small_shop.client(small_shop.boss) as two:
        one.hello()
        two.hello()
        for number in range(10, 14):
            hold(one, number)
        for number in range(10, 12):
            hold(two, number)
        assert "busy" == two.sale(number=20)[9]["code"]
        for number in range(10, 14):
            release(one, number)
        for number in range(10, 12):
            release(two, number)
        assert REPLY == two.sale(number=21)[1]


def test_a_connection_that_dies_gives_its_slots_back(small_shop: Shop) -> None:
    """The service behind hears of it and ends the payment."""
    with small_shop.client() as client:
        client.hello()
        for number in range(10, 14):
            hold(client, number)
    with small_shop.client() as again:
        again.hello()

        def free() -> bool:
            return bool(again.sale(number=30)[1] == REPLY)

        eventually(free, timeout_s=5.0, what=lambda: "the dead connection's slots")


def test_the_oldest_idle_session_makes_room(small_shop: Shop) -> None:
    """Connections that died silently don't lock a client out."""
    clients = [small_shop.client() for _ in range(5)]
    try:
        for client in clients:
            assert REPLY == client.hello()[1]
        assert "hello_required" == clients[0].request("health.get", {}, 3)[9]["code"]
        assert REPLY == clients[-1].request("health.get", {}, 3)[1]
    finally:
        for client in clients:
            client.__exit__()

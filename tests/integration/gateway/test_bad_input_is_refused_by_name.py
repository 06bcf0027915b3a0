"""Whatever is wrong with a request, its error names it, nothing starts, and the gateway goes on."""

from __future__ import annotations

import uuid
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from tests.integration.gateway.shop import ERROR, HELLO, PONG, REPLY, REQ, RawClient, Shop, frame

GOOD = {"lane": "1", "amount": {"total_minor": 1_000}}
ID = "0b1d2c3e-4f50-4617-8293-a4b5c6d7e8f9"


def nested(depth: int) -> bytes:
    return b"\x81\xa1x" * depth + b"\xc0"


BODIES = {
    "unknown field": ({**GOOD, "tip": 5}, "$.tip"),
    "unknown field within": ({"lane": "1", "amount": {"total_minor": 1_000, "tip": 1}}, "$.amount.tip"),
    "wrong type": ({"lane": 1, "amount": {"total_minor": 1_000}}, "$.lane"),
    "missing field": ({"lane": "1"}, "$.amount"),
    "negative amount": ({"lane": "1", "amount": {"total_minor": -1}}, "$.amount.total_minor"),
    "zero amount": ({"lane": "1", "amount": {"total_minor": 0}}, "$.amount.total_minor"),
    "float amount": ({"lane": "1", "amount": {"total_minor": 1_000.5}}, "$.amount.total_minor"),
    "round float amount": ({"lane": "1", "amount": {"total_minor": 1_000.0}}, "$.amount.total_minor"),
    "amount as text": ({"lane": "1", "amount": {"total_minor": "1000"}}, "$.amount.total_minor"),
    "amount over ten digits": ({"lane": "1", "amount": {"total_minor": 10**10}}, "$.amount.total_minor"),
    "parts over the total": ({"lane": "1", "amount": {"total_minor": 1_000, "vat_minor": 1_001}}, "$.amount"),
    "parts that do not add up": (
        {"lane": "1", "amount": {"total_minor": 1_000, "supply_minor": 900, "vat_minor": 99}},
        "$.amount",
    ),
    "another currency": ({"lane": "1", "amount": {"total_minor": 1_000, "currency": "USD"}}, "$.amount.currency"),
    "one installment": ({**GOOD, "installments": 1}, "$"),
    "lane with a space": ({"lane": "1 ", "amount": {"total_minor": 1_000}}, "$.lane"),
    "lane with a newline": ({"lane": "1\n", "amount": {"total_minor": 1_000}}, "$.lane"),
    "a list for a map": ([1, 2], "$"),
}


@pytest.fixture
def client(shop: Shop) -> Any:
    with shop.client() as client:
        client.hello()
        yield client


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_does_not_fit_names_its_field(shop: Shop, client: RawClient, what: str) -> None:
    """`invalid_body`, not started, with the place."""
    body, field = BODIES[what]
    before = shop.reached()
    answer = client.request("payment.sale", body, key=ID)
    assert (ERROR, "invalid_body", "not_started", field) == summary(answer)
    assert before == shop.reached()


@pytest.mark.parametrize(
    ("what", "message", "code", "field"),
    [
        ("unknown op", {"op": "payment.gift"}, "unknown_op", "op"),
        ("an op of the house", {"op": "mac.exchange"}, "unknown_op", "op"),
        ("no request id", {"key": None}, "invalid_body", "key"),
        ("request id in capitals", {"key": ID.upper()}, "invalid_body", "key"),
        ("request id with a newline", {"key": ID + "\n"}, "invalid_body", "key"),
        ("another's lane", {"body": {**GOOD, "lane": "2"}}, "lane_not_yours", "$.lane"),
        ("no session", {"session": None}, "hello_required", None),
        ("another's session", {"session": "x" * 16}, "hello_required", None),
        ("negative time to live", {"ttl": -1}, "invalid_body", "deadline"),
        ("endless time to live", {"ttl": 10**9}, "invalid_body", "deadline"),
    ],
)
def test_an_envelope_that_is_not_allowed_names_its_element(
    shop: Shop, client: RawClient, what: str, message: dict[str, Any], code: str, field: str | None
) -> None:
    """Each gate before the service answers by its own code."""
    before = shop.reached()
    elements = {"op": "payment.sale", "ttl": 5_000, "key": ID, "session": client.session, "body": GOOD} | message
    answer = client.ask(REQ, 2, **elements)
    assert (ERROR, code, "not_started", field) == summary(answer)
    assert before == shop.reached()


@pytest.mark.parametrize(
    ("what", "sent", "code"),
    [
        ("nothing", b"", "bad_message"),
        ("text", b"hello", "bad_message"),
        ("a map", msgpack.packb({"op": "payment.sale"}), "bad_message"),
        ("nine elements", msgpack.packb(["tpayd1", REQ, 2, "payment.sale", 0, None, None, None, {}]), "bad_message"),
        ("another protocol", frame(REQ, 2, op="payment.sale", protocol="tpayd2"), "bad_message"),
        ("a broken end", frame(REQ, 2, op="payment.sale", body=GOOD)[:-1], "bad_message"),
        ("a kind for clients", frame(REPLY, 2), "bad_message"),
        ("a kind that is none", frame(77, 2), "bad_message"),
        ("deep nesting as the body", frame(REQ, 2, op="payment.sale")[:-1] + nested(20_000), "bad_message"),
        ("over the limit", frame(REQ, 2, op="payment.sale", body={"x": "y" * 70_000}), "too_large"),
    ],
)
def test_a_frame_that_is_no_envelope_is_answered(
    shop: Shop, client: RawClient, what: str, sent: bytes, code: str
) -> None:
    """Even where no id can be read there is an answer, with id 0 or the one that was read."""
    before = shop.reached()
    client.send(sent)
    answer = client.receive()
    assert answer is not None
    assert (ERROR, code, "not_started") == summary(answer)[:3]
    assert before == shop.reached()


def test_more_than_one_frame_is_answered(client: RawClient) -> None:
    """A REQ socket adds an empty frame; its sender is told to use DEALER."""
    client.send(b"", frame(REQ, 2, op="health.get", session=client.session))
    client.socket.poll(3_000)
    parts = client.socket.recv_multipart()
    assert b"" == parts[0]
    assert (ERROR, "bad_message") == summary(msgpack.unpackb(parts[1]))[:2]


def test_a_request_id_used_for_another_body_is_a_conflict(client: RawClient) -> None:
    """The first sale stands; the second one is refused."""
    key = str(uuid.uuid4())
    assert "PAID" == client.sale(1_000, 2, key=key)[9]["verdict"]
    answer = client.request("payment.sale", {"lane": "1", "amount": {"total_minor": 1_001}}, 3, key=key)
    assert (ERROR, "key_conflict", "not_started", "key") == summary(answer)


def test_an_id_in_use_is_refused(client: RawClient) -> None:
    """Two open requests cannot have one id, or their answers could be mixed up."""
    key = str(uuid.uuid4())
    body = {"lane": "1", "amount": {"total_minor": 4_000}}
    client.send(frame(REQ, 9, op="payment.sale", ttl=5_000, key=key, session=client.session, body=body))
    assert (ERROR, "bad_message") == summary(client.request("health.get", {}, 9))[:2]


def test_an_unknown_topic_is_named(client: RawClient) -> None:
    """The place in the list, and what there is instead."""
    answer = client.request("events.subscribe", {"topics": ["device.state", "gossip"]})
    assert (ERROR, "invalid_body", "not_started", "$.topics[1]") == summary(answer)


def test_a_right_that_is_missing_is_told(shop: Shop, client: RawClient) -> None:
    """A POS may not exchange keys."""
    answer = client.request("key.exchange_reader", {"device": "reader1"})
    assert (ERROR, "not_permitted", "not_started", "op") == summary(answer)


def test_after_all_of_it_the_gateway_serves(shop: Shop, client: RawClient) -> None:
    """The same process, the same session."""
    assert REPLY == client.sale()[1]
    assert PONG == client.ask(7, 5, session=client.session)[1]
    assert shop.store["gateway"].running


def test_a_ping_with_a_dead_session_says_so(client: RawClient) -> None:
    """So that a client without a socket monitor learns of a restart."""
    assert (ERROR, "hello_required") == summary(client.ask(7, 5, session="gone"))[:2]


def test_hello_is_checked_like_any_body(shop: Shop) -> None:
    """An unknown field of HELLO is refused by name too."""
    with shop.client() as client:
        answer = client.ask(HELLO, 1, body={"client": "till-1", "contract": "1.0", "colour": "red"})
    assert (ERROR, "invalid_body", "not_started", "$.colour") == summary(answer)


def summary(answer: list[Any]) -> tuple[Any, ...]:
    body = answer[9]
    return (answer[1], body.get("code"), body.get("outcome"), body.get("field"))

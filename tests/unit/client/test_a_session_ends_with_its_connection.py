"""The protocol core, fed with frames and times."""

from __future__ import annotations

from typing import Any

import pytest

from tpayd_client.envelope import Kind, Message, pack, unpack
from tpayd_client.protocol import (
    LOST_AFTER_S,
    PING_AFTER_S,
    Answered,
    Event,
    Gap,
    Greeted,
    Link,
    LinkState,
    Progressed,
    Refused,
    Unwelcome,
)
from tpayd_client.types import Hello

WELCOME = {"session": "s-1", "contract": "1.0", "server": "gateway", "version": "1", "lanes": ["1"], "right": "pos"}
REFUSAL = {"code": "not_permitted", "message": "no", "outcome": "not_started"}
HELLO_REQUIRED = {"code": "hello_required", "message": "who?", "outcome": "not_started", "retryable": True}


def opened() -> Link:
    link = Link(Hello("till-1", "1.0"))
    assert [] == link.up(0.0)
    link.receive(pack(Kind.REPLY, hello_of(link).id, body=WELCOME), 0.0)
    link.outbox.clear()
    return link


def hello_of(link: Link) -> Message:
    return unpack(link.outbox[-1])


def ask(link: Link, now_s: float = 0.0) -> int:
    number, _ = link.request("payment.sale", {}, key="k", ttl_ms=1_000, trace=None, now_s=now_s)
    return number


def test_a_connection_begins_with_hello() -> None:
    """Who we are, and the contract that we speak."""
    link = Link(Hello("till-1", "1.0"))
    link.up(0.0)
    hello = hello_of(link)
    assert (Kind.HELLO, {"client": "till-1", "contract": "1.0"}) == (hello.kind, hello.body)
    signals = link.receive(pack(Kind.REPLY, hello.id, body=WELCOME), 0.0)
    assert isinstance(signals[0], Greeted)
    assert (LinkState.OPEN, ("1",)) == (link.state, signals[0].welcome.lanes)


def test_nothing_is_asked_without_a_session() -> None:
    """Not while down, not while greeting."""
    link = Link(Hello("till-1", "1.0"))
    with pytest.raises(RuntimeError):
        ask(link)
    link.up(0.0)
    with pytest.raises(RuntimeError):
        ask(link)


def test_a_refused_hello_says_why() -> None:
    """The gateway's own word."""
    link = Link(Hello("till-1", "1.0"))
    link.up(0.0)
    (signal,) = link.receive(pack(Kind.ERROR, hello_of(link).id, body=REFUSAL), 0.0)
    assert isinstance(signal, Unwelcome)
    assert ("not_permitted", LinkState.DOWN) == (signal.error.code, link.state)


def test_an_answer_reaches_its_request_and_only_once() -> None:
    """Progress before it; anything after it belongs to nobody."""
    link = opened()
    number, other = ask(link), ask(link)
    assert [Progressed(number, {"a": 1})] == link.receive(pack(Kind.PROGRESS, number, body={"a": 1}), 0.1)
    assert [Answered(number, {"b": 2})] == link.receive(pack(Kind.REPLY, number, body={"b": 2}), 0.2)
    for kind in (Kind.REPLY, Kind.ERROR, Kind.PROGRESS):
        assert [] == link.receive(pack(kind, number), 0.3)
    assert [Answered(other, {})] == link.receive(pack(Kind.REPLY, other), 0.4)


@pytest.mark.parametrize("loss", ["down", "up"])
def test_what_was_open_on_a_lost_connection_is_unknown(loss: str) -> None:
    """Also when the new connection is noticed before the end of the old one."""
    link = opened()
    numbers = [ask(link), ask(link)]
    signals = link.down("gone") if loss == "down" else link.up(1.0)
    assert numbers == [signal.id for signal in signals if isinstance(signal, Refused)]
    assert {"unknown"} == {signal.error.outcome for signal in signals if isinstance(signal, Refused)}


def test_a_request_that_the_socket_refused_never_existed() -> None:
    """It is not reported lost later."""
    link = opened()
    link.unsent(ask(link))
    assert [] == link.down("gone")


def test_hello_required_ends_the_session_for_all() -> None:
    """The one that was answered has not started, the others are unknown, and HELLO is said again."""
    link = opened()
    first, second = ask(link), ask(link)
    signals = link.receive(pack(Kind.ERROR, second, body=HELLO_REQUIRED), 0.1)
    outcomes = {signal.id: signal.error.outcome for signal in signals if isinstance(signal, Refused)}
    assert {second: "not_started", first: "unknown"} == outcomes
    assert (LinkState.GREETING, Kind.HELLO) == (link.state, hello_of(link).kind)


def test_silence_asks_for_a_sign_of_life_and_then_gives_up() -> None:
    """One PING, and the end; a PONG in between starts anew."""
    link = opened()
    number = ask(link, 10.0)
    assert 10.0 + PING_AFTER_S == link.due_s()
    assert [] == link.tick(10.0 + PING_AFTER_S)
    assert [Kind.PING] == [unpack(frame).kind for frame in link.outbox]
    assert [] == link.tick(11.0 + PING_AFTER_S)
    assert 1 == len(link.outbox)
    link.receive(pack(Kind.PONG, 99), 15.0)
    assert [] == link.tick(15.1)
    assert [] == link.tick(15.0 + PING_AFTER_S)
    (signal,) = link.tick(15.0 + LOST_AFTER_S)
    assert isinstance(signal, Refused)
    assert (number, "unknown", LinkState.DOWN) == (signal.id, signal.error.outcome, link.state)


def test_who_was_stopped_himself_asks_before_he_gives_up() -> None:
    """Whatever his clock says, the gateway may have been stopped with him; it has its time to answer, once."""
    link = opened()
    number = ask(link, 10.0)
    assert [] == link.tick(100.0)
    assert 100.0 + LOST_AFTER_S - PING_AFTER_S == link.due_s()
    assert [] == link.tick(200.0)
    assert [Kind.PING, Kind.PING] == [unpack(frame).kind for frame in link.outbox]
    (signal,) = link.tick(300.0)
    assert isinstance(signal, Refused)
    assert (number, LinkState.DOWN) == (signal.id, link.state)


def test_an_answered_ping_may_say_that_the_session_is_gone() -> None:
    """Then everything open is lost, without waiting for silence."""
    link = opened()
    number = ask(link, 0.0)
    link.tick(PING_AFTER_S)
    ping = unpack(link.outbox[0])
    assert "s-1" == ping.session
    (signal,) = link.receive(pack(Kind.ERROR, ping.id, body=HELLO_REQUIRED), 2.1)
    assert isinstance(signal, Refused)
    assert (number, LinkState.GREETING) == (signal.id, link.state)


def test_nothing_is_pinged_when_nothing_is_awaited() -> None:
    """An idle client is silent."""
    link = opened()
    assert None is link.due_s()
    assert [] == link.tick(1_000.0)
    assert [] == link.outbox


def test_a_ping_is_answered() -> None:
    """With its own id."""
    link = opened()
    assert [] == link.receive(pack(Kind.PING, 0), 0.0)
    assert (Kind.PONG, 0) == unpack(link.outbox[0])[:2]


def test_events_are_numbered_and_a_hole_is_told() -> None:
    """Before anything was subscribed they mean nothing."""
    link = opened()
    assert [] == link.receive(event(5), 0.0)
    link.expect_events_after(5)
    assert [Event("t", {"n": 6})] == link.receive(event(6), 0.0)
    assert [Gap(), Event("t", {"n": 8})] == link.receive(event(8), 0.0)
    assert [Event("t", {"n": 9})] == link.receive(event(9), 0.0)


@pytest.mark.parametrize("frame", [b"", b"\xc1", b"hello", pack(Kind.REPLY, 12345), pack(Kind.HELLO, 1)])
def test_what_makes_no_sense_is_dropped(frame: bytes) -> None:
    """And the session goes on."""
    link = opened()
    number = ask(link)
    assert [] == link.receive(frame, 0.0)
    assert [Answered(number, {})] == link.receive(pack(Kind.REPLY, number), 0.0)


def test_an_error_that_cannot_be_read_promises_nothing() -> None:
    """Its outcome is unknown."""
    link = opened()
    (signal,) = link.receive(pack(Kind.ERROR, ask(link), body={"code": 7}), 0.0)
    assert isinstance(signal, Refused)
    assert "unknown" == signal.error.outcome


def event(number: int) -> bytes:
    body: dict[str, Any] = {"n": number}
    return pack(Kind.EVENT, number, op="t", session="s-1", body=body)

"""The key manager stands between store and host: what it says of an exchange holds for everything behind it."""

from __future__ import annotations

from typing import Any, cast

import pytest
import structlog
from msgspec import Raw, Struct

from tests.harness.clock import FakeClock
from tpayd.hosts import load
from tpayd.key_manager.relay import Relay
from tpayd.kit.bus import CallError, Sink
from tpayd.kit.bus.wire import encode_body
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.host import EXCHANGE, Exchange, Exchanged
from tpayd_contracts.keys import ExchangedMaced, ExchangeMaced, Purpose

KSN, MAC, RIGHT = b"k" * 12, b"requests", b"answers!"
BODY = ExchangeMaced("test", "TPAY0001", Purpose.NEW_PAYMENT, b"head", b"tail", 20.0, "key")


class Seal:
    ksn, mac = KSN, MAC

    def answered(self, _: bytes, mac: bytes) -> bool:
        return mac == RIGHT


class Macs:
    def seal(self, _: ExchangeMaced) -> Seal:
        return Seal()


class Link:
    """The way to the host link: keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[Exchange] = []
        self.cancelled: list[int] = []
        self.refusal: CallError | None = None

    def forward(self, op: str, body: Raw | Struct, *, deadline_ms: int, sink: Sink, trace: str | None = None) -> int:
        if self.refusal is not None:
            raise self.refusal
        assert EXCHANGE.name == op
        self.sent.append(cast("Exchange", body))
        self.deadline_ms, self.sink = deadline_ms, sink
        return 7

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)


class Asked:
    """A request of the transaction service."""

    trace = None

    def __init__(self, remaining_s: float = 27.0, *, cancelled: bool = False) -> None:
        self._remaining_s = remaining_s
        self.cancelled = cancelled
        self.answers: list[Any] = []

    def remaining_s(self) -> float:
        return self._remaining_s

    def on_cancel(self, callback: Any) -> None:
        self.cancel = callback

    def reply(self, body: Struct) -> None:
        self.answers.append(body)

    def fail(self, error: CallError) -> None:
        self.answers.append(error)


class Stand:
    def __init__(self) -> None:
        self.link = Link()
        self.clock = FakeClock()
        self.verified: list[bytes] = []
        self.refused: list[Any] = []
        self.relay = Relay(
            macs=Macs(), host=self.link, adapter=load("iso8583"), clock=self.clock, log=structlog.get_logger(),
            verified=self.verified.append, refused=lambda *what: self.refused.append(what),
        )  # fmt: skip

    def ask(self, asked: Asked | None = None) -> Asked:
        asked = asked or Asked()
        self.relay.exchange(cast("Any", asked), BODY)
        return asked

    def answer(self, message: bytes) -> None:
        self.link.sink.reply(encode_body(Exchanged(message, 48_000, "a")))


def test_an_answer_with_the_hosts_mac_is_passed_on() -> None:
    """The request left once with KSN and MAC in their places; what the right MAC covered is told."""
    stand = Stand()
    asked = stand.ask()
    stand.answer(b"0210" + RIGHT)
    assert [Exchange("test", b"head" + KSN + b"tail" + MAC, 20.0)] == stand.link.sent
    assert [ExchangedMaced(b"0210" + RIGHT, KSN, 48_000)] == asked.answers
    assert ([b"0210"], []) == (stand.verified, stand.refused)


@pytest.mark.parametrize("message", [b"0210" + MAC, b"0210", b"", RIGHT])
def test_an_answer_with_another_mac_says_nothing(message: bytes) -> None:
    """Not even no: its outcome is unknown, whatever stands in it; it is counted."""
    stand = Stand()
    asked = stand.ask()
    stand.answer(message)
    (error,) = asked.answers
    assert (ErrorCode.INVALID_BODY, Outcome.UNKNOWN) == (error.code, error.outcome)
    assert ([], 1) == (stand.verified, len(stand.refused))


def test_an_answer_that_cannot_be_read_is_unknown() -> None:
    """A host link of another version has sent it all the same."""
    stand = Stand()
    asked = stand.ask()
    stand.link.sink.reply(Raw(b"\xc0"))
    assert [Outcome.UNKNOWN] == [error.outcome for error in asked.answers]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (CallError.unknown(ErrorCode.TIMEOUT, ""), (ErrorCode.TIMEOUT, Outcome.UNKNOWN)),
        (CallError.unknown(ErrorCode.PEER_LOST, ""), (ErrorCode.PEER_LOST, Outcome.UNKNOWN)),
        (CallError.not_started(ErrorCode.HOST_UNAVAILABLE, ""), (ErrorCode.HOST_UNAVAILABLE, Outcome.NOT_STARTED)),
        (CallError.not_started(ErrorCode.BUSY, ""), (ErrorCode.BUSY, Outcome.NOT_STARTED)),
        (CallError.not_started(ErrorCode.UNAVAILABLE, ""), (ErrorCode.HOST_UNAVAILABLE, Outcome.NOT_STARTED)),
        (CallError.not_started(ErrorCode.DRAINING, ""), (ErrorCode.HOST_UNAVAILABLE, Outcome.NOT_STARTED)),
    ],
)
def test_the_host_links_word_is_passed_on(said: CallError, told: tuple[ErrorCode, Outcome]) -> None:
    """Unknown stays unknown, proof stays proof; a host link that is away is a host that is away."""
    stand = Stand()
    asked = stand.ask()
    stand.link.sink.error(said)
    assert [told] == [(error.code, error.outcome) for error in asked.answers]


def test_a_host_link_that_is_away_is_told_at_once() -> None:
    """Nothing was handed over: that is proof."""
    stand = Stand()
    stand.link.refusal = CallError.not_started(ErrorCode.UNAVAILABLE, "not connected")
    with pytest.raises(CallError) as caught:
        stand.ask()
    assert (ErrorCode.HOST_UNAVAILABLE, Outcome.NOT_STARTED) == (caught.value.code, caught.value.outcome)


@pytest.mark.parametrize("asked", [Asked(1.0), Asked(cancelled=True)], ids=["too late", "cancelled"])
def test_what_nobody_can_wait_for_is_not_sent(asked: Asked) -> None:
    """A request may have been held up before it came here."""
    stand = Stand()
    with pytest.raises(CallError) as caught:
        stand.ask(asked)
    assert (Outcome.NOT_STARTED, []) == (caught.value.outcome, stand.link.sent)


def test_waits_end_from_the_host_inwards() -> None:
    """The host link is the first to give up, and the caller the last: each hears the clear word of the one behind."""
    stand = Stand()
    stand.ask(Asked(11.0))
    assert 10.0 == stand.link.sent[0].answer_wait_s
    assert stand.clock.boottime_ms() + 10_500 == stand.link.deadline_ms


def test_a_caller_that_goes_away_is_told_on() -> None:
    """The host link gives the exchange up, so that its answer counts as late."""
    stand = Stand()
    asked = stand.ask()
    asked.cancel()
    assert [7] == stand.link.cancelled

"""A reader lent while nobody waited for it any more is given back; one that was handed over is its holder's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Raw, Struct

from tpayd.kit.bus import CallError, Sink
from tpayd.kit.bus.wire import encode_body
from tpayd.transaction.steps.taking import Taking
from tpayd_contracts.device import (
    AcquireLease,
    CardProgress,
    CardPrompt,
    Lease,
    LeaseProgress,
    ReadCardResult,
    TransactionType,
)
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import EntryMode, PaymentProgress, Step
from tpayd_contracts.taking import TakeCard, TakeCardProgress, TakenCard

LEASE = Lease("l-1", 1, "reader-1", "Reader 1", "", 15.0)
CARD = ReadCardResult(EntryMode.CONTACTLESS, "476173******0119", bytes(12), bytes(48))
PROMPT = CardProgress(CardPrompt.PRESENT_CARD, 30_000)
WANTED = TakeCard(
    TransactionType.CREDIT, 1_000, "20260302101530", 30.0, wish=AcquireLease("1", "p"), reader_wait_s=60.0
)


class Broker:
    """The bus to a broker that this test is."""

    def __init__(self) -> None:
        self.sink: Sink
        self.cancelled: list[int] = []

    def forward(self, _: str, __: Raw, *, sink: Sink, **___: Any) -> int:
        self.sink = sink
        return 7

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)

    def tells(self, update: Struct) -> None:
        assert self.sink.progress is not None
        self.sink.progress(encode_body(update))

    def answers(self, taken: Struct) -> None:
        self.sink.reply(encode_body(taken))


class Till:
    """Who asked, and what he heard."""

    def __init__(self, read_s: float = 60.0) -> None:
        self.broker = Broker()
        self.given_back: list[Lease] = []
        self.heard: list[PaymentProgress] = []
        broker: Any = self.broker
        self.taking = Taking(broker, self.heard.append, self.given_back.append)
        self.taking.ask(WANTED, read_s, None)


def played(scene: Callable[[Till], Any], till_of: Callable[[], Till] = Till) -> Till:
    async def play() -> Till:
        till = till_of()
        await scene(till)
        return till

    return asyncio.run(play())


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


def test_an_answer_that_tells_both_is_waited_for_once() -> None:
    async def scene(till: Till) -> None:
        lease = asyncio.create_task(till.taking.lease())
        await asyncio.sleep(0)
        till.broker.answers(TakenCard(LEASE, CARD))
        assert await lease == LEASE
        assert await till.taking.card() == CARD

    till = played(scene)
    assert ([], []) == (till.given_back, till.broker.cancelled)


def test_a_lease_is_known_before_the_card_and_a_failure_after_it() -> None:
    async def scene(till: Till) -> None:
        till.broker.tells(TakeCardProgress(queue=LeaseProgress(2)))
        till.broker.tells(TakeCardProgress(lease=LEASE, prompt=PROMPT))
        assert await till.taking.lease() == LEASE
        failure = CallError(ErrorCode.CARD_TIMEOUT, "no card came in time")
        till.broker.answers(TakenCard(LEASE, failure=failure.body()))
        with pytest.raises(CallError, match="no card came in time"):
            await till.taking.card()

    queued, prompted = played(scene).heard
    assert (Step.WAITING_FOR_READER, 2) == (queued.step, queued.position)
    assert (Step.PRESENT_CARD, LEASE.label) == (prompted.step, prompted.reader)


def test_an_error_before_the_lease_ends_the_wait() -> None:
    async def scene(till: Till) -> None:
        till.broker.sink.error(CallError.not_started(ErrorCode.READER_UNAVAILABLE, "no reader came free in time"))
        with pytest.raises(CallError, match="no reader came free"):
            await till.taking.lease()

    assert played(scene).given_back == []


def test_a_lease_that_crosses_a_cancel_is_given_back() -> None:
    async def scene(till: Till) -> None:
        waiting = asyncio.create_task(till.taking.lease())
        await asyncio.sleep(0)
        await cancelled(waiting)
        till.broker.answers(TakenCard(LEASE, CARD))

    till = played(scene)
    assert ([LEASE], [7]) == (till.given_back, till.broker.cancelled)


def test_a_lease_that_arrives_in_the_turn_of_a_cancel_is_given_back() -> None:
    async def scene(till: Till) -> None:
        waiting = asyncio.create_task(till.taking.lease())
        await asyncio.sleep(0)
        till.broker.answers(TakenCard(LEASE, CARD))
        await cancelled(waiting)

    assert played(scene).given_back == [LEASE]


def test_a_cancel_while_the_card_is_waited_for_ends_the_reading() -> None:
    """The lease is its holder's already, who releases it."""

    async def scene(till: Till) -> None:
        till.broker.tells(TakeCardProgress(lease=LEASE, prompt=PROMPT))
        await till.taking.lease()
        reading = asyncio.create_task(till.taking.card())
        await asyncio.sleep(0)
        await cancelled(reading)
        till.broker.answers(TakenCard(LEASE, CARD))

    till = played(scene)
    assert ([], [7]) == (till.given_back, till.broker.cancelled)


def test_a_reading_whose_answer_is_lost_ends_in_time() -> None:
    async def scene(till: Till) -> None:
        till.broker.tells(TakeCardProgress(lease=LEASE, prompt=PROMPT))
        await till.taking.lease()
        with pytest.raises(CallError, match="did not answer in time"):
            await till.taking.card()

    assert played(scene, lambda: Till(read_s=0.01)).broker.cancelled == [7]

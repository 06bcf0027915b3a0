"""A request to the host is answered, or nothing was sent, or it may have happened: the caller always knows which."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness import Store, eventually
from tests.harness.calling import caller
from tests.integration.host.conftest import BOTH
from tests.integration.host.metrics import dropped, ended
from tests.integration.host.terminal import Terminal
from tpayd.kit.bus import CallError, Sink
from tpayd.kit.clock import SystemClock
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.host import EXCHANGE, LINE_STATUS, Exchange, LineState
from tpayd_contracts.operation import Empty
from tpayd_contracts.payment import EntryMode
from tpayd_contracts.sandbox import HostMode


def refused(terminal: Terminal, total_minor: int, wait_s: float = 1.0) -> tuple[ErrorCode, Outcome]:
    with pytest.raises(CallError) as caught:
        terminal.ask(terminal.sale(total_minor), wait_s)
    return caught.value.code, caught.value.outcome


def test_an_approval_comes_back_sealed(terminal: Terminal) -> None:
    """With the code for the receipt, the card's names, and the issuer's word for the chip."""
    answer = terminal.ask(terminal.sale(10_000))
    opened = answer.opened
    assert (True, "00", 10_000, "test-1") == (
        answer.genuine, opened.response_code, opened.amount_minor, answer.exchanged.line,
    )  # fmt: skip
    assert opened.approval_code is not None
    assert opened.emv is not None
    assert ("모의카드 9", "모의매입사", "00", 10) == (
        opened.issuer, opened.acquirer, opened.emv.arc, len(opened.emv.issuer_data),
    )  # fmt: skip
    assert 0 < answer.exchanged.host_us < 5_000_000


def test_a_stripe_gets_no_word_for_a_chip(terminal: Terminal) -> None:
    """There is no chip to tell."""
    assert None is terminal.ask(terminal.sale(10_000, entry_mode=EntryMode.STRIPE)).opened.emv


def test_a_decline_is_an_answer(terminal: Terminal) -> None:
    """With its code, and no approval."""
    opened = terminal.ask(terminal.sale(10_051)).opened
    assert ("51", None) == (opened.response_code, opened.approval_code)


def test_a_silent_host_leaves_the_outcome_unknown(terminal: Terminal, store: Store) -> None:
    """It may have booked: this one has."""
    assert (ErrorCode.TIMEOUT, Outcome.UNKNOWN) == refused(terminal, 10_091, 0.3)
    assert 10_091 == store.sandbox.ledger()[-1].net_minor


def test_a_deaf_host_looks_the_same(terminal: Terminal, store: Store) -> None:
    """Nobody can tell it from a silent one, except by its ledger."""
    before = len(store.sandbox.ledger())
    assert (ErrorCode.TIMEOUT, Outcome.UNKNOWN) == refused(terminal, 10_092, 0.3)
    assert before == len(store.sandbox.ledger())


def test_a_late_answer_is_counted_and_reaches_nobody(terminal: Terminal, store: Store) -> None:
    """Its request was given up; the next one gets its own answer."""
    before = dropped(store, "late")
    store.sandbox.host(HostMode.LATE, delay_ms=600, times=1)
    assert (ErrorCode.TIMEOUT, Outcome.UNKNOWN) == refused(terminal, 20_000, 0.2)
    assert 30_000 == terminal.ask(terminal.sale(30_000)).opened.amount_minor
    eventually(lambda: dropped(store, "late") == before + 1, timeout_s=5, what="the late answer counted")


def test_an_answer_that_comes_twice_is_taken_once(terminal: Terminal, store: Store) -> None:
    """The second is counted as a duplicate."""
    before = dropped(store, "duplicate")
    assert "00" == terminal.ask(terminal.sale(10_094)).opened.response_code
    eventually(lambda: dropped(store, "duplicate") == before + 1, timeout_s=5, what="the duplicate counted")


def test_a_garbled_answer_is_no_answer(terminal: Terminal, store: Store) -> None:
    """It is counted, and the line goes on."""
    before = dropped(store, "garbled")
    assert (ErrorCode.TIMEOUT, Outcome.UNKNOWN) == refused(terminal, 10_095, 0.5)
    assert before + 1 == dropped(store, "garbled")
    assert "00" == terminal.ask(terminal.sale(10_000)).opened.response_code


def test_an_answer_in_single_bytes_is_one_answer(terminal: Terminal) -> None:
    """However TCP cuts it."""
    answer = terminal.ask(terminal.sale(10_096))
    assert (True, "00") == (answer.genuine, answer.opened.response_code)


def test_an_answer_with_a_wrong_mac_is_passed_on_for_the_caller_to_judge(terminal: Terminal) -> None:
    """The host link holds no key; whoever does finds it."""
    answer = terminal.ask(terminal.sale(10_098))
    assert (False, "00") == (answer.genuine, answer.opened.response_code)


def test_a_host_that_hangs_up_leaves_the_outcome_unknown(terminal: Terminal, store: Store) -> None:
    """The line comes back by itself."""
    assert (ErrorCode.PEER_LOST, Outcome.UNKNOWN) == refused(terminal, 10_097)
    store.wait_ready(*BOTH, degraded=False)
    assert "00" == terminal.ask(terminal.sale(10_000)).opened.response_code


def test_a_deadline_shorter_than_the_wait_ends_it(terminal: Terminal, store: Store) -> None:
    """The caller's deadline goes with the request: nobody is left waiting."""
    raw = terminal.sealed(terminal.sale(10_091))
    with pytest.raises(CallError) as caught:
        store.ask("host_link", EXCHANGE, Exchange("test", raw, 60.0), name="transaction", timeout_s=0.5)
    assert Outcome.UNKNOWN is caught.value.outcome
    eventually(lambda: in_flight(store) == 0, timeout_s=3, what="nothing in flight")


def test_a_caller_that_cancels_is_told_what_nobody_knows(terminal: Terminal, store: Store) -> None:
    """`aborted`, and unknown, at once: its bytes have left; what the host says later is late."""
    before = dropped(store, "late")
    store.sandbox.host(HostMode.LATE, delay_ms=600, times=1)
    error = asyncio.run(_cancelled(store, terminal.sealed(terminal.sale(20_000))))
    assert (ErrorCode.ABORTED, Outcome.UNKNOWN) == (error.code, error.outcome)
    eventually(lambda: dropped(store, "late") == before + 1, timeout_s=30, what="the late answer counted")


async def _cancelled(store: Store, message: bytes) -> CallError:
    """How an exchange ends that is cancelled as soon as it was asked for."""
    ended_by: asyncio.Future[CallError] = asyncio.get_running_loop().create_future()
    async with caller(store, "host_link") as connection, asyncio.timeout(30):
        while not connection.connected:  # noqa: ASYNC110  its own retries are what is waited for
            await asyncio.sleep(0.01)
        number = connection.forward(
            EXCHANGE.name, Exchange("test", message, 25.0), deadline_ms=SystemClock().boottime_ms() + 25_000,
            sink=Sink(lambda _: None, ended_by.set_result),
        )  # fmt: skip
        connection.cancel(number)
        return await ended_by


@pytest.mark.parametrize(
    ("profile", "message", "code", "field"),
    [
        ("live", b"0200", ErrorCode.HOST_UNAVAILABLE, "$.profile"),
        ("test", b"0200", ErrorCode.INVALID_BODY, "$.message"),
        ("test", b"\x00" * 8192, ErrorCode.INVALID_BODY, "$.message"),
        ("test", b"", ErrorCode.INVALID_BODY, "$.message"),
        ("test", b"\x00" * 8193, ErrorCode.INVALID_BODY, "$.message"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_field(
    store: Store, profile: str, message: bytes, code: ErrorCode, field: str
) -> None:
    """And nothing has left."""
    with pytest.raises(CallError) as caught:
        store.ask("host_link", EXCHANGE, Exchange(profile, message, 1.0), name="transaction")
    assert (code, field, Outcome.NOT_STARTED) == (caught.value.code, caught.value.field, caught.value.outcome)


def test_every_end_is_counted(terminal: Terminal, store: Store) -> None:
    """One exchange, one end."""
    before = {outcome: ended(store, outcome) for outcome in ("answered", "timeout")}
    terminal.ask(terminal.sale(10_000))
    refused(terminal, 10_091, 0.1)
    assert {outcome: count + 1 for outcome, count in before.items()} == {
        outcome: ended(store, outcome) for outcome in before
    }
    assert 0 == in_flight(store)


def in_flight(store: Store) -> int:
    (line,) = store.ask("host_link", LINE_STATUS, Empty(), name="gateway").lines
    assert LineState.SIGNED_ON is line.state
    return line.in_flight

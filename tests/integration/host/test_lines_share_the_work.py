"""Several lines: new exchanges go where there is room; what has left on one line is never sent on another."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from tests.harness import Store, eventually
from tests.integration.host.fake_host import FakeHost, sign_on_only
from tests.integration.host.test_lines_come_back import ADAPTER, RAW, link
from tests.unit.hosts.examples import KSN, MAC, SALE
from tpayd.hosts import Financial, MacedMessage, NetworkMessage
from tpayd.hosts.iso8583 import host_side
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.health import Readiness
from tpayd_contracts.host import EXCHANGE, LINE_STATUS, Exchange, Exchanged, LineState
from tpayd_contracts.operation import Empty

REPLY = host_side.FinancialReply(response_code="00", host_reference="202603140001", approval_code="123456")


def approving(message: MacedMessage | NetworkMessage) -> list[bytes]:
    if isinstance(message, Financial):
        return [ADAPTER.seal(host_side.reply_financial(message, REPLY), KSN, MAC)]
    return sign_on_only(message)


def sale(number: int) -> bytes:
    return ADAPTER.seal(ADAPTER.encode(msgspec.structs.replace(SALE, stan=f"{number:06d}")), KSN, MAC)


def send(store: Store, raw: bytes, wait_s: float = 5.0) -> Exchanged | CallError:
    try:
        body = Exchange("test", raw, wait_s)
        return store.ask("host_link", EXCHANGE, body, name="transaction", timeout_s=wait_s + 5)
    except CallError as error:
        return error


def signed_on(store: Store, count: int) -> None:
    def lines() -> int:
        lines = store.ask("host_link", LINE_STATUS, Empty(), name="gateway").lines
        return sum(line.state is LineState.SIGNED_ON for line in lines)

    store.wait_ready("host_link")
    eventually(lambda: lines() == count, timeout_s=10, what=f"{count} lines")


def draining(store: Store) -> bool:
    health = store.health("host_link")
    return health is not None and health.readiness is Readiness.DRAINING


def code_of(found: Exchanged | CallError) -> tuple[ErrorCode, Outcome]:
    assert isinstance(found, CallError)
    return found.code, found.outcome


def test_a_lost_lines_bytes_are_never_sent_on_another(tmp_path: Path) -> None:
    """The exchange is unknown; the next one takes the line that is left."""
    with (
        FakeHost() as first,
        FakeHost() as second,
        link(tmp_path, first.address, second.address, echo_idle_s=60.0, retry_first_s=60.0, retry_most_s=60.0) as store,
        ThreadPoolExecutor() as threads,
    ):
        signed_on(store, 2)
        waiting = threads.submit(send, store, RAW)
        took, other = (first, second) if eventually_took(first, second) else (second, first)
        other.answers = approving
        took.hang_up()
        assert (ErrorCode.PEER_LOST, Outcome.UNKNOWN) == code_of(waiting.result(10))
        assert 0 == len(other.messages(Financial))
        assert isinstance(send(store, sale(7)), Exchanged)
        assert ["000007"] == [message.stan for message in other.messages(Financial)]


def eventually_took(first: FakeHost, second: FakeHost) -> bool:
    def taken() -> int:
        return len(first.messages(Financial)) + len(second.messages(Financial))

    eventually(lambda: taken() == 1, timeout_s=5, what="the sale on one line")
    return len(first.messages(Financial)) == 1


def test_lines_fill_evenly_and_refuse_beyond_their_bound(tmp_path: Path) -> None:
    """Two lines of two each: four open, the fifth is busy and has not left."""
    with FakeHost() as first, FakeHost() as second:
        store = link(tmp_path, first.address, second.address, echo_idle_s=60.0)
        path = store.instance.settings_file("host_link")
        path.write_text(path.read_text().replace("max_in_flight_per_line = 128", "max_in_flight_per_line = 2"))
        with store, ThreadPoolExecutor() as threads:
            signed_on(store, 2)
            open_: list[Future[Exchanged | CallError]] = []
            for number in range(4):
                open_.append(threads.submit(send, store, sale(number), 1.5))
                eventually(
                    lambda: len(first.messages(Financial)) + len(second.messages(Financial)) == len(open_),
                    timeout_s=5, what="the sale on a line",
                )  # fmt: skip
            assert [2, 2] == [len(host.messages(Financial)) for host in (first, second)]
            assert (ErrorCode.BUSY, Outcome.NOT_STARTED) == code_of(send(store, sale(4)))
            assert [(ErrorCode.TIMEOUT, Outcome.UNKNOWN)] * 4 == [code_of(each.result(10)) for each in open_]
            first.answers = second.answers = approving
            assert isinstance(send(store, sale(5)), Exchanged)


def test_two_open_requests_with_one_key_are_refused(tmp_path: Path) -> None:
    """Same class, terminal and STAN: the second has not left."""
    with FakeHost() as host, link(tmp_path, host.address, echo_idle_s=60.0) as store, ThreadPoolExecutor() as threads:
        signed_on(store, 1)
        first = threads.submit(send, store, RAW, 1.0)
        eventually(lambda: len(host.messages(Financial)) == 1, timeout_s=5, what="the first on the line")
        second = send(store, RAW)
        assert isinstance(second, CallError)
        assert (ErrorCode.BUSY, Outcome.NOT_STARTED, "same_key_open") == (second.code, second.outcome, second.detail)
        assert (ErrorCode.TIMEOUT, Outcome.UNKNOWN) == code_of(first.result(10))
        assert 1 == len(host.messages(Financial))


def test_draining_lets_open_exchanges_end_and_begins_none(tmp_path: Path) -> None:
    """SIGTERM in the middle of a sale: its answer still comes."""
    with FakeHost() as host, link(tmp_path, host.address, echo_idle_s=60.0) as store, ThreadPoolExecutor() as threads:
        signed_on(store, 1)
        first = threads.submit(send, store, RAW, 10.0)
        eventually(lambda: len(host.messages(Financial)) == 1, timeout_s=5, what="the sale on the line")
        stopped = threads.submit(store["host_link"].stop)
        eventually(lambda: draining(store), timeout_s=10, what="draining")
        assert (ErrorCode.DRAINING, Outcome.NOT_STARTED) == code_of(send(store, sale(2)))
        (received,) = host.messages(Financial)
        assert isinstance(received, Financial)
        host.say(ADAPTER.seal(host_side.reply_financial(received, REPLY), KSN, MAC))
        assert isinstance(first.result(10), Exchanged)
        assert 0 == stopped.result(15)
        assert 1 == len(host.messages(Financial))

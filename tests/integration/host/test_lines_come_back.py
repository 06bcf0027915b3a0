"""A line signs on first, stays alive, and comes back by itself, later each time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.harness import Store, eventually
from tests.harness.ports import free_ports
from tests.integration.host.fake_host import FakeHost, accepted, deaf, refusing, sign_on_only
from tests.integration.host.metrics import dropped
from tests.unit.hosts.examples import KSN, MAC, SALE
from tpayd.hosts import Echo, SignOff, SignOn, load
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.host import EXCHANGE, LINE_STATUS, Exchange, Line, LineState
from tpayd_contracts.operation import Empty

ADAPTER = load("iso8583")
RAW = ADAPTER.seal(ADAPTER.encode(SALE), KSN, MAC)
BRISK = {"retry_first_s": 0.1, "retry_most_s": 0.8, "retry_jitter": 0.0, "echo_idle_s": 0.3, "echo_answer_s": 0.3}


def link(directory: Path, *addresses: str, **waits: float) -> Store:
    """A store whose host link leads to these addresses."""
    told = {f"profiles.test.waits.{name}": wait for name, wait in {**BRISK, **waits}.items()}
    settings = {"host_link": {"profiles.test.addresses": list(addresses), **told}}
    return Store(directory, services=("host_link",), settings=settings)


def line(store: Store) -> Line:
    (only,) = store.ask("host_link", LINE_STATUS, Empty(), name="gateway").lines
    return only


def wait_for(store: Store, state: LineState) -> Line:
    store.wait_ready("host_link")
    eventually(lambda: line(store).state is state, timeout_s=10, what=f"the line {state}")
    return line(store)


def exchange(store: Store) -> CallError:
    with pytest.raises(CallError) as caught:
        store.ask("host_link", EXCHANGE, Exchange("test", RAW, 1.0), name="transaction")
    return caught.value


def test_without_a_host_nothing_is_sent(tmp_path: Path) -> None:
    """Each refusal says so, and why the line is down."""
    (port,) = free_ports(1)
    with link(tmp_path, f"127.0.0.1:{port}") as store:
        store.wait_ready("host_link")
        error = exchange(store)
        assert (ErrorCode.HOST_UNAVAILABLE, Outcome.NOT_STARTED, True) == (error.code, error.outcome, error.retryable)
        eventually(lambda: "Connection refused" in exchange(store).message, timeout_s=5, what="the reason")


def test_waits_between_tries_grow(tmp_path: Path) -> None:
    """0.1, 0.2, 0.4, 0.8, 0.8 s."""
    (port,) = free_ports(1)
    with link(tmp_path, f"127.0.0.1:{port}") as store:

        def tries() -> list[float]:
            return [
                datetime.fromisoformat(event["time"]).timestamp()
                for event in store.logs("host_link")
                if event["event"] == "host.line" and event["state"] == "connecting"
            ]

        eventually(lambda: len(tries()) >= 6, timeout_s=15, what="six tries")
        gaps = [later - earlier for earlier, later in zip(tries(), tries()[1:], strict=False)][:5]
        for gap, wait_s in zip(gaps, (0.1, 0.2, 0.4, 0.8, 0.8), strict=True):
            assert wait_s - 0.01 <= gap < wait_s + 0.4


def test_a_host_that_comes_up_later_is_found(tmp_path: Path) -> None:
    """Any order of starting works."""
    (port,) = free_ports(1)
    with link(tmp_path, f"127.0.0.1:{port}") as store:
        wait_for(store, LineState.DOWN)
        with FakeHost(port=port):
            assert None is wait_for(store, LineState.SIGNED_ON).detail


def test_nothing_leaves_before_the_sign_on_is_answered(tmp_path: Path) -> None:
    """A host that accepts and says nothing carries nothing, and is left in time."""
    with FakeHost(deaf) as host, link(tmp_path, host.address, sign_on_s=0.5) as store:
        wait_for(store, LineState.SIGNING_ON)
        assert Outcome.NOT_STARTED is exchange(store).outcome
        eventually(lambda: host.connections >= 2, timeout_s=10, what="a second try")
        assert {SignOn} == {type(message) for _, message in host.came}
        details = {event["detail"] for event in store.logs("host_link") if event["event"] == "host.line"}
        assert "no answer to the sign-on in time" in details


def test_a_refused_sign_on_tells_the_hosts_code(tmp_path: Path) -> None:
    """The operator can ask the host about it."""
    with FakeHost(refusing) as host, link(tmp_path, host.address) as store:
        wait_for(store, LineState.DOWN)
        reason = "the host refused the sign-on, code 05"
        eventually(lambda: line(store).detail == reason, timeout_s=5, what=reason)


def test_a_quiet_line_is_asked_and_stays(tmp_path: Path) -> None:
    """Echo after echo, on one connection."""
    with FakeHost() as host, link(tmp_path, host.address) as store:
        eventually(lambda: len(host.messages(Echo)) >= 3, timeout_s=10, what="three echoes")
        assert 1 == host.connections
        assert LineState.SIGNED_ON is line(store).state


def test_a_line_whose_echo_is_not_answered_is_left(tmp_path: Path) -> None:
    """A host behind a dead path looks alive to TCP. A payment that waits in the kernel for the path is not to arrive
    long after it was taken back: the line is reset, not closed."""
    with FakeHost() as host, link(tmp_path, host.address) as store:
        wait_for(store, LineState.SIGNED_ON)
        host.answers = lambda message: sign_on_only(message) if isinstance(message, SignOn) else []
        eventually(lambda: host.connections >= 2, timeout_s=10, what="a new connection")
        details = {event["detail"] for event in store.logs("host_link") if event["event"] == "host.line"}
        assert "no answer to the echo in time" in details
        eventually(lambda: host.resets, timeout_s=30, what="the first connection's reset")


def test_the_hosts_echo_is_answered_once_and_no_answer_is_answered(tmp_path: Path) -> None:
    """Two sides that answer each other's answers would never stop."""
    with FakeHost() as host, link(tmp_path, host.address, echo_idle_s=60.0) as store:
        wait_for(store, LineState.SIGNED_ON)
        echo = Echo(terminal_id="HOST0001", stan="000007", local=SALE.local)
        host.say(accepted(echo))
        host.say(ADAPTER.encode_network(echo))
        eventually(lambda: len(host.raw) >= 2, timeout_s=5, what="an answer to the echo")
        eventually(lambda: dropped(store, "unknown") == 1, timeout_s=5, what="the stray answer counted")
        assert [b"0800", b"0810"] == [raw[:4] for raw in host.raw]


def test_a_request_of_the_host_that_nobody_serves_is_counted(tmp_path: Path) -> None:
    """A sale that comes the wrong way gets no answer, and harms nothing."""
    with FakeHost() as host, link(tmp_path, host.address, echo_idle_s=60.0) as store:
        wait_for(store, LineState.SIGNED_ON)
        host.say(RAW)
        eventually(lambda: dropped(store, "unasked") == 1, timeout_s=5, what="the request counted")
        assert LineState.SIGNED_ON is line(store).state


def test_a_length_over_the_limit_ends_the_connection(tmp_path: Path) -> None:
    """Framing is lost; a new connection starts clean."""
    with FakeHost() as host, link(tmp_path, host.address) as store:
        wait_for(store, LineState.SIGNED_ON)
        host.say_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        eventually(lambda: host.signed_on() >= 2, timeout_s=10, what="a second sign-on")
        wait_for(store, LineState.SIGNED_ON)


def test_an_orderly_stop_signs_off(tmp_path: Path) -> None:
    """The host knows that nobody died."""
    with FakeHost() as host, link(tmp_path, host.address) as store:
        wait_for(store, LineState.SIGNED_ON)
        assert 0 == store["host_link"].stop()
        eventually(lambda: len(host.messages(SignOff)) == 1, timeout_s=5, what="a sign-off")

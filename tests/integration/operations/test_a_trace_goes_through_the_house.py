"""One traceparent joins what all processes know of a payment: in their logs, in the journal, at the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.harness.store import Store
from tests.harness.waiting import eventually
from tpayd.cli.main import tpayd
from tpayd.cli.output import Output
from tpayd.kit.instance import HOME_VARIABLE, OWNER_CLIENT
from tpayd.kit.traceparent import checked, trace_id_of
from tpayd_client import connect
from tpayd_contracts.sandbox import HostMode

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"
SERVED = {
    "gateway": {"payment.sale"},
    "transaction": {"payment.sale"},
    "device_broker": {"card.take", "card.complete"},
    "key_manager": {"mac.exchange"},
    "host_link": {"host.exchange"},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    settings: dict[str, dict[str, object]] = {service: {"log_level": "debug"} for service in SERVED}
    settings["transaction"]["reversal_waits_s"] = [0.2]
    with Store(tmp_path_factory.mktemp("traced"), readers=1, settings=settings) as store:
        store.open_shop(card="visa-ic")
        yield store


def served(store: Store, trace_id: str) -> dict[str, set[str]]:
    """Operations that each process logged under this trace, but `mac.key`: asked once for each terminal."""
    return {
        service: {
            line["op"]
            for line in store.logs(service)
            if line["event"] == "request.served" and trace_id in line["trace"] and line["op"] != "mac.key"
        }
        for service in SERVED
    }


def sale(store: Store, lane: str, traceparent: str | None) -> str:
    """Returns the request id."""
    requests = store.instance.data / "requests" / "traced.jsonl"
    with connect(
        store.instance.public(), OWNER_CLIENT, request_log=requests, traceparent=lambda: traceparent
    ) as pos:  # fmt: skip
        return pos.sale(lane=lane, amount=11_000).request_id


def explained(store: Store, request_id: str) -> dict[str, object]:
    runner = CliRunner(env={HOME_VARIABLE: str(store.instance.home)})
    result = runner.invoke(tpayd, ["explain", request_id, "--logs", "--json"], obj=Output())
    assert 0 == result.exit_code, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_the_poss_trace_is_in_every_processs_log(store: Store) -> None:
    """From the POS to the host's step and back; the gateway's line names the POS's own span."""
    request_id = sale(store, "1", GIVEN)
    eventually(lambda: SERVED == served(store, TRACE), timeout_s=30, what=lambda: f"all lines: {served(store, TRACE)}")
    lines = [line for service in SERVED for line in store.logs(service) if TRACE in line.get("trace", "")]
    ours = {line["trace"] for line in lines}
    (at_the_door,) = [line for line in lines if line["service"] == "gateway"]

    assert 1 == len(ours)
    assert GIVEN not in ours
    assert (GIVEN, request_id) == (at_the_door["parent"], at_the_door["key"])


def test_the_journal_and_the_command_line_have_it(store: Store) -> None:
    """`tpayd explain --logs` tells the story, and joins the lines of all processes."""
    request_id = sale(store, "2", f"00-{'ab' * 16}-00f067aa0ba902b7-01")
    eventually(lambda: SERVED == served(store, "ab" * 16), timeout_s=30, what="all lines")
    story = explained(store, request_id)
    lines = story["logs"]

    assert "ab" * 16 == trace_id_of(str(story["trace"]))
    assert isinstance(lines, list)
    assert set(SERVED) <= {line["service"] for line in lines}
    assert sorted(line["time"] for line in lines) == [line["time"] for line in lines]
    assert {"ab" * 16} == {trace_id_of(line["trace"]) for line in lines if "trace" in line}


@pytest.mark.parametrize("given", [None, "4111111111111111", GIVEN.upper()], ids=["none", "a number", "upper case"])
def test_a_pos_without_a_trace_is_given_one(store: Store, given: str | None) -> None:
    """Nonsense counts as none, and stands nowhere."""
    story = explained(store, sale(store, "1", given))
    trace = str(story["trace"])

    assert trace == checked(trace)
    assert TRACE != trace_id_of(trace)
    assert "4111111111111111" not in "".join(path.read_text() for path in store.instance.log.glob("*.jsonl"))


def test_a_reversal_is_under_the_trace_of_its_payment(store: Store) -> None:
    """What goes wrong is found by the same trace: the warning, and each try's way to the host."""
    store.sandbox.host(HostMode.BAD_MAC, times=2)
    trace = "cd" * 16
    request_id = sale(store, "1", f"00-{trace}-00f067aa0ba902b7-01")

    def tries() -> int:
        lines = [line for line in store.logs("host_link") if trace in line.get("trace", "")]
        return sum(line["op"] == "host.exchange" for line in lines)

    eventually(lambda: tries() >= 3, timeout_s=30, what=lambda: f"sale, reversal, repeat: {tries()}")
    lines = explained(store, request_id)["logs"]

    assert isinstance(lines, list)
    assert {"reversal.unanswered", "mac.bad"} <= {line["event"] for line in lines}


def test_no_trace_is_made_for_a_question(store: Store) -> None:
    """A POS that asks every second fills no log, unless it wants to."""
    with store.client() as pos:
        pos.store_status()
        pos.status("1", "99999999-9999-4999-8999-999999999999")
    sale(store, "2", f"00-{'ef' * 16}-00f067aa0ba902b7-01")
    eventually(lambda: SERVED == served(store, "ef" * 16), timeout_s=30, what="all lines of the sale after it")
    ops = {line["op"] for line in store.logs("gateway") if line["event"] == "request.served"}

    assert not {"store.status", "payment.status"} & ops


def test_a_rotated_log_is_read_as_well(tmp_path: Path) -> None:
    """And one that was closed before the payment began is not."""
    import os

    from tpayd.cli.payment_logs import lines_about

    line = json.dumps({"time": "2026-01-31T12:00:00.000Z", "event": "x", "trace": GIVEN}) + "\n"
    for name in ("gateway.jsonl", "gateway.20260131T120000Z.jsonl", "gateway.20260101T120000Z.jsonl"):
        (tmp_path / name).write_text(line + "torn " + TRACE + "\n")
    os.utime(tmp_path / "gateway.20260101T120000Z.jsonl", (1_000, 1_000))
    found, left_out = lines_about(tmp_path, {TRACE}, 2_000_000)

    assert (2, 0) == (len(found), left_out)

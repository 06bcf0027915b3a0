"""A traceparent is believed only if it is one, and each request that is served under one leaves a line."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.clock import FakeClock
from tpayd.kit.clock import SystemClock
from tpayd.kit.log_file import LogFile, Retention
from tpayd.kit.logs import LogTarget, iso_time
from tpayd.kit.trace_log import TraceLog
from tpayd.kit.traceparent import begin, checked, trace_id_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"
REQUEST_ID = "22222222-2222-4222-8222-222222222222"


@pytest.mark.parametrize(
    "nonsense",
    [
        "", "x", GIVEN.upper(), GIVEN[:-1], f"{GIVEN}0", f"{GIVEN}-more", f" {GIVEN}", f"{GIVEN}\n",
        f"ff-{TRACE}-00f067aa0ba902b7-01", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{TRACE}-{'0' * 16}-01",
        f"01-{TRACE}-00f067aa0ba902b7-01more", GIVEN.replace("-", "_"), "4111111111111111", "tracestate" * 100,
    ],
)  # fmt: skip
def test_what_is_no_traceparent_counts_as_none(nonsense: str) -> None:
    """W3C Trace Context, section 3.2.2. Nothing that a client makes up reaches a log by this door."""
    assert checked(nonsense) is None


def test_a_traceparent_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """Section 3.2.2.1."""
    later = f"cc-{TRACE}-00f067aa0ba902b7-01"

    assert (GIVEN, later, later) == (checked(GIVEN), checked(later), checked(f"{later}-what-the-future-will-be"))
    assert f"00-{TRACE}" == begin(later)[:35]


def test_a_span_keeps_its_trace_and_has_an_id_of_its_own() -> None:
    """The POS finds its trace id again; flags are its own too."""
    span = begin(f"00-{TRACE}-00f067aa0ba902b7-00")

    assert span == checked(span)
    assert TRACE == trace_id_of(span)
    assert ("00f067aa0ba902b7", "00") != (span[36:52], span[53:])
    assert "00" == span[53:]


def test_a_new_trace_is_like_no_other() -> None:
    """Made by the gateway for a POS that has none."""
    made = {begin(None) for _ in range(1_000)}

    assert 1_000 == len({trace_id_of(each) for each in made})
    assert {"01"} == {each[53:] for each in made}


@dataclass
class Request:
    op: str = "payment.sale"
    trace: str | None = GIVEN
    parent: str | None = None
    key: str | None = REQUEST_ID


class Lines:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.came = asyncio.Event()

    def write(self, line: str) -> None:
        self.lines.append(line)
        self.came.set()

    write_clean = write

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines]


async def test_a_request_under_a_trace_leaves_one_line() -> None:
    """With operation, result and time; one without a trace leaves none."""
    lines = Lines()
    log = TraceLog(LogTarget("gateway", FakeClock(), lines), FakeClock(), at_the_door=True)
    log.served(Request(parent=f"00-{TRACE}-aaaaaaaaaaaaaaaa-01"), "ok", 0.0123456)
    log.served(Request(trace=None), "ok", 0.1)
    log.served(Request(op="mac.exchange", key=None), "expired", 0.5)
    log.flush()
    sale, mac = lines.events

    assert {iso_time(FakeClock().unix_ms())} == {sale["time"], mac["time"]}
    assert ("request.served", "gateway", "info") == (sale["event"], sale["service"], sale["level"])
    told = tuple(sale[name] for name in ("op", "code", "ms", "trace", "key"))
    assert ("payment.sale", "ok", 12.346, GIVEN, REQUEST_ID) == told
    assert f"00-{TRACE}-aaaaaaaaaaaaaaaa-01" == sale["parent"]
    assert ("mac.exchange", "expired", 500.0) == (mac["op"], mac["code"], mac["ms"])
    assert not {"key", "parent"} & mac.keys()


async def test_behind_the_gateway_what_ends_well_is_said_at_debug_alone() -> None:
    """A sale makes seven such lines; one that failed is told at info, wherever it did."""
    lines = Lines()
    target = LogTarget("host_link", FakeClock(), lines)
    log = TraceLog(target, FakeClock())
    log.served(Request(op="host.exchange"), "ok", 0.1)
    log.served(Request(op="host.exchange"), "timeout", 0.1)
    log.served(Request(op="payment.sale"), "busy", 0.1)
    target.set_level("debug")
    log.served(Request(op="host.exchange"), "ok", 0.1)
    log.flush()

    assert [("info", "timeout"), ("debug", "ok")] == [(line["level"], line["code"]) for line in lines.events]


async def test_nothing_but_a_trace_and_an_id_gets_into_the_line() -> None:
    """These lines are not searched for card data: so nothing free may stand in them."""
    lines = Lines()
    log = TraceLog(LogTarget("gateway", FakeClock(), lines), FakeClock(), at_the_door=True)
    log.served(Request(key="4111111111111111", parent="4111111111111111"), "ok", 0.1)
    log.served(Request(trace="4111111111111111"), "ok", 0.1)
    log.flush()

    assert 1 == len(lines.lines)
    assert "4111" not in lines.lines[0]


async def test_lines_come_by_themselves() -> None:
    """A moment later, many at once; at a level above info not at all."""
    lines = Lines()
    target = LogTarget("gateway", FakeClock(), lines)
    log = TraceLog(target, FakeClock(), at_the_door=True)
    log.served(Request(), "ok", 0.1)
    await asyncio.wait_for(lines.came.wait(), 30)
    target.set_level("warning")
    log.served(Request(), "ok", 0.1)
    log.flush()

    assert 1 == len(lines.lines)
    assert logging.WARNING == target.threshold


def test_clean_lines_and_others_keep_their_order_in_the_file(tmp_path: Path) -> None:
    """The clean are written as they are, the others are searched."""
    file = LogFile(tmp_path, "gateway", SystemClock(), Retention())
    file.write('{"n":1,"text":"4111111111111111"}')
    file.write_clean('{"n":2}')
    file.write('{"n":3}')
    file.close()
    written = [json.loads(line) for line in (tmp_path / "gateway.jsonl").read_text().splitlines()]

    assert [1, 2, 3] == [each["n"] for each in written]
    assert "4111" not in written[0]["text"]

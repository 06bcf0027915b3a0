"""A log event is one line of JSON, costs nothing when filtered, and never breaks its caller."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from msgspec import Struct

from tests.harness.clock import FakeClock
from tpayd.kit.logs import Log, LogTarget, bridge_standard_logging, make_log
from tpayd_contracts.health import Readiness


class Lines:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)

    write_clean = write

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines]


class Sealed(Struct):
    cipher: bytes


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def target(lines: Lines) -> LogTarget:
    return LogTarget("gateway", FakeClock(), lines)


@pytest.fixture
def log(target: LogTarget) -> Log:
    return make_log(target)


@pytest.fixture
def standard_logging(target: LogTarget) -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    bridge_standard_logging(target)
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], logging.raiseExceptions = before[0], before[2]
    root.setLevel(before[1])


def test_an_event_has_time_level_service_and_fields(log: Log, lines: Lines) -> None:
    """Fields come after the four that every line has; the time is ISO 8601 in UTC."""
    log.bind(lane="1").info("sale.approved", amount_minor=15000, 가게="서울")

    assert [
        '{"time":"2026-01-31T03:00:00.000Z","level":"info","service":"gateway","event":"sale.approved",'
        '"lane":"1","amount_minor":15000,"가게":"서울"}'
    ] == lines.lines


def test_bytes_and_structs_are_not_written_out(log: Log, lines: Lines) -> None:
    """Card ciphertext, keys and messages are bytes: only their size is told."""
    log.info("x", raw=b"4111", sealed=Sealed(b"secret"), inside=[{"deep": bytearray(3)}], odd=object())

    event = lines.events[0]
    assert ("<4 bytes>", "<Sealed>", [{"deep": "<3 bytes>"}], "<object>") == (
        event["raw"], event["sealed"], event["inside"], event["odd"],
    )  # fmt: skip


def test_plain_values_are_written_as_people_read_them(log: Log, lines: Lines) -> None:
    """Paths, identifiers, enums and errors are text."""
    log.info("x", path=Path("/a"), id=UUID(int=1), readiness=Readiness.READY, why=OSError("no"), names={"b", "a"})

    event = lines.events[0]
    assert ["/a", str(UUID(int=1)), "ready", "no", ["a", "b"]] == [
        event[name] for name in ("path", "id", "readiness", "why", "names")
    ]


def test_an_exception_is_formatted_into_the_line(log: Log, lines: Lines) -> None:
    """The line holds the traceback; no object lives on in the log."""
    try:
        int("planted")
    except ValueError as error:
        log.exception("flow.failed")
        kept = error
    log.error("flow.failed", exc_info=kept)

    assert all("ValueError: invalid literal" in str(event["exception"]) for event in lines.events)
    assert 2 == len(lines.lines)


def test_the_level_changes_at_run_time(log: Log, target: LogTarget, lines: Lines) -> None:
    """Loggers that were bound before obey as well."""
    bound = log.bind(peer="x")
    bound.debug("hidden")
    target.set_level("debug")
    bound.debug("shown")
    target.set_level("error")
    bound.warning("hidden")
    bound.error("shown too")

    assert ["shown", "shown too"] == [event["event"] for event in lines.events]


@pytest.mark.parametrize("value", [float("nan"), {1: 2}, {("a",): 1}, "\ud800", "\x00\n"])
def test_no_value_breaks_the_caller(log: Log, lines: Lines, value: object) -> None:
    """A log line is not worth a payment."""
    log.info("x", value=value)

    assert 1 == len(lines.lines)
    assert "\n" not in lines.lines[0]


def test_endless_nesting_does_not_break_the_caller(log: Log, lines: Lines) -> None:
    """A structure that holds itself is told, not followed."""
    loop: list[object] = []
    loop.append(loop)
    log.info("x", loop=loop)

    assert "unencodable" in lines.events[0]


def test_a_huge_line_is_cut(log: Log, lines: Lines) -> None:
    """A dump must not fill the disk, nor hide the event's name."""
    log.info("x.y", dump="a" * 1_000_000)

    assert len(lines.lines[0]) < 40_000
    assert "x.y" == lines.events[0]["event"]


@pytest.mark.usefixtures("standard_logging")
def test_libraries_log_to_the_same_place(lines: Lines) -> None:
    """What asyncio or SQLAlchemy has to say is found where everything else is."""
    logging.getLogger("asyncio").warning("slow %s", "callback")
    logging.getLogger("asyncio").info("chatter")

    assert [("slow callback", "asyncio", "warning")] == [
        (event["event"], event["logger"], event["level"]) for event in lines.events
    ]

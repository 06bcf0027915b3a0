"""What is made once for all tests that ask for it, and what holds for all of them."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.postgres import PostgresServer
from tests.harness.waiting import eventually

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So it is behind a shell's `&`. What tests start would inherit it, and never hear a Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The few files that have tests to be run alone are found by that word: the other hundreds need not be imported."""
    if config.option.markexpr != "alone" or not collection_path.name.startswith("test_"):
        return None
    return True if "mark.alone" not in collection_path.read_text(encoding="utf-8") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests may take long (by their `timeout`) begin first: one that begins last has nothing beside it."""
    limit_s: defaultdict[Path, float] = defaultdict(float)
    for item in items:
        marker = item.get_closest_marker("timeout")
        if marker is not None:
            limit_s[item.path] = max(limit_s[item.path], float(marker.args[0]))
    items.sort(key=lambda item: -limit_s[item.path])


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No process of a test outlives the tests, whether they passed or failed. What is found is killed, and told."""
    yield
    place = f"{tmp_path_factory.getbasetemp()}/"
    with contextlib.suppress(TimeoutError):  # a process that was told to end may take a moment
        eventually(lambda: not _processes_with(place), timeout_s=5.0, what="no process left")
    left = _processes_with(place)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert [] == list(left.values())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """The same server; the databases that a test took of it are emptied, and given to the next one."""
    with postgres_server.lending():
        yield postgres_server


def _processes_with(word: str) -> dict[int, str]:
    """Processes that still live and have this in their command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if word in line:
                    found[int(entry.name)] = line
    return found

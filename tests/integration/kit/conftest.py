"""A process of the kit, alone: the probe service in an instance of its own."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.waiting import eventually
from tpayd.kit.bus import CallError, ask
from tpayd.kit.instance import Instance
from tpayd_contracts.health import HEALTH, Health, Readiness
from tpayd_contracts.operation import Empty

PROBE = Path(__file__).parent / "probe.py"
SERVICE = "host_link"
"""The probe takes a name that the call graph knows."""


Ended = Callable[[subprocess.Popen[str]], tuple[int, str]]
"""Waits for a process's end: its exit code and what it wrote to stderr."""


class Probe:
    """Starts, asks and ends probe processes of one instance."""

    def __init__(self, home: Path) -> None:
        self.instance = Instance.open(home)
        self.settings(f"{SERVICE}", "")
        self.settings("store", Path("config/store.toml").read_text())
        self.children: list[subprocess.Popen[str]] = []

    def settings(self, name: str, text: str) -> None:
        self.instance.settings_file(name).write_text(text)

    def command(self) -> list[str]:
        return [sys.executable, str(PROBE), "--home", str(self.instance.home)]

    def start(self) -> subprocess.Popen[str]:
        child = subprocess.Popen(self.command(), stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    def start_ready(self) -> subprocess.Popen[str]:
        child = self.start()
        self.wait_for(Readiness.READY)
        return child

    def health(self) -> Health | None:
        try:
            return ask(self.instance.rpc(SERVICE), HEALTH, Empty(), timeout_s=1.0)
        except CallError:
            return None

    def wait_for(self, readiness: Readiness) -> Health:
        def found() -> Health | None:
            health = self.health()
            return health if health is not None and health.readiness == readiness else None

        health = eventually(found, timeout_s=15, what=lambda: f"{readiness}; the log says {self.events()}")
        assert health is not None
        return health

    def events(self) -> list[dict[str, object]]:
        path = self.instance.log / f"{SERVICE}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def event(self, name: str) -> dict[str, object]:
        def found() -> list[dict[str, object]]:
            return [event for event in self.events() if event["event"] == name]

        return eventually(found, timeout_s=10, what=lambda: f"{name}; the log says {self.events()}")[0]

    def has(self, name: str) -> bool:
        return (self.instance.data / f"probe.{name}").exists()

    def end_all(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.communicate(timeout=10)


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probe]:
    probe = Probe(tmp_path / "store")
    yield probe
    probe.end_all()


@pytest.fixture
def ended() -> Ended:
    """The process ends by itself."""

    def wait(child: subprocess.Popen[str]) -> tuple[int, str]:
        _, stderr = child.communicate(timeout=20)
        return child.returncode, stderr

    return wait


@pytest.fixture
def stopped(ended: Ended) -> Ended:
    """The process is sent SIGTERM."""

    def stop(child: subprocess.Popen[str]) -> tuple[int, str]:
        child.send_signal(signal.SIGTERM)
        return ended(child)

    return stop

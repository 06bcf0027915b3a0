"""What every store of a test has, however its processes are started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from tests.harness.card_scan import card_numbers_in
from tests.harness.ports import free_ports
from tests.harness.sandbox import Sandbox
from tests.harness.waiting import eventually
from tpayd.kit.bus import CallError, ask
from tpayd.kit.instance import OWNER_CLIENT, Instance
from tpayd.provision import Plan, found
from tpayd.supervision.processes import processes_of
from tpayd.supervision.programs import programs
from tpayd_client import Pos, TpaydError, connect
from tpayd_client.types import ErrorCode, LineState
from tpayd_contracts.health import HEALTH, Health, Readiness
from tpayd_contracts.operation import Empty, Op

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)

MODULES = {program.name: program.module for program in programs(sandbox=True)}
ALL_SERVICES = tuple(program.name for program in programs(sandbox=True) if not program.operations)
"""What a sale needs; a test that wants the others names them."""

_TAIL_LINES = 40
_CARD_FIELDS = ("pan", "number")


class StoreBase:
    """A sandbox instance in a directory of the test; one that is there already is used again as it is.

    `settings` changes settings by file: `{"transaction": {"card_wait_s": 2.0}}`. A test pays the same amount with the
    same card many times, so nobody is asked about it unless the test says so. A source tree is signed by nobody, so its
    files are not checked.
    """

    def __init__(
        self,
        directory: Path,
        *,
        lanes: int = 2,
        readers: int = 2,
        settings: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        gateway, sandbox_host, sandbox_updates, sandbox_logs = free_ports(4)
        ports = {"gateway": gateway, "sandbox_host": sandbox_host, "sandbox_updates": sandbox_updates}
        ports["sandbox_logs"] = sandbox_logs
        ports |= {f"metrics.{service}": 0 for service in MODULES}
        self.plan = Plan(sandbox=True, lanes=lanes, readers=readers, ports=ports)
        changed = {name: dict(values) for name, values in (settings or {}).items()}
        changed["transaction"] = {"duplicate_window_s": 0} | changed.get("transaction", {})
        changed["key_manager"] = {"integrity": "off"} | changed.get("key_manager", {})
        home = directory / "store"
        exists = (home / "config" / "store.toml").exists()
        self.instance: Instance = Instance.open(home) if exists else found(self.plan, home, changed)
        self.sandbox = Sandbox(self.ask)

    def running(self) -> tuple[str, ...]:
        """Names of the services that run."""
        raise NotImplementedError

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.print_tails()
        self._clear()

    def ask(self, service: str, op: Op[Q, A], body: Q, *, name: str = "cli", timeout_s: float = 5.0) -> A:
        """One request on a service's house socket, as the caller `name`. Raises CallError."""
        return ask(self.instance.rpc(service), op, body, name=name, timeout_s=timeout_s)

    def health(self, service: str, timeout_s: float = 1.0) -> Health | None:
        """What a service says of itself; None if it does not answer."""
        try:
            return self.ask(service, HEALTH, Empty(), timeout_s=timeout_s)
        except CallError:
            return None

    def reaches_all(self, service: str) -> bool:
        """Whether a service answers, and has all that it needs."""
        health = self.health(service)
        return health is not None and all(dependency.ok for dependency in health.dependencies)

    def reaches(self, service: str, peer: str) -> bool:
        """Whether a service answers, and has a connection to one of those it calls."""
        health = self.health(service)
        return health is not None and any(each.ok for each in health.dependencies if each.name == peer)

    def wait_ready(self, *services: str, timeout_s: float = 30.0, degraded: bool | None = None) -> None:
        """Wait until these services (else all that run) are ready.

        `degraded` says whether that is enough; by default it is where not all services run.
        """
        waited = services or self.running()
        enough = {Readiness.READY}
        if degraded or (degraded is None and not set(self.running()) >= set(ALL_SERVICES)):
            enough.add(Readiness.DEGRADED)
        last: dict[str, Health | None] = {}

        def all_ready() -> bool:
            last.update({service: self.health(service, 0.5) for service in waited})
            return all(health is not None and health.readiness in enough for health in last.values())

        eventually(all_ready, timeout_s=timeout_s, what=lambda: f"all ready; last heard: {last}")

    def open_shop(self, *, card: str | None = None) -> None:
        """From the start to the first sale: keys for all terminals and readers, then everything ready.

        `card` is presented by itself at every reader from then on.
        """
        self.wait_ready(degraded=True)
        with self.client() as pos:
            eventually(lambda: self._readers_known(pos), timeout_s=30, what="all readers known")
            eventually(lambda: self._line_is_up(pos), timeout_s=30, what="a line to the card host")
            for lane in self.plan.lane_names:
                self._exchange(pos.exchange_terminal_key, f"TPAY{int(lane):04d}")
            for reader in self.plan.reader_names:
                self._exchange(pos.exchange_reader_key, reader)
        self.wait_ready()
        if card:
            self.hold_cards(card)

    def hold_cards(self, card: str) -> None:
        """Present this card by itself at every reader; forgotten when the virtual readers restart."""
        for reader in self.plan.reader_names:
            self.sandbox.auto(reader, card)

    def client(self, name: str = OWNER_CLIENT, *, key_file: Path | None = None, connect_timeout_s: float = 10.0) -> Pos:
        """A POS: over tcp with a key file, else on this machine under a registered name."""
        requests = self.instance.data / "requests" / f"{name}.jsonl"
        if key_file is not None:
            return connect(key_file=key_file, request_log=requests, connect_timeout_s=connect_timeout_s)
        return connect(self.instance.public(), name, request_log=requests, connect_timeout_s=connect_timeout_s)

    def logs(self, service: str) -> list[dict[str, Any]]:
        """The service's log, oldest line first."""
        path = self.instance.log / f"{service}.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def card_numbers(self) -> set[str]:
        """The card numbers of the sandbox's card list."""
        listed = tomllib.loads((self.instance.sandbox / "cards.toml").read_text(encoding="utf-8"))
        return {
            value
            for table in _tables(listed)
            for name, value in table.items()
            if name in _CARD_FIELDS and isinstance(value, str)
        }

    def card_number_leaks(self) -> list[str]:
        """Where a card number stands in a file of this instance, the sandbox's own list apart."""
        return card_numbers_in(self.instance.home, self.card_numbers())

    def print_tails(self) -> None:
        """Print the end of each log, for whoever reads a failed test."""
        for path in sorted(self.instance.log.iterdir()):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            if lines:
                print(f"--- {path.name}", *lines[-_TAIL_LINES:], sep="\n", file=sys.stderr)

    def left_behind(self) -> list[int]:
        """Ids of processes of this instance that still run."""
        return processes_of(self.instance.home)

    def _exchange(self, exchange: Callable[[str], object], name: str) -> None:
        """A key exchange, as soon as the key manager has found those that it takes."""

        def exchanged() -> bool:
            try:
                exchange(name)
            except TpaydError as error:
                if error.code is not ErrorCode.UNAVAILABLE:
                    raise
                return False
            return True

        eventually(exchanged, timeout_s=30, what=f"a key for {name}")

    def _readers_known(self, pos: Pos) -> bool:
        return all(device.reader_id for device in pos.devices().devices)

    def _line_is_up(self, pos: Pos) -> bool:
        return any(line.state is LineState.SIGNED_ON for line in pos.host_status().lines)

    def _unlink_readers(self) -> None:
        """A device node goes with its device: a link that stays could lead to another store's reader, whose pty got the
        number that came free."""
        for link in (self.instance.sandbox / "readers").glob("*"):
            if link.is_symlink():
                link.unlink()

    def _clear(self) -> None:
        self._unlink_readers()
        for pid in self.left_behind():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: not self.left_behind(), timeout_s=5.0, what=lambda: f"no process left: {self.left_behind()}")


def _tables(value: object) -> list[dict[str, object]]:
    """All tables of a TOML document, however deep."""
    if isinstance(value, list):
        return [table for each in value for table in _tables(each)]
    if isinstance(value, dict):
        return [value] + [table for each in value.values() for table in _tables(each)]
    return []

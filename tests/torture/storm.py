"""The storm: things are killed, stopped, unplugged, filled up and made to misbehave, at random by seed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.harness import SupervisedStore, eventually
from tests.harness.postgres import PostgresServer
from tests.torture import disk_faults
from tests.torture.power_cut import Image, damages
from tests.torture.recovery import Outages
from tests.torture.told import Told
from tpayd.kit.bus import CallError
from tpayd.supervision.control import ProcessInfo, ProcessState, SupervisorGoneError
from tpayd.supervision.processes import processes_of
from tpayd.supervision.programs import WATCHDOG
from tpayd_contracts.sandbox import HostMode

__all__ = ["Storm"]

PAUSE_MAX_S = 1.1
"""Between two deeds."""
CARDS = ("visa-ic", "master-ic", "visa-tap", "jcb-stripe", "broken-ic", "declining-ic", "expired-ic")
OTHER_CARDS = "cash-ic,receipt-card,kakaopay"
"""What every customer has beside a credit card."""
_AT_START = 0.03
_AMID_SALES = 0.3
"""Share of the deeds before which the store gets the time for a payment: only then is anything under way."""
_SALE_WAIT_S = 5.0
_UP_WAIT_S = 60.0
_JOURNAL = ("journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3-shm")


class Storm:
    """Acts on a running store. What it does is written to `diary`, for whoever must understand it later."""

    def __init__(
        self,
        store: SupervisedStore,
        seed: str,
        diary: Path,
        *,
        told: Callable[[], Sequence[Told]],
        database: PostgresServer | None = None,
    ) -> None:
        """`told` gives what the POSs have been told by now; `database` holds the journal, if that is no file."""
        self.outages = Outages(store.instance)
        self.kills = 0
        self.faults: list[str] = []
        self._store = store
        self._chance = random.Random(seed)
        self._diary = diary
        self._told = told
        self._database = database
        deeds: list[tuple[Callable[[], None], float]] = [
            (self._kill_one, 62),
            (self._kill_two, 8),
            (self._kill_everything, 1),
            (self._kill_supervisord, 0.7),
            (self._kill_launcher, 1),
            (self._stop_for_a_while, 8),
            (self._stop_for_the_watchdog, 0.3),
            (self._change_host, 10),
            (self._change_card, 4),
            (self._unplug, 5),
        ]
        if database is not None:
            deeds.append((self._crash_database, 4))
        else:
            deeds.append((self._cut_power, 4))
            deeds.append((self._fail_disk, 0 if disk_faults.why_not() else 3))
        self._deeds = [deed for deed, _ in deeds]
        self._weights = [weight for _, weight in deeds]

    def rage(self, kills: int) -> None:
        """Go on until so many processes were killed; then let everything heal."""
        while self.kills < kills and not self.faults:
            self._store.forgive_crashes()
            (deed,) = self._chance.choices(self._deeds, self._weights)
            with contextlib.suppress(SupervisorGoneError, CallError):  # it is down just now: something else, then
                deed()
            time.sleep(self._chance.uniform(0, PAUSE_MAX_S))
            if self._chance.random() < _AMID_SALES:
                self._wait_for_sales()
        self._heal()

    # Kills

    def _kill_one(self) -> None:
        victim = self._pick()
        if victim is not None:
            self._kill(victim)

    def _kill_two(self) -> None:
        for victim in (self._pick(), self._pick()):
            if victim is not None:
                self._kill(victim)

    def _kill_everything(self) -> None:
        """As if the machine had been switched off and on."""
        supervisord = self._store.supervisor.pid()
        self._write("kill", "everything")
        at_s = time.time()
        for pid in (self._store.launcher_pid, supervisord, *processes_of(self._store.instance.home)):
            _send(pid, signal.SIGKILL)
        self._all_died(at_s)
        eventually(lambda: not processes_of(self._store.instance.home), timeout_s=10, what="the end of everything")
        self._store.up()
        self._wait_up()

    def _kill_supervisord(self) -> None:
        self._write("kill", "supervisord")
        at_s = time.time()
        self._store.kill_supervisord()
        self._all_died(at_s)
        self._wait_up()

    def _kill_launcher(self) -> None:
        """Nobody restarts it but systemd or `tpayd up`; the store goes on without it."""
        self._write("kill", "launcher")
        _send(self._store.launcher_pid, signal.SIGKILL)
        self.kills += 1
        self._store.up()

    # Other troubles

    def _stop_for_a_while(self) -> None:
        victim = self._pick()
        if victim is None:
            return
        stop_s = self._chance.uniform(0.05, 2.0)
        self._write("stop", victim.name, seconds=round(stop_s, 2))
        at_s = time.time()
        _send(victim.pid, signal.SIGSTOP)
        time.sleep(stop_s)
        _send(victim.pid, signal.SIGCONT)
        self.outages.disturbed(f"{victim.name} stopped", at_s, time.time())

    def _stop_for_the_watchdog(self) -> None:
        """Nobody continues it: the watchdog has to find out."""
        victim = self._pick()
        if victim is None or victim.name == WATCHDOG:
            return
        self._write("stop_for_good", victim.name)
        at_s = time.time()
        _send(victim.pid, signal.SIGSTOP)
        self._store.wait_restarted(victim.name, victim.pid)
        self.outages.killed(victim.name, at_s)
        self.outages.disturbed(f"{victim.name} stopped", at_s, time.time())
        self.kills += 1

    def _change_host(self) -> None:
        mode = self._chance.choice([mode for mode in HostMode if mode is not HostMode.APPROVE])
        times = self._chance.randint(1, 4)
        self._write("host", mode.value, times=times)
        self._store.sandbox.host(mode, times=times)

    def _change_card(self) -> None:
        reader, card = self._chance.choice(self._store.plan.reader_names), self._chance.choice(CARDS)
        self._write("card", card, reader=reader)
        self._store.sandbox.auto(reader, f"{card},{OTHER_CARDS}", delay_ms=self._chance.choice((0, 20, 200)))

    def _unplug(self) -> None:
        reader = self._chance.choice(self._store.plan.reader_names)
        out_s = self._chance.uniform(0.05, 2.0)
        self._write("unplug", reader, seconds=round(out_s, 2))
        at_s = time.time()
        self._store.sandbox.unplug(reader)
        time.sleep(out_s)
        with contextlib.suppress(CallError):
            self._store.sandbox.plug(reader)
        self.outages.disturbed(f"{reader} unplugged", at_s, time.time())

    def _fail_disk(self) -> None:
        """The journal's disk takes nothing for a while; sometimes the process dies meanwhile."""
        writer = self._running("transaction")
        if writer is None:
            return
        fail_s, error = self._chance.uniform(0.3, 2.0), self._chance.choice(("ENOSPC", "EIO"))
        self._write("disk", error, seconds=round(fail_s, 2))
        files = [self._store.instance.data / name for name in _JOURNAL]
        at_s = time.time()
        with disk_faults.failing_disk(writer.pid, files, error):
            time.sleep(fail_s)
            if self._chance.random() < 1 / 3:
                self._kill(writer)
        self.outages.disturbed("disk", at_s, time.time())

    def _crash_database(self) -> None:
        """The journal's server dies, and is back after a while."""
        assert self._database is not None
        self._write("crash", "database")
        at_s = time.time()
        self._database.stop(signal.SIGQUIT)
        time.sleep(self._chance.uniform(0, 1.5))
        self._database.start()
        self.outages.disturbed("database", at_s, time.time())

    def _cut_power(self) -> None:
        """Look at the journal that a power cut would leave; the store itself goes on."""
        image = Image(self._store.instance.data, self._told())
        time.sleep(self._chance.uniform(0, 0.05))
        writer = self._running("transaction")
        if writer is None:
            return
        self._write("image", "journal")
        with tempfile.TemporaryDirectory(prefix="tpayd-image-") as name:
            place = Path(name) / "data"
            with contextlib.suppress(ProcessLookupError):
                image.take(place, writer.pid, self._chance)
                self.faults += damages(place, image.must_hold)

    # How

    def _pick(self) -> ProcessInfo | None:
        """Any process that has lived for a moment, the one that decides about money more often."""
        running = [process for process in self._store.supervisor.processes() if process.pid and self._may_die(process)]
        weights = [3.0 if process.name == "transaction" else 1.0 for process in running]
        return self._chance.choices(running, weights)[0] if running else None

    def _may_die(self, process: ProcessInfo) -> bool:
        """One that is back at work; now and then one that is only starting, for which supervisor then waits longer."""
        if process.state is ProcessState.RUNNING and (process.name == WATCHDOG or self.outages.is_back(process.name)):
            return True
        return self._chance.random() < _AT_START

    def _running(self, service: str) -> ProcessInfo | None:
        process = self._store.process(service)
        return process if process.pid and process.state is ProcessState.RUNNING else None

    def _kill(self, victim: ProcessInfo) -> None:
        self._write("kill", victim.name, pid=victim.pid)
        self.outages.killed(victim.name, time.time())
        _send(victim.pid, signal.SIGKILL)
        self.kills += 1

    def _all_died(self, at_s: float) -> None:
        self.kills += 1
        for service in self._store.running():
            self.outages.killed(service, at_s)

    def _wait_up(self) -> None:
        """Wait until supervisor runs everything again: what is killed before that is only the start, again."""
        try:
            self._store.wait_ready(timeout_s=_UP_WAIT_S, degraded=True)
        except TimeoutError as error:
            self.faults.append(f"not up again: {error}")

    def _wait_for_sales(self) -> None:
        before = len(self._told())
        with contextlib.suppress(TimeoutError):
            eventually(
                lambda: any(told.verdict == "PAID" for told in self._told()[before:]), timeout_s=_SALE_WAIT_S, what=""
            )

    def _heal(self) -> None:
        self._write("heal", "")
        for victim in processes_of(self._store.instance.home):
            _send(victim, signal.SIGCONT)
        self._store.forgive_crashes()
        self._wait_up()
        try:
            eventually(self._calm_sandbox, timeout_s=30, what="the sandbox as it should be")
            self._store.wait_ready(timeout_s=_UP_WAIT_S)
        except TimeoutError as error:
            self.faults.append(f"not whole again: {error}")

    def _calm_sandbox(self) -> bool:
        try:
            self._store.sandbox.host(HostMode.APPROVE)
            for reader in self._store.plan.reader_names:
                self._store.sandbox.plug(reader)
        except CallError:
            return False
        return True

    def _write(self, deed: str, what: str, **more: object) -> None:
        line = {"at": round(time.time(), 3), "kills": self.kills, "deed": deed, "what": what, **more}
        with self._diary.open("a", encoding="utf-8") as diary:
            diary.write(json.dumps(line) + "\n")


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)

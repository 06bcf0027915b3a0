"""One store under one virtual clock: built from a plan, let run, healed, and judged."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.simulation import stage
from tests.simulation.bus import BusFaults
from tests.simulation.card_host import SimHost
from tests.simulation.chance import seeded
from tests.simulation.clock import SimClock
from tests.simulation.disk import DiskFault, SimDisk
from tests.simulation.host_line import Lines
from tests.simulation.keys import SimKeyManager, SimKeys
from tests.simulation.loop import ProcessLoop, Scheduler, TooLongError
from tests.simulation.oracle import judge
from tests.simulation.plan import ACTIVE_S, Fault, Plan, Trouble, Visit
from tests.simulation.process import Process, SimHouse
from tests.simulation.serial_line import Desktop
from tests.simulation.till import Memory, Receipt, Till
from tests.simulation.trace import Trace
from tests.simulation.watch import Key, Watch
from tpayd.device_broker.service import DeviceBroker
from tpayd.host_link.service import HostLink
from tpayd.kit.bus import CallError
from tpayd.transaction.journal import StorageError
from tpayd.transaction.service import Transaction
from tpayd_contracts.device import DeviceState
from tpayd_contracts.payment import STATUS, PaymentRef, PaymentResult

__all__ = ["Outcome", "World", "run"]

HEAL_MAX_S = 240.0
_SERVICES = ("key_manager", "device_broker", "host_link", "transaction")
_NOON = datetime(2026, 3, 9, 12, 0, tzinfo=timezone(timedelta(hours=9)))


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    seed: int
    violations: tuple[str, ...]
    digest: str
    story: tuple[str, ...]
    payments: int
    virtual_s: float
    steps: int


def run(plan: Plan, *, keep: bool = False) -> Outcome:
    """Let a plan happen. `keep` the story, or only its hash."""
    with seeded(plan.seed), stage.set_for(plan) as place:
        world = World(plan, Trace(keep=keep))
        place.world = world
        try:
            world.play()
        finally:
            world.close()
    return Outcome(
        plan.seed, tuple(world.violations), world.trace.digest(), tuple(world.trace.told(world.began_us)),
        len(world.watch.orders), world.elapsed_s, world.scheduler.steps,
    )  # fmt: skip


@dataclass
class World:
    """See the module."""

    plan: Plan
    trace: Trace
    violations: list[str] = field(default_factory=list)
    processes: dict[str, Process] = field(default_factory=dict)
    lives: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    incarnations: int = 0
    healing: bool = False
    over: bool = False
    disk_trouble_us: int = -(10**12)
    """When the disk was last in trouble."""

    def __post_init__(self) -> None:
        plan = self.plan
        self.seed = plan.seed
        self.scheduler = Scheduler(plan.seed)
        self.began_us = self.scheduler.now_us
        start = _NOON
        if plan.midnight_in_s is not None:
            start = _NOON.replace(hour=0) - timedelta(seconds=plan.midnight_in_s)
        self.clock = SimClock(self.scheduler, start)
        self.outside = ProcessLoop(self.scheduler, "outside", self._fault_outside)  # type: ignore[abstract]
        self.bus_faults = BusFaults(slow_share=plan.slow_bus, lost_share=plan.bus_losses)
        self.disk = SimDisk(self.scheduler, plan.seed, (300, 6_000), stage.journal_for(plan))
        self.lines = Lines(self)
        self.scheduler.network = self.lines
        self.host = SimHost(
            self, slow_s=plan.host_max_processing_s * 0.9, late_s=plan.answer_wait_s + 1,
            remembers_orphans=plan.remembers_orphans,
        )  # fmt: skip
        self.watch = Watch(self)
        names = [f"reader-{number}" for number in range(1, plan.readers + 1)]
        self.desktops = {name: Desktop(self, name, number) for number, name in enumerate(names, start=1)}
        self.settings = stage.settings_for(plan, names)
        self.store = stage.store_for(plan)
        self.at_lane: dict[str, Visit] = {}
        """Who stands at each lane's POS."""
        self._receipts: dict[str, Receipt] = {}
        self._memories: defaultdict[str, Memory] = defaultdict(Memory)
        self._keys = SimKeys()
        self._cut_at_tell: tuple[int, float] | None = None
        self._served: set[str] = set()

    # For those inside

    @property
    def now_us(self) -> int:
        return self.scheduler.now_us

    @property
    def elapsed_s(self) -> float:
        return (self.scheduler.now_us - self.began_us) / 1e6

    def note(self, who: str, what: str) -> None:
        self.trace.note(self.scheduler.now_us, who, what)

    def violation(self, what: str) -> None:
        """Something that must never be."""
        if not self.over:
            self.note("ORACLE", what)
            self.violations.append(what)

    def log_of(self, name: str) -> Log:
        return Log(self, name)

    def visit_by(self, reference: str | None) -> Visit | None:
        """Whose order has this reference."""
        order = self.watch.orders.get(reference or "")
        return None if order is None else order.visit

    def at(self, after_s: float, loop: ProcessLoop, work: Callable[..., object], *what: object) -> None:
        self.scheduler.exactly(self.scheduler.now_us + round(after_s * 1e6), loop, work, *what)

    def exactly(self, when_us: int, loop: ProcessLoop, work: Callable[..., object], *what: object) -> None:
        self.scheduler.exactly(when_us, loop, work, *what)

    # The run

    def play(self) -> None:
        """From the first customer to the last word of the oracle."""
        for name in (*_SERVICES, *self.plan.lanes):
            self.start(name)
        for fault in self.plan.faults:
            self.at(fault.at_s, self.outside, self._break, fault)
        try:
            self._let_pass(ACTIVE_S, lambda: False)
            self._heal()
            self._let_pass(HEAL_MAX_S, self._quiet)
            if not self.violations:
                judge(self, self._audit())
        except TooLongError as error:
            self.violation(str(error))

    def close(self) -> None:
        """Nobody does anything any more."""
        self.over = True
        for process in self.processes.values():
            if not process.dead:
                process.loop.die()
        self.outside.die()

    def _let_pass(self, seconds: float, done: Callable[[], bool]) -> None:
        until_us = self.scheduler.now_us + round(seconds * 1e6)
        while self.scheduler.now_us < until_us and not self.violations and not done():
            # Looked at once a second: a callback between two looks costs nothing more.
            next_us = min(until_us, self.scheduler.now_us + 1_000_000)
            self.scheduler.run_until(next_us, lambda: bool(self.violations))
            self.scheduler.now_us = max(self.scheduler.now_us, next_us) if not self.violations else self.now_us

    def _quiet(self) -> bool:
        if len(self._served) < len(self.plan.lanes) or any(self.processes[name].dead for name in _SERVICES):
            return False
        desk = getattr(self.processes["transaction"].service, "_desk", None)
        broker = self.processes["device_broker"].service
        if desk is None or broker is None or not self._disk_rests():
            return False
        if desk.under_way or desk.reversals.owed or desk.inquiries.open or broker._pool.lease_count:
            return False
        return all(broker._pool.state(name) is DeviceState.READY for name in self.desktops)

    def _disk_rests(self) -> bool:
        writer = self.processes["transaction"].service._journal._writer
        return bool(writer.rests)

    def _audit(self) -> dict[Key, PaymentResult | None]:
        """Ask the daemon about every id that was ever used."""
        answers: dict[Key, PaymentResult | None] = dict.fromkeys(sorted(self.watch.asked))
        auditor = Process(self, "auditor")
        self.processes["auditor"] = auditor

        async def ask() -> None:
            bus = auditor.caller("transaction")
            for key in list(answers):
                for _ in range(40):
                    try:
                        answers[key] = await bus.call(STATUS, PaymentRef(*key), ttl_s=5.0)
                    except CallError:
                        await asyncio.sleep(0.3)
                    else:
                        break
                self.watch.heard(*key, answers[key])

        task = auditor.loop.create_task(ask())
        self._let_pass(120, task.done)
        self._let_pass(1, lambda: False)
        return answers

    # Processes

    def start(self, name: str) -> None:
        """A process begins, unless it is there."""
        current = self.processes.get(name)
        if current is not None and not current.dead:
            return
        self.lives[name] += 1
        process = self.processes[name] = Process(self, name)
        if name == "transaction":
            process.server.on_answer = self._told
        if self.lives[name] > 1:
            self.note(name, "starts again")
        task = process.loop.create_task(self._serve(process))
        task.add_done_callback(lambda done: self._started(process, done))

    async def _serve(self, process: Process) -> None:
        name = process.name
        if name in self.plan.lanes:
            visits = tuple(visit for visit in sorted(self.plan.visits, key=_begin) if visit.lane == name)
            await Till(process, self._memories[name], visits, self._receipts).run()
            self._served.add(name)
            return
        if name == "key_manager":
            process.service = SimKeyManager(process, self._keys, self.plan.key_refusals)
            return
        house: Any = SimHouse(process, self.settings[name], self.store)
        stage.PLACE.building = process
        service = {"transaction": Transaction, "device_broker": DeviceBroker, "host_link": HostLink}[name](house)
        await service.start()
        process.service = service

    def _started(self, process: Process, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        if isinstance(error, StorageError):
            self.kill(process.name, back_in_s=1.0, why=f"cannot start: {error}")
        else:
            import traceback

            where = "".join(traceback.format_exception(error)) if self.trace.keep else ""
            process.fault(f"ended with {error!r} {where}")

    def kill(self, name: str, *, back_in_s: float, why: str) -> None:
        """A process dies where it stands, and is started again later."""
        process = self.processes[name]
        if process.dead:
            return
        self.note(name, why)
        process.die()
        self.lines.process_died(process.loop)
        for other in list(self.processes.values()):
            caller = other.callers.get(name)
            if caller is not None and not other.dead:
                caller.peer_died(process)
        self.at(back_in_s, self.outside, self.start, name)

    def power_cut(self, back_in_s: float) -> None:
        """The store's machine loses power: all its processes at once, and what the disk had not kept."""
        self.note("power", "is cut")
        for name in _SERVICES:
            if not self.processes[name].dead:
                self.kill(name, back_in_s=back_in_s, why="loses power")
        self.disk.power_cut()

    # What breaks

    def _break(self, fault: Fault) -> None:  # noqa: C901  a table, one row per trouble
        if self.healing:
            return
        kind, target = fault.kind, fault.target
        self.note("fate", f"{kind} {target} {fault.for_s:.2f} {fault.steps}")
        match kind:
            case Trouble.KILL:
                self._fuse(target, fault.steps, lambda: self.kill(target, back_in_s=fault.for_s, why="is killed"))
            case Trouble.POWER_CUT:
                self._fuse(target, fault.steps, lambda: self.power_cut(fault.for_s))
            case Trouble.CUT_AT_TELL:
                self._cut_at_tell = fault.steps, fault.for_s
            case Trouble.FREEZE:
                self.lives[target] += 1
                self.processes[target].freeze(self.now_us + round(fault.for_s * 1e6))
            case Trouble.UPDATE:
                self._update()
            case Trouble.BUS_CUT:
                caller, _, peer = target.partition(">")
                connection = self.processes[caller].callers.get(peer)
                if connection is not None and not self.processes[caller].dead:
                    self.at(0, self.processes[caller].loop, connection.lost)
            case Trouble.UNPLUG:
                self.desktops[target].pull_out()
                self.at(fault.for_s, self.outside, self.desktops[target].plug_in)
            case Trouble.NOISE:
                self.desktops[target].noise = 0.2
                self.at(fault.for_s, self.outside, self._set, self.desktops[target], "noise", 0.0)
            case Trouble.LINE_DOWN:
                self.lines.down = True
                self.lines.break_all()
                self.at(fault.for_s, self.outside, self._set, self.lines, "down", False)
            case Trouble.LINE_BREAK:
                self.lines.break_all()
            case Trouble.LINE_DARK:
                self.lines.dark = True
                self.at(fault.for_s, self.outside, self._set, self.lines, "dark", False)
            case Trouble.DISK_FULL | Trouble.SYNC_FAILS | Trouble.DISK_SLOW:
                faults = {
                    Trouble.DISK_FULL: DiskFault.FULL, Trouble.SYNC_FAILS: DiskFault.SYNC_FAILS,
                    Trouble.DISK_SLOW: DiskFault.SLOW,
                }  # fmt: skip
                self.disk.fault = faults[kind]
                self.disk_trouble_us = self.now_us + round(fault.for_s * 1e6)
                self.at(fault.for_s, self.outside, self._set, self.disk, "fault", None)
            case Trouble.CLOCK_STEP:
                self.clock.step(fault.for_s)

    def _fuse(self, name: str, steps: int, blow: Callable[[], None]) -> None:
        process = self.processes[name]
        if not process.dead:
            process.loop.fuse = steps, blow

    def _set(self, what: object, name: str, value: object) -> None:
        setattr(what, name, value)

    def _told(self, _: Any, body: Any) -> None:
        self.watch.told(body)
        if self._cut_at_tell is not None and isinstance(body, PaymentResult):
            (steps, back_in_s), self._cut_at_tell = self._cut_at_tell, None
            self._fuse("transaction", steps, lambda: self.power_cut(back_in_s))

    def _update(self) -> None:
        process = self.processes["transaction"]
        service = process.service
        if process.dead or service is None:
            return
        self.note("transaction", "is asked to stop")

        async def stop() -> None:
            process.server.draining = True
            await service.drain()
            for timer in process.timers:
                timer.cancel()
            await service.stop()

        def stopped() -> None:
            if self.processes["transaction"] is process:
                self.kill("transaction", back_in_s=0.5, why="has stopped")

        task = process.loop.create_task(stop())
        task.add_done_callback(lambda _: self.at(0, self.outside, stopped))

    def _heal(self) -> None:
        """Everything works from now on."""
        self.note("fate", "everything heals")
        self.healing = True
        self._cut_at_tell = None
        self.disk.fault = None
        self.lines.down = self.lines.dark = False
        self.bus_faults.lost_share = 0.0
        for desktop in self.desktops.values():
            desktop.noise = 0.0
            desktop.plug_in()
        for process in self.processes.values():
            process.loop.fuse = None

    def _fault_outside(self, name: str, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None:
            raise error


def _begin(visit: Visit) -> float:
    return visit.begin_s


class Log:
    """A process's log: part of the story, and the place where faults of the daemon show."""

    def __init__(self, world: World, name: str, **context: object) -> None:
        self._world = world
        self._name = name

    def bind(self, **_: object) -> Log:
        return self

    def debug(self, event: str, **fields: object) -> None:
        pass

    def info(self, event: str, **fields: object) -> None:
        self._note(event, fields)

    warning = info

    def error(self, event: str, **fields: object) -> None:
        self._note(event, fields)
        if fields.get("exc_info"):
            self._fault(event)

    def exception(self, event: str, **fields: object) -> None:
        self._note(event, fields)
        self._fault(event)

    def is_enabled_for(self, _: int) -> bool:
        return False

    def _note(self, event: str, fields: dict[str, object]) -> None:
        process = self._world.processes.get(self._name)
        if process is not None and not process.dead:
            self._world.note(self._name, " ".join([event, *(f"{name}={value}" for name, value in fields.items())]))

    def _fault(self, event: str) -> None:
        import traceback

        process = self._world.processes.get(self._name)
        if process is not None and not process.dead:
            process.fault(f"{event}: {traceback.format_exc(limit=-4)}")

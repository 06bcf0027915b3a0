"""One process's life inside the event loop: bind, build, wait out a crash loop, start, serve, drain, stop."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import os
import signal
import threading
import uuid
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import zmq

from tpayd import __version__
from tpayd.kit import crashpoints
from tpayd.kit.bus import HouseAdmission, Publisher, Server
from tpayd.kit.clock import Clock
from tpayd.kit.guard import CrashLoopGuard
from tpayd.kit.health import Vitals, answer_health
from tpayd.kit.house import House, Service
from tpayd.kit.instance import Instance
from tpayd.kit.log_file import LogFile, Retention
from tpayd.kit.logs import Log, LogTarget
from tpayd.kit.loop_lag import LoopLag
from tpayd.kit.metrics import Metrics
from tpayd.kit.scrape_target import write_target
from tpayd.kit.settings import ServiceSettings, SettingsError, load
from tpayd.kit.settings_desk import Served, SettingsDesk
from tpayd.kit.settings_file import SettingsFile
from tpayd.kit.store_settings import StoreSettings, load_store
from tpayd.kit.trace_log import TraceLog
from tpayd_contracts.graph import OPERATIONS, SERVICES
from tpayd_contracts.settings import SETTINGS_FILES

__all__ = ["ProcessLife"]

S = TypeVar("S", bound=ServiceSettings)

_START_MAX_S = 60.0
_STOP_MAX_S = 5.0
_FLUSH_S = 0.05
"""libzmq tells nobody when a message has left; the last answers get this long before the sockets close."""
_POLL_S = 0.02
_NOTE_EVERY_S = 1.0
_EXIT_MAX_S = 10.0
"""After draining. A thread that never ends would otherwise hold the process until supervisor kills it."""


class ProcessLife(Generic[S]):
    """One life, from the settings to the last flush."""

    def __init__(
        self,
        name: str,
        settings_type: type[S],
        instance: Instance,
        clock: Clock,
        target: LogTarget,
        log: Log,
        file: LogFile,
    ) -> None:
        """Reads the settings. Raises SettingsError."""
        self._name = name
        self._instance = instance
        self._clock = clock
        self._target = target
        self._log = log
        self._settings_type = settings_type
        self._settings: S = load(instance.settings_file(name), settings_type)
        self._store = load_store(instance.settings_file("store"))
        self._file = file
        self._log_as_told(self._settings)
        crashpoints.prepare(instance, sandbox=self._store.sandbox, log=log)
        self._version = __version__
        self._metrics = Metrics(name, self._version)
        self._lag = LoopLag()
        self._traces = TraceLog(target, clock, at_the_door=name == "gateway")
        self._desk: SettingsDesk | None = None
        self._guard = CrashLoopGuard(instance.run_file(name, "starts"))
        self._vitals = Vitals(self._version, os.getpid(), clock, self._lag)
        self._metrics.watch("loop_lag_seconds", "Longest recent delay of the event loop", lambda: self._lag.longest_s)
        self._metrics.watch("log_lines_dropped", "Log lines lost", lambda: file.dropped_lines)
        self._metrics.watch("ready", "1 while READY, as of the last second", lambda: self._vitals.noted_ready)

    async def live(self, build: Callable[[House[S]], Service]) -> None:
        """From binding the bus to closing it."""
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._listen_for_signals()
        self._report_faults()
        self._log.info("process.starting", version=self._version, pid=os.getpid(), sandbox=self._store.sandbox)
        for doubt in self._store.doubts():
            self._log.warning("settings.doubt", what=doubt)
        self._serve_metrics()
        self._lag.start()
        house = self._bind()
        try:
            await self._serve(house, build)
        finally:
            self._lag.stop()
            self._traces.flush()
            with contextlib.suppress(RuntimeError, ValueError):  # no stderr to write to
                faulthandler.dump_traceback_later(_EXIT_MAX_S, exit=True)
            await asyncio.sleep(_FLUSH_S)
            # Up to half a second for the metrics server's thread, which the event loop need not wait out.
            await asyncio.gather(house.close(), asyncio.to_thread(self._metrics.close))
        self._guard.note_clean_stop()
        self._log.info("process.stopped")

    def _bind(self) -> House[S]:
        """Make the bus, in the running loop. Raises EndpointInUseError."""
        name, log, instance = self._name, self._log, self._instance
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        incarnation = uuid.uuid4().hex
        server = Server(
            name, instance.rpc(name), context=context, clock=self._clock, log=log,
            admission=HouseAdmission(name, users=instance.users), software=self._version,
            stats=self._metrics.requests, traces=self._traces,
        )  # fmt: skip
        publisher = Publisher(instance.evt(name), context=context, incarnation=incarnation, log=log)
        server.start()
        publisher.start()
        return House(
            name=name, instance=instance, settings=self._settings, store=self._store, clock=self._clock,
            metrics=self._metrics, log=log, traces=self._traces, server=server, publisher=publisher, context=context,
            version=self._version, incarnation=incarnation,
        )  # fmt: skip

    async def _serve(self, house: House[S], build: Callable[[House[S]], Service]) -> None:
        house.server.draining = True
        service = build(house)
        house.desk = self._desk = await self._open_desk(house)
        answer_health(house, self._vitals, service)
        if await self._wait_out_crash_loop():
            return
        house.server.draining = False
        try:
            if await self._start(house, service):
                self._vitals.started = True
                self._vitals.note()
                house.call_every(_NOTE_EVERY_S, self._vitals.note)
                _calm_garbage_collector()
                self._log.info("process.ready")
                await self._stop.wait()
            self._vitals.draining = True
            house.server.draining = True
            self._vitals.note()
            # Periodic work goes on: what is finished now needs its leases renewed and its limits kept.
            await self._drain(house, service)
        finally:
            house.stop_timers()
            try:
                await asyncio.wait_for(service.stop(), _STOP_MAX_S)
            except Exception:
                self._log.exception("process.stop_failed")

    async def _wait_out_crash_loop(self) -> bool:
        """Whether it was told to stop meanwhile."""
        starts, wait_s = self._guard.note_start(self._clock.boottime_ms())
        if wait_s == 0:
            return self._stop.is_set()
        self._log.error("process.crash_loop", starts_in_a_row=starts, wait_s=wait_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), wait_s)
        return self._stop.is_set()

    async def _start(self, house: House[S], service: Service) -> bool:
        """Start the service, unless told to stop meanwhile. Raises what it raises, and TimeoutError."""
        starting = asyncio.ensure_future(service.start())
        stopping = asyncio.ensure_future(self._stop.wait())
        both = starting, stopping
        done, _ = await asyncio.wait(both, timeout=_START_MAX_S, return_when=asyncio.FIRST_COMPLETED)
        while not done and house.start_is_long:
            done, _ = await asyncio.wait(both, timeout=_START_MAX_S, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if starting in done:
            starting.result()
            return True
        starting.cancel()
        await asyncio.wait((starting,), timeout=_STOP_MAX_S)
        if not done:
            raise TimeoutError(f"the service had not started after {_START_MAX_S:.0f} s")
        return False

    async def _drain(self, house: House[S], service: Service) -> None:
        self._log.info("process.draining", open_requests=house.server.open_count)

        async def finish() -> None:
            await service.drain()
            while house.server.open_count:  # noqa: ASYNC110  no event: rarely waited for, never for long
                await asyncio.sleep(_POLL_S)

        finishing = asyncio.ensure_future(finish())
        hurrying = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait((finishing, hurrying), timeout=self._settings.drain_s, return_when=asyncio.FIRST_COMPLETED)
        hurrying.cancel()
        if not finishing.done():
            self._log.warning("process.drain_cut_short", open_requests=house.server.open_count)
            finishing.cancel()
            await asyncio.wait((finishing,), timeout=_STOP_MAX_S)
        elif finishing.exception() is not None:
            self._log.error("process.drain_failed", exc_info=finishing.exception())

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def told_to_stop() -> None:
            if self._stop.is_set():
                self._hurry.set()
            self._stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._read_settings_again)

    def _read_settings_again(self) -> None:
        try:
            settings = load(self._instance.settings_file(self._name), self._settings_type)
        except SettingsError as error:
            self._log.error("settings.refused", why=str(error))
            return
        self._log_as_told(settings)
        self._log.info("log.level_set", log_level=settings.log_level)
        if self._desk is not None:
            self._reading = asyncio.get_running_loop().create_task(self._desk.read_again())

    def _log_as_told(self, settings: S) -> None:
        self._file.retention = Retention(
            settings.log_file_mib * 1024 * 1024, settings.log_keep_days, settings.log_files_max,
            settings.log_keep_mib * 1024 * 1024,
        )  # fmt: skip
        self._target.set_level(settings.log_level)

    async def _open_desk(self, house: House[S]) -> SettingsDesk | None:
        """Serve this process's settings file, and store.toml where it answers for that too."""
        if self._name not in (*SERVICES, *OPERATIONS):
            return None
        instance = self._instance
        files: list[Served[Any]] = []
        own, shared = house.rules, house.store_rules
        file = SettingsFile.of(instance, self._name, self._settings_type, own.refuse)
        files.append(Served(file, self._settings, own, (self._name,), self._log_as_told))
        if SETTINGS_FILES["store"] == self._name:
            store = SettingsFile.of(instance, "store", StoreSettings, shared.refuse)
            files.append(Served(store, self._store, shared, SERVICES))
        desk = SettingsDesk(self._name, files, self._clock, self._log)
        await desk.begin()
        for op, handler in desk.handlers:
            house.server.handle(op, handler)
        return desk

    def _report_faults(self) -> None:
        def in_loop(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            self._metrics.loop_faults.inc()
            self._log.error("loop.fault", what=str(context.get("message")), exc_info=context.get("exception"))

        def in_thread(fault: threading.ExceptHookArgs) -> None:
            self._metrics.loop_faults.inc()
            name = fault.thread.name if fault.thread is not None else "?"
            self._log.error("thread.fault", thread=name, exc_info=fault.exc_value)

        asyncio.get_running_loop().set_exception_handler(in_loop)
        threading.excepthook = in_thread

    def _serve_metrics(self) -> None:
        port_file = self._instance.run_file(self._name, "metrics")
        for port in (self._settings.metrics_port, 0):
            try:
                served_at = self._metrics.serve(port, port_file)
            except OSError as error:
                # A taken port must not keep a store from selling: any other will do, even none.
                self._log.error("metrics.port_refused", port=port, why=str(error))
            else:
                self._tell_prometheus(served_at)
                return

    def _tell_prometheus(self, port: int) -> None:
        labels = {"store": self._store.merchant.id, "sandbox": str(self._store.sandbox).lower()}
        try:
            write_target(self._instance.home, self._name, port, labels)
        except OSError as error:
            self._log.error("metrics.target_not_written", why=str(error))


def _calm_garbage_collector() -> None:
    """Keep the cyclic collector from stopping a payment for tens of milliseconds.

    What the imports and the start have made stays for good: frozen, it is never walked again. The few garbage objects
    among them stay too: to look for them would take 50 ms, more than all else between the imports and READY. Requests
    leave hardly any cycles behind, so that the young generation can grow to 20,000 objects before it is looked at.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()  # `first_steps` has switched it off

"""The work itself: one bundle is packed and one delivered at a time, and what is asked for `now` goes first."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from tpayd.kit import crashpoints
from tpayd.kit.house import House
from tpayd.log_shipper.delivery import DeliveryError, Progress, Reason, Receipt, Stage, after_failure
from tpayd.log_shipper.errors import AlteredError, LeakError, PackError, StoppedError
from tpayd.log_shipper.gauges import LEAK, NO_SPACE_HERE, UNPACKED, Gauges
from tpayd.log_shipper.naming import about, bundle_name
from tpayd.log_shipper.outbox import Entry, Outbox
from tpayd.log_shipper.packing import Made, Wanted, Work, make_bundle
from tpayd.log_shipper.queue import Window, next_step, outranks, surplus
from tpayd.log_shipper.settings import LogShipperSettings
from tpayd_contracts.logs import TOPIC_LOGS, Bundle, BundleState, LogsEvent, ShipProgress

__all__ = ["Shipper"]

_MIB = 1024 * 1024
_IDLE_S = 300.0
_LOOK_EVERY_S = 0.25
_PACK_AGAIN_S = 60.0
"""After a full disk, or a fault; a file that was altered while it was read is tried again at once."""
_UNSET_AGAIN_S = 3600.0

_STAGES = {
    Stage.CONNECTING: "connecting to the server",
    Stage.LOOKING: "asking what the server has of it",
    Stage.SENDING: "sending",
    Stage.VERIFYING: "checking what has arrived",
    Stage.FINISHING: "giving it its name",
}


@dataclass
class _Busy:
    """What a loop has in hand."""

    bundle: Bundle
    stop: Callable[[], None]


class Shipper:
    """Both loops, and whoever waits for news of a bundle."""

    def __init__(self, house: House[LogShipperSettings], outbox: Outbox, gauges: Gauges) -> None:
        self._house = house
        self._settings = house.settings
        self._outbox = outbox
        self._gauges = gauges
        self._window = Window.of(house.settings.later_window)
        self._wake = {"pack": asyncio.Event(), "deliver": asyncio.Event()}
        self._busy: dict[str, _Busy] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._news: list[asyncio.Future[None]] = []
        self.progress: dict[str, ShipProgress] = {}
        """Of what is in hand, by bundle."""
        self.stopping = False

    def start(self) -> None:
        """Begin, with what an earlier life has left."""
        self._tasks = [
            asyncio.create_task(self._work("pack", self._pack)),
            asyncio.create_task(self._work("deliver", self._deliver)),
        ]

    async def stop(self) -> None:
        """Stop at once: what is not done is gone on with by the next life."""
        self.stopping = True
        for busy in self._busy.values():
            busy.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=4.0)
        self._ring()

    def ask(self, entry: Entry) -> None:
        """Take a request, durably. Raises OSError; there is none then."""
        self._outbox.put(entry)
        crashpoints.passing("outbox.asked")
        for busy in self._busy.values():
            if outranks(entry.bundle, busy.bundle):
                busy.stop()
        self._ring()

    async def news(self, timeout_s: float) -> None:
        """Wait until something has changed, or the time is up."""
        waiter = asyncio.get_running_loop().create_future()
        self._news.append(waiter)
        await asyncio.wait((waiter,), timeout=timeout_s)

    def _ring(self) -> None:
        waiters, self._news = self._news, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        for event in self._wake.values():
            event.set()

    async def _work(self, kind: str, do: Callable[[Bundle], Awaitable[None]]) -> None:
        """One loop. What goes wrong in a round is told, and the next round comes."""
        wake = self._wake[kind]
        while not self.stopping:
            wake.clear()
            try:
                self._make_room()
                later_s = self._window.wait_s(self._local_now())
                step = next_step(
                    self._outbox.bundles, self._now_ms(), later_s,
                    can_pack=kind == "pack", can_deliver=kind == "deliver", idle_s=_IDLE_S,
                )  # fmt: skip
                if step.bundle is not None:
                    await do(step.bundle)
                    continue
                wait_s = step.wait_s
            except Exception:
                self._house.metrics.loop_faults.inc()
                self._house.log.exception("shipper.fault", work=kind)
                wait_s = _PACK_AGAIN_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), wait_s)

    # Packing

    async def _pack(self, bundle: Bundle) -> None:
        work = Work()
        name = bundle_name(self._house, bundle)

        def stop() -> None:
            work.stop = True

        self._busy["pack"] = _Busy(bundle, stop)
        try:
            made = await self._packed(self._outbox.entries[bundle.id], name, work)
        except StoppedError:
            return
        except LeakError as error:
            self._failed(LEAK, bundle, str(error))
            self._end(bundle, BundleState.STOPPED, str(error))
        except AlteredError as error:
            self._failed(UNPACKED, bundle, str(error))
        except (PackError, OSError) as error:
            self._failed(NO_SPACE_HERE if isinstance(error, OSError) else UNPACKED, bundle, str(error))
            text = f"there is no bundle yet: {error}; it is tried again" if isinstance(error, OSError) else str(error)
            self._record(bundle, next_try_ms=self._now_ms() + int(_PACK_AGAIN_S * 1000), detail=text)
        else:
            self._record(
                bundle, state=BundleState.PACKED, name=name, size_bytes=made.size_bytes, sha256=made.sha256,
                files=made.files, logs_bytes=made.logs_bytes, detail="", next_try_ms=None,
            )  # fmt: skip
            crashpoints.passing("outbox.recorded")
            self._house.log.info("bundle.packed", bundle=bundle.id, size_bytes=made.size_bytes, files=made.files)
        finally:
            self._busy.pop("pack", None)
            self.progress.pop(bundle.id, None)
            self._ring()

    async def _packed(self, entry: Entry, name: str, work: Work) -> Made:
        wanted = Wanted(
            self._house.instance.log, entry.services, entry.since_ms, entry.until_ms,
            self._settings.bundle_max_mib * _MIB,
        )  # fmt: skip
        told = about(self._house, entry)
        target = self._outbox.directory / name
        making = asyncio.ensure_future(
            asyncio.to_thread(make_bundle, wanted, told, self._settings.recipients, target, work)
        )
        try:
            while not (await asyncio.wait((making,), timeout=_LOOK_EVERY_S))[0]:
                half = work.of_bytes // 2
                text = "proving that no card data is in the logs" if work.done_bytes <= half else "packing"
                self._tell(entry.bundle, ShipProgress(BundleState.ASKED, text, work.done_bytes, work.of_bytes))
        except asyncio.CancelledError:
            work.stop = True  # the thread ends at its next block
            raise
        return making.result()

    # Delivering

    async def _deliver(self, bundle: Bundle) -> None:
        from tpayd.log_shipper.delivery.deliver import deliver  # noqa: PLC0415  only where something is delivered

        destination = self._settings.destination
        if not destination.url:
            text = "log_shipper.destination.url is empty: nobody to send it to; set it and restart log_shipper"
            self._record(bundle, next_try_ms=self._now_ms() + int(_UNSET_AGAIN_S * 1000), detail=text)
            return
        before = bundle.sent_bytes
        bundle = self._outbox.note(bundle.id, state=BundleState.SENDING, tries=bundle.tries + 1)
        trying = asyncio.ensure_future(
            deliver(
                self._outbox.path(bundle), bundle.sha256, destination, home=self._house.instance.home,
                on_progress=lambda told: self._sending(bundle, told),
            )
        )  # fmt: skip
        self._busy["deliver"] = _Busy(bundle, lambda: _cancel(trying))
        try:
            await asyncio.wait((trying,))
            if trying.cancelled():
                self._record(bundle, state=BundleState.PACKED, next_try_ms=None)
                return
            trying.result()
        except asyncio.CancelledError:
            trying.cancel()
            await asyncio.wait((trying,), timeout=3.0)
            self._outbox.note(bundle.id, state=BundleState.PACKED)
            raise
        except DeliveryError as error:
            self._not_delivered(bundle, error, before)
        except Exception as error:
            self._house.log.exception("delivery.fault", bundle=bundle.id)
            self._not_delivered(bundle, DeliveryError(Reason.UNSUPPORTED, f"a fault: {type(error).__name__}"), before)
        else:
            crashpoints.passing("outbox.delivered")
            self._gauges.last_shipped.set(self._now_ms() / 1000)
            self._gauges.sent_bytes.inc(bundle.size_bytes)
            self._end(bundle, BundleState.SHIPPED, "")
        finally:
            self._busy.pop("deliver", None)
            self.progress.pop(bundle.id, None)
            self._ring()

    def _sending(self, bundle: Bundle, told: Progress) -> None:
        furthest = max(self._outbox.entries[bundle.id].bundle.sent_bytes, told.done_bytes)
        self._outbox.note(bundle.id, sent_bytes=furthest)
        self._tell(bundle, ShipProgress(BundleState.SENDING, _STAGES[told.stage], told.done_bytes, told.size_bytes))

    def _not_delivered(self, bundle: Bundle, error: DeliveryError, before: int) -> None:
        self._failed(error.reason.value, bundle, str(error))
        entry = self._outbox.entries[bundle.id]
        helped = max(entry.bundle.sent_bytes, error.done_bytes) > before
        failures = 1 if helped else entry.failures_in_row + 1
        again = after_failure(error.reason, failures, random.random())  # noqa: S311  no secret
        self._outbox.entries[bundle.id] = msgspec.structs.replace(entry, failures_in_row=failures)
        if again.wait_s is None:  # the file is not what it was: the logs are, so make another one
            with contextlib.suppress(OSError):
                self._outbox.path(bundle).unlink(missing_ok=True)
            after = self._record(bundle, state=BundleState.ASKED, name="", size_bytes=0, sha256="", detail=str(error))
        else:
            next_try_ms = self._now_ms() + int(again.wait_s * 1000)
            after = self._record(bundle, state=BundleState.PACKED, next_try_ms=next_try_ms, detail=str(error))
        if again.needs_human:
            self._house.log.error("delivery.needs_somebody", alarm=True, bundle=bundle.id, why=str(error))
        self._publish(after)

    # Both

    def _make_room(self) -> None:
        busy = self._busy.get("deliver")
        going = surplus(
            self._outbox.bundles, self._settings.outbox_mib * _MIB, self._settings.outbox_keep_days, self._now_ms(),
            busy.bundle.id if busy else None,
        )  # fmt: skip
        for bundle, why in going:
            packing = self._busy.get("pack")
            if packing is None or packing.bundle.id != bundle.id:
                self._end(bundle, BundleState.DROPPED, f"{why}; the logs themselves are kept as long as ever")

    def _end(self, bundle: Bundle, state: BundleState, detail: str) -> None:
        after = self._outbox.end(bundle.id, state=state, detail=detail, ended_ms=self._now_ms(), next_try_ms=None)
        crashpoints.passing("outbox.ended")
        self._gauges.ended[state].inc()
        if state is BundleState.SHIPPED:
            self._house.log.info("bundle.shipped", bundle=bundle.id, tries=after.tries, size_bytes=after.size_bytes)
        else:
            self._house.log.error("bundle.ended", alarm=True, bundle=bundle.id, state=state.value, why=detail)
        self._publish(after)

    def _record(self, bundle: Bundle, **fields: object) -> Bundle:
        """Change a bundle; on a full disk for this life alone."""
        try:
            return self._outbox.update(bundle.id, **fields)
        except OSError as error:
            self._house.log.warning("outbox.not_written", alarm=True, bundle=bundle.id, why=str(error))
            return self._outbox.note(bundle.id, **fields)

    def _failed(self, reason: str, bundle: Bundle, why: str) -> None:
        self._gauges.failures[reason].inc()
        self._house.log.warning("bundle.failed", bundle=bundle.id, reason=reason, why=why)

    def _tell(self, bundle: Bundle, progress: ShipProgress) -> None:
        self.progress[bundle.id] = progress
        waiters, self._news = self._news, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _publish(self, bundle: Bundle) -> None:
        self._house.publisher.publish(TOPIC_LOGS, LogsEvent(bundle=bundle))

    def _now_ms(self) -> int:
        return self._house.clock.unix_ms()

    def _local_now(self) -> datetime:
        return datetime.fromtimestamp(self._now_ms() / 1000, UTC).astimezone()


def _cancel(task: asyncio.Future[Receipt]) -> None:
    task.cancel()

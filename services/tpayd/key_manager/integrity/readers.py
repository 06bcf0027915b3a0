"""The readers' self-tests: what the device broker has found by itself, by day, and by hand.

The broker tests a reader whenever it opens its port, and lends none that has failed. Here the results are gathered and
kept, and the daily tests asked for: one reader after the other, and only those that nobody uses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from msgspec import Raw

from tpayd.kit.bus import Caller, CallError
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.device_list import list_devices
from tpayd.kit.logs import Log
from tpayd_contracts.device import DeviceEvent, DeviceState
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.fleet import DEVICE_SHOW, DEVICE_TEST, DeviceQuery, DeviceTestProgress, SelfTest
from tpayd_contracts.integrity import Finding, FindingKind, IntegrityResult

__all__ = ["ReaderTests"]

TEST_LIMIT_S = 60.0
"""For one reader by hand, the wait for a payment that uses it included."""
DAILY_LIMIT_S = 30.0
PAUSE_S = 1.0
"""Between two daily tests: readers are missing to the lanes for a moment each, and never two of them."""
_TEXT_MAX = 512

Keep = Callable[[IntegrityResult], Awaitable[None]]
Tell = Callable[[str, int, int], None]


class ReaderTests:
    """One store's readers, seen from here."""

    def __init__(self, broker: Caller, keep: Keep, log: Log, pause_s: float = PAUSE_S) -> None:
        """`keep` takes each result."""
        self._broker = broker
        self._keep = keep
        self._log = log
        self._pause_s = pause_s
        self._noted: dict[str, SelfTest] = {}
        """Of each reader, the last one that is kept."""
        self._stale: set[str] = set()
        self._due = False
        self._owed: set[str] = set()
        """Readers of which the daily test is still to come."""

    # What the broker has found by itself

    def changed(self, _topic: str, _sequence: int, body: Raw) -> None:
        """The broker tells that a reader has another state."""
        event = decode_body(body, DeviceEvent)
        if event.device.state is not DeviceState.LEASED:
            self._stale.add(event.device.name)

    def missed(self) -> None:
        """Changes were lost."""
        self._stale |= self._noted.keys()

    async def look(self) -> frozenset[str] | None:
        """Gather what is new; the names of all readers, or None while the broker is away."""
        if not self._broker.connected:
            return None
        try:
            devices = await list_devices(self._broker)
            for name in [each.name for each in devices if each.name in self._stale or each.name not in self._noted]:
                report = await self._broker.call(DEVICE_SHOW, DeviceQuery(name))
                self._stale.discard(name)
                if report.self_test is not None:
                    await self._note(name, report.self_test)
        except CallError as error:
            self._log.info("integrity.readers_not_seen", why=error.message)
            return None
        return frozenset(each.name for each in devices)

    async def _note(self, name: str, told: SelfTest) -> None:
        """A reader that keeps failing is tried every few seconds: told once."""
        before = self._noted.get(name)
        self._noted[name] = told
        if before is None or (told.at_ms != before.at_ms and (told.passed or before.passed)):
            await self._keep(_result(name, told, "start" if before is None else "reconnect", 0))

    # By day and by hand

    def begin_daily(self) -> None:
        """The day's tests are due."""
        self._due = True

    async def go_on_daily(self) -> None:
        """Test what is owed and idle now; the others wait for the next call. The broker may be away."""
        if not (self._due or self._owed) or not self._broker.connected:
            return
        try:
            devices = {each.name: each for each in await list_devices(self._broker)}
            if self._due:
                # One that is absent is tested when it comes back.
                self._owed = {name for name, each in devices.items() if each.state is not DeviceState.ABSENT}
                self._due = False
            self._owed &= devices.keys()
            for name in sorted(each for each in self._owed if devices[each].state is DeviceState.READY):
                await self._test(name, "daily", DAILY_LIMIT_S, lambda _text: None)
                self._owed.discard(name)
                await asyncio.sleep(self._pause_s)
        except CallError as error:
            # Somebody was quicker, or the broker went away.
            self._log.info("integrity.reader_not_tested", why=error.message)

    async def by_hand(self, names: Iterable[str] | None, by: str, tell: Tell) -> None:
        """Test these readers, or all. Raises CallError where one that was named cannot be tested."""
        all_names = list(names) if names is not None else [each.name for each in await list_devices(self._broker)]
        for done, name in enumerate(all_names):
            tell(f"reader {name}", done, len(all_names))
            try:
                await self._test(name, by, TEST_LIMIT_S, lambda text, done=done: tell(text, done, len(all_names)))  # type: ignore[misc]
            except CallError as error:
                if names is not None:
                    raise
                tell(f"reader {name} was not tested: {error.message}", done, len(all_names))

    async def _test(self, name: str, by: str, limit_s: float, tell: Callable[[str], None]) -> None:
        """Raises CallError."""
        began = asyncio.get_running_loop().time()

        def progress(told: object) -> None:
            if isinstance(told, DeviceTestProgress):
                tell(told.text)

        try:
            told = await self._broker.call(DEVICE_TEST, DeviceQuery(name), ttl_s=limit_s, on_progress=progress)
        except CallError as error:
            if error.code is ErrorCode.TIMEOUT:
                text = f"reader {name} is in use, or did not end its test within {limit_s:.0f} s"
                raise CallError(ErrorCode.TIMEOUT, text, retryable=True) from error
            raise CallError(error.code, error.message, retryable=True, field=error.field) from error
        self._noted[name] = told
        await self._keep(_result(name, told, by, int((asyncio.get_running_loop().time() - began) * 1000)))


def _result(name: str, told: SelfTest, by: str, took_ms: int) -> IntegrityResult:
    findings: tuple[Finding, ...] = ()
    if not told.passed:
        kind = FindingKind.SELF_TEST if told.code else FindingKind.NO_ANSWER
        code = f" (code {told.code})" if told.code else ""
        findings = (Finding(kind, f"{told.problem or 'its self-test failed'}{code}"[:_TEXT_MAX]),)
    return IntegrityResult(
        at_ms=told.at_ms, by=by[:64], passed=told.passed, device=name, findings=findings, found=len(findings),
        took_ms=took_ms,
    )  # fmt: skip

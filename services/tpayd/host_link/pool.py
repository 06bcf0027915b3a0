"""The lines of one profile: which one carries an exchange, and how each exchange ends.

An exchange ends in exactly one of these ways:

| end                                    | when                                                      |
|----------------------------------------|-----------------------------------------------------------|
| answer                                 | the matching answer came on the line its request left on  |
| `host_unavailable`, not_started        | no line is signed on: no byte left                        |
| `busy`, not_started                    | the lines carry all they may, or the key is open: no byte |
| `invalid_body`, not_started            | the message has no match key: no byte left                |
| `timeout`, unknown                     | its bytes were handed to a line, and no answer came       |
| `peer_lost`, unknown                   | its bytes were handed to a line, and that line was lost   |

Bytes handed to a line may have left: they are never handed to another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from tpayd.host_link.deadlines import Deadlines
from tpayd.host_link.driver import Driver, LineOwner, Route
from tpayd.host_link.matching import InFlight, Stray
from tpayd.host_link.meters import Meters
from tpayd.host_link.network import NetworkMessages
from tpayd.host_link.settings import ProfileSettings
from tpayd.hosts import HostAdapter, HostFormatError, MatchKey, Opened
from tpayd.hosts.framing import Message
from tpayd.kit import crashpoints
from tpayd.kit.bus import CallError
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.host import Exchanged, Line, LineState

__all__ = ["Pool", "Waiting"]


class Waiting(Struct):
    """Somebody waits for an answer: exactly one of `answer` and `fail` is called, unless it is abandoned first."""

    answer: Callable[[Message], None]
    fail: Callable[[CallError], None]
    due_us: int
    ended: bool = False


class Pool:
    """All lines of the profile in force."""

    def __init__(
        self,
        profile: str,
        settings: ProfileSettings,
        routes: tuple[Route, ...],
        adapter: HostAdapter,
        *,
        clock: Clock,
        meters: Meters,
        log: Log,
        on_change: Callable[[Line], None],
    ) -> None:
        self._profile = profile
        self._settings = settings
        self._adapter = adapter
        self._clock = clock
        self._meters = meters
        self._log = log
        self._on_change = on_change
        self._in_flight: InFlight[Waiting] = InFlight()
        self._open_exchanges = 0
        meters.in_flight.set_function(lambda: self._open_exchanges)
        self._deadlines = Deadlines(clock, self._expire_due)
        self._idle = asyncio.Event()
        self._network = NetworkMessages(adapter, settings.station_id, clock)
        owner = LineOwner(
            changed=self._changed,
            lost=self._lost,
            message=self._message,
            sign_on=self._sign_on,
            echo=self._echo,
            sign_off=self._sign_off,
        )
        self._drivers = tuple(Driver(route, settings.waits, clock, owner) for route in routes)
        self._states = {driver.name: driver.line.state for driver in self._drivers}

    def start(self) -> None:
        """Begin to connect; returns at once."""
        for driver in self._drivers:
            driver.start()

    async def stop(self) -> None:
        """Sign off and close; what is still open ends as `peer_lost`."""
        await asyncio.gather(*(driver.stop() for driver in self._drivers))
        self._deadlines.close()

    async def drained(self) -> None:
        """Returns when no exchange is open."""
        while self._open_exchanges:
            self._idle.clear()
            await self._idle.wait()

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line as it is now."""
        return tuple(self._line(driver) for driver in self._drivers)

    def exchange(
        self, message: bytes, wait_s: float, answer: Callable[[Exchanged], None], fail: Callable[[CallError], None]
    ) -> Callable[[], None]:
        """Send `message` on one line, and have one of the two called, later. Returns what abandons the wait.

        Raises CallError, always not_started, where no byte left.
        """
        key = self._key(message)
        driver = self._pick()
        sent_us = self._clock.monotonic_us()

        def answered(found: Message) -> None:
            crashpoints.passing("line.received")
            host_us = max(0, found.began_us - sent_us)
            self._meters.answered(host_us / 1e6)
            self._exchange_closed()
            answer(Exchanged(message=found.raw, host_us=host_us, line=driver.name))
            crashpoints.passing("line.answered")

        def failed(error: CallError) -> None:
            self._exchange_ended(error.code.value)
            fail(error)

        waiting = Waiting(answered, failed, sent_us + int(wait_s * 1e6))
        crashpoints.passing("line.before_send")
        if not self._send(driver, key, message, waiting):
            raise self._unavailable()
        crashpoints.passing("line.after_send")
        self._open_exchanges += 1
        return lambda: self._abandon(key, waiting)

    def other_profile(self, asked: str) -> CallError:
        """The refusal of an exchange for a profile that is not in force."""
        text = f"the host profile in force is {self._profile!r}, not {asked!r}; nothing was sent"
        return self._refused(ErrorCode.HOST_UNAVAILABLE, text, field="$.profile")

    # Sending

    def _key(self, message: bytes) -> MatchKey:
        try:
            key = self._adapter.match_key(message)
        except HostFormatError as error:
            text = f"not a message of {self._adapter.name}: {error}"
            raise self._refused(ErrorCode.INVALID_BODY, text, field="$.message") from None
        if key in self._in_flight:
            text = "a request with the same type class, terminal and STAN is open: its answer could not be told apart"
            raise self._refused(ErrorCode.BUSY, text, retryable=True, field="$.message", detail="same_key_open")
        return key

    def _pick(self) -> Driver:
        """Of the usable lines the one with the fewest open requests."""
        driver, fewest = None, 0
        for each in self._drivers:
            if each.usable and ((on := self._in_flight.on(each.name)) < fewest or driver is None):
                driver, fewest = each, on
        if driver is None:
            raise self._unavailable()
        if fewest >= self._settings.max_in_flight_per_line:
            text = f"each line carries {self._settings.max_in_flight_per_line} exchanges, the most it may"
            raise self._refused(ErrorCode.BUSY, text, retryable=True, detail="lines_full")
        return driver

    def _send(self, driver: Driver, key: MatchKey, message: bytes, waiting: Waiting) -> bool:
        if not driver.send(message):
            return False
        self._in_flight.open(key, driver.name, waiting)
        self._deadlines.put(waiting.due_us)
        return True

    def _unavailable(self) -> CallError:
        lines = "; ".join(f"{each.name} ({each.address}): {each.detail or each.state}" for each in self.lines)
        if not lines:
            lines = f"profiles.{self._profile}.addresses in config/host_link.toml is empty"
        text = f"no line to the card host is signed on; nothing was sent. {lines}"
        return self._refused(ErrorCode.HOST_UNAVAILABLE, text, retryable=True)

    def _refused(
        self,
        code: ErrorCode,
        text: str,
        *,
        retryable: bool = False,
        field: str | None = None,
        detail: str | None = None,
    ) -> CallError:
        self._meters.ended("not_started")
        return CallError(code, text, outcome=Outcome.NOT_STARTED, retryable=retryable, field=field, detail=detail)

    # How an exchange ends

    def _message(self, driver: Driver, message: Message) -> None:
        try:
            key = self._adapter.match_key(message.raw)
            if not self._adapter.is_answer(message.raw):
                self._unasked(driver, message.raw)
                return
        except HostFormatError as error:
            self._meters.garbled()
            self._log.warning("host.garbled_message", line=driver.name, why=str(error), bytes=len(message.raw))
            return
        found = self._in_flight.answered(key, driver.name)
        if isinstance(found, Stray):
            self._meters.stray(found)
            self._log.warning(
                "host.stray_answer", line=driver.name, kind=found.value, type_class=key.type_class.value,
                terminal_id=key.terminal_id, stan=key.stan,
            )  # fmt: skip
            return
        found.ended = True
        found.answer(message)

    def _unasked(self, driver: Driver, raw: bytes) -> None:
        reply = self._adapter.reply_to(raw)
        if reply is None or not driver.send(reply):
            self._meters.unasked()
            self._log.warning("host.unasked_message", line=driver.name, bytes=len(raw))

    def _expire_due(self, now_us: int) -> int | None:
        for key, waiting in self._in_flight.items():
            if waiting.due_us <= now_us and not waiting.ended:
                self._expire(key, waiting)
        return min((waiting.due_us for _, waiting in self._in_flight.items() if not waiting.ended), default=None)

    def _expire(self, key: MatchKey, waiting: Waiting) -> None:
        self._in_flight.give_up(key)
        waiting.ended = True
        waiting.fail(CallError.unknown(ErrorCode.TIMEOUT, "the host did not answer in time; it may have booked"))

    def _lost(self, driver: Driver) -> None:
        for waiting in self._in_flight.lose(driver.name):
            waiting.ended = True
            text = f"line {driver.name} was lost after the request was sent; the host may have booked"
            waiting.fail(CallError.unknown(ErrorCode.PEER_LOST, text))

    def _abandon(self, key: MatchKey, waiting: Waiting) -> None:
        """Nobody waits any more; the bytes have left all the same."""
        if not waiting.ended:
            self._in_flight.give_up(key)
            waiting.ended = True
            self._exchange_ended("abandoned")

    def _exchange_ended(self, outcome: str) -> None:
        self._meters.ended(outcome)
        self._exchange_closed()

    def _exchange_closed(self) -> None:
        self._open_exchanges -= 1
        if not self._open_exchanges:
            self._idle.set()

    # The lines' own messages

    def _sign_on(self, driver: Driver, told: Callable[[Opened], None]) -> None:
        self._own(driver, self._network.sign_on(), told)

    def _echo(self, driver: Driver) -> None:
        # Whatever is heard keeps the line alive; the answer needs no look.
        self._own(driver, self._network.echo(), lambda _: None)

    def _sign_off(self, driver: Driver) -> None:
        driver.send(self._network.sign_off())

    def _own(self, driver: Driver, message: bytes, told: Callable[[Opened], None]) -> None:
        def answered(found: Message) -> None:
            try:
                opened = self._adapter.open(found.raw)
            except HostFormatError as error:
                self._meters.garbled()
                self._log.warning("host.garbled_message", line=driver.name, why=str(error), bytes=len(found.raw))
                return
            told(opened)

        # The line has its own waits for these; this one only frees the key.
        wait_s = self._settings.waits.sign_on_s + self._settings.waits.echo_answer_s
        waiting = Waiting(answered, lambda _: None, self._clock.monotonic_us() + int(wait_s * 1e6))
        self._send(driver, self._adapter.match_key(message), message, waiting)

    # What people see

    def _changed(self, driver: Driver) -> None:
        line = self._line(driver)
        self._meters.line(driver.name, self._states[driver.name], line.state)
        self._states[driver.name] = line.state
        report = self._log.warning if line.state is LineState.DOWN else self._log.info
        report("host.line", line=line.name, state=line.state.value, address=line.address, detail=line.detail)
        self._on_change(line)

    def _line(self, driver: Driver) -> Line:
        return Line(
            profile=self._profile,
            name=driver.name,
            state=driver.line.state,
            address=driver.route.address,
            detail=driver.line.detail or None,
            in_flight=self._in_flight.on(driver.name),
        )

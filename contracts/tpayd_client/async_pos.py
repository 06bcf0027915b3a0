"""The asyncio client: the same calls, awaited; many at once on one connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

import zmq

from tpayd_client.calls import Calls, OnExchange, OnProgress
from tpayd_client.engine import Ticket
from tpayd_client.errors import ConnectionFailed, TpaydError
from tpayd_client.events import OnEvent, OnGap, Subscription
from tpayd_client.flows import Ask, Begin, Course, End, Flow, Pause, Wish
from tpayd_client.orders import Order
from tpayd_client.plan import CONNECT_TIMEOUT_S, PathLike, Plan
from tpayd_client.request_log import OpenRequest, RequestLog
from tpayd_client.starting import UP_WAIT_S, Starter
from tpayd_client.transport import Channel
from tpayd_client.types import (
    Amount,
    CloseProgress,
    CloseReport,
    DayTotals,
    Device,
    DeviceList,
    Health,
    KeyedNumber,
    KeyInfo,
    KeyList,
    Language,
    LineStatus,
    MembershipCard,
    OwedReversals,
    PaymentResult,
    PoolStatus,
    PosKey,
    ReceiptCopy,
    ReceiptSheet,
    ScannedCode,
    ScreenState,
    SettledAs,
    Slots,
    StoreStatus,
    Story,
    UnacknowledgedPayments,
    Welcome,
)

__all__ = ["AsyncPos"]

T = TypeVar("T")

POLL_EVERY_S = 0.005
"""How often to look where the event loop cannot watch sockets (the Proactor loop of Windows)."""


class AsyncPos:
    """A connection to the gateway, for one event loop. What each method does stands at its twin in `Pos`.

    A cancelled call tells the daemon to end what it still can; a payment's id stays in the request log.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        request_log: PathLike | RequestLog | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
        clock_s: Callable[[], float] = time.monotonic,
        starter: Starter | None = None,
        traceparent: Callable[[], str | None] | None = None,
    ) -> None:
        self._clock_s = clock_s
        self._starter = starter
        self._traceparent = traceparent or (lambda: None)
        self._starting: asyncio.Future[None] | None = None
        self._connect_timeout_s = connect_timeout_s
        self._log = plan.request_log(request_log)
        self._calls = Calls(clock_s)
        self._engine = plan.engine(clock_s, context)
        self._events = self._engine.listener = Subscription(self._subscribe_again)
        self._watched: Channel | None = None
        self._unwatch: Callable[[], None] = _ignore
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connection. A payment under way goes on in the daemon; its id stays in the request log."""
        self._stop_watching()
        self._engine.close()
        if self._timer is not None:
            self._timer.cancel()
        self._log.close()

    async def connect(self) -> Welcome:
        """Make sure that there is a session. Raises ConnectionFailed or NotAllowed."""
        await self._ask(Ask("", {}, self._connect_timeout_s))
        welcome = self._engine.welcome
        if welcome is None:
            raise RuntimeError("a session without a welcome")
        return welcome

    # Payments

    async def sale(
        self,
        lane: str,
        amount: int | Amount,
        installments: int = 0,
        *,
        reference: str | None = None,
        allow_duplicate: bool = False,
        request_id: str | None = None,
        on_progress: OnProgress | None = None,
        timeout_s: float = 120.0,
    ) -> PaymentResult:
        return await self._run(
            self._calls.sale(lane, amount, installments, reference, allow_duplicate, request_id, on_progress, timeout_s)
        )

    async def order(
        self,
        order: Order,
        *,
        request_id: str | None = None,
        on_progress: OnProgress | None = None,
        timeout_s: float = 120.0,
    ) -> PaymentResult:
        return await self._run(self._calls.order(order, request_id, on_progress, timeout_s))

    async def confirm(self, lane: str, request_id: str, *, proceed: bool) -> PaymentResult:
        return await self._run(self._calls.confirm(lane, request_id, proceed))

    async def membership(
        self, lane: str, *, on_progress: OnProgress | None = None, timeout_s: float = 120.0
    ) -> MembershipCard:
        return await self._run(self._calls.membership(lane, on_progress, timeout_s))

    async def status(self, lane: str, request_id: str) -> PaymentResult:
        return await self._run(self._calls.about("payment.status", lane, request_id))

    async def resolve(self, lane: str, request_id: str, *, timeout_s: float = 60.0) -> PaymentResult:
        return await self._run(self._calls.resolve(lane, request_id, timeout_s))

    async def abort(self, lane: str, request_id: str) -> PaymentResult:
        return await self._run(self._calls.about("payment.abort", lane, request_id))

    async def acknowledge(self, lane: str, request_id: str) -> PaymentResult:
        return await self._run(self._calls.about("payment.acknowledge", lane, request_id))

    async def last(self, lane: str) -> PaymentResult:
        return await self._run(self._calls.last(lane))

    async def explain(self, lane: str | None, request_id: str | None = None, *, payment_id: str | None = None) -> Story:
        return await self._run(self._calls.explain(lane, request_id, payment_id))

    async def receipt(
        self,
        lane: str,
        request_id: str,
        *,
        copy: ReceiptCopy = ReceiptCopy.CUSTOMER,
        language: Language = Language.KO,
        reprint: bool = False,
    ) -> ReceiptSheet:
        return await self._run(self._calls.receipt(lane, request_id, copy, language, reprint))

    async def unacknowledged(self, lane: str | None = None) -> UnacknowledgedPayments:
        return await self._run(self._calls.unacknowledged(lane))

    async def totals(self, business_day: str | None = None) -> DayTotals:
        return await self._run(self._calls.totals(business_day))

    async def close_business(
        self, business_day: str | None = None, *, on_progress: Callable[[CloseProgress], None] | None = None
    ) -> CloseReport:
        return await self._run(self._calls.close_business(business_day, on_progress))

    async def close_report(self, business_day: str | None = None, number: int | None = None) -> CloseReport:
        return await self._run(self._calls.close_report(business_day, number))

    async def owed_reversals(self, lane: str | None = None) -> OwedReversals:
        return await self._run(self._calls.owed_reversals(lane))

    async def settle(self, lane: str, request_id: str, outcome: SettledAs, note: str) -> PaymentResult:
        return await self._run(self._calls.settle(lane, request_id, outcome, note))

    def unresolved(self) -> tuple[OpenRequest, ...]:
        return self._log.unresolved()

    # Beside the card

    async def key(self, lane: str, key: PosKey, *, request_id: str | None = None) -> PaymentResult:
        """Enter confirms what is asked about the lane's payment, Esc cancels it; Failed with `too_late` after.

        To be called from `on_progress`, or by another client of the lane.
        """
        return await self._run(self._calls.key(lane, key, request_id))

    async def watch_screen(self, lane: str, seen: str | None = None, *, wait_s: float = 20.0) -> ScreenState:
        """What the lane's screen is to show, once that is something else than `seen`, or after `wait_s`.

        For a display before the customer: show it, then ask again at once with its token.
        """
        return await self._run(self._calls.watch_screen(lane, seen, wait_s))

    async def sign_on_screen(
        self, lane: str, token: str, strokes: Sequence[Sequence[int]], *, width: int = 128, height: int = 64
    ) -> None:
        """The customer's signature for a prompt, each stroke as x, y, x, y, …; none if he does not want to sign."""
        await self._run(self._calls.sign_on_screen(lane, token, strokes, width, height))

    async def number_on_screen(self, lane: str, token: str, number: str) -> None:
        """The number that the customer keyed for a prompt; empty if he does not want to."""
        await self._run(self._calls.number_on_screen(lane, token, number))

    async def card_inserted(self, lane: str) -> Slots:
        """Whether a card is in one of the readers that the lane may use."""
        return await self._run(self._calls.card_inserted(lane))

    async def eject_card(self, lane: str, *, wait_s: float = 30.0) -> Slots:
        """Have a card that is inside taken out, and wait for that. Raises TpaydError (`card_timeout`)."""
        return await self._run(self._calls.eject_card(lane, wait_s))

    async def key_number(
        self,
        lane: str,
        min_digits: int = 1,
        max_digits: int = 20,
        *,
        lines: Sequence[str] = (),
        wait_s: float = 30.0,
        on_progress: OnProgress | None = None,
    ) -> KeyedNumber:
        """Have the customer key a number, on the lane's pad or screen; `lines` is what the pad shows."""
        return await self._run(self._calls.key_number(lane, (min_digits, max_digits), lines, wait_s, on_progress))

    async def scan_code(self, lane: str, *, wait_s: float = 30.0, on_progress: OnProgress | None = None) -> ScannedCode:
        """Have a reader scan a QR code or barcode."""
        return await self._run(self._calls.scan_code(lane, wait_s, on_progress))

    async def show_text(self, lane: str, *lines: str, show_s: float = 5.0) -> None:
        """Show up to four lines of 16 letters on the lane's pad, for so long."""
        await self._run(self._calls.show_text(lane, lines, show_s))

    # The store

    async def health(self) -> Health:
        return await self._run(self._calls.health())

    async def store_status(self) -> StoreStatus:
        return await self._run(self._calls.store_status())

    async def devices(self) -> DeviceList:
        return await self._run(self._calls.devices())

    async def pool_status(self, pool: str | None = None) -> PoolStatus:
        return await self._run(self._calls.pool_status(pool))

    async def maintenance(self, device: str, *, on: bool, reason: str = "") -> Device:
        return await self._run(self._calls.maintenance(device, on, reason))

    async def host_status(self) -> LineStatus:
        return await self._run(self._calls.host_status())

    async def keys(self) -> KeyList:
        return await self._run(self._calls.keys())

    async def exchange_reader_key(self, device: str, *, on_progress: OnExchange | None = None) -> KeyInfo:
        return await self._run(self._calls.exchange_reader_key(device, on_progress))

    async def exchange_terminal_key(self, terminal: str, *, on_progress: OnExchange | None = None) -> KeyInfo:
        return await self._run(self._calls.exchange_terminal_key(terminal, on_progress))

    # Anything else

    async def call(
        self,
        op: str,
        body: Mapping[str, Any],
        *,
        key: str | None = None,
        ttl_s: float = 10.0,
        on_progress: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Mapping[str, Any]:
        return await self._run(self._calls.plain(op, body, key, ttl_s, on_progress))

    async def subscribe(self, topics: Sequence[str], on_event: OnEvent, on_gap: OnGap | None = None) -> None:
        """Hear of `topics` from now on, also over reconnects. After a gap, ask for the present state."""
        self._events.want(topics, on_event, on_gap)
        self._engine.keep_open = bool(topics)
        await self._settled(self._subscribe())

    # Inside

    async def _run(self, flow: Flow[T]) -> T:
        with Course(flow) as course:
            while course.wish is not None:
                try:
                    result = await self._grant(course.wish)
                except TpaydError as error:
                    course.fail(error)
                else:
                    course.give(result)
            return course.value

    async def _grant(self, wish: Wish) -> Mapping[str, Any] | None:
        match wish:
            case Ask():
                return await self._ask(wish)
            case Pause():
                await asyncio.sleep(wish.seconds)
            case Begin():
                # A sync to disk takes milliseconds, in which the loop has other things to do.
                await asyncio.to_thread(self._log.begin, wish.lane, wish.request_id)
            case End():
                self._log.end(wish.request_id, wish.verdict)
        return None

    async def _ask(self, wish: Ask) -> Mapping[str, Any]:
        try:
            return await self._settled(self._ticket(wish))
        except ConnectionFailed as error:
            # Nothing was sent: after a start the same request is made for the first time.
            if self._starter is None:
                raise
            if self._starting is None and not self._starter.due:
                raise self._starter.why or error from None
        await self._started(self._starter)
        return await self._settled(self._ticket(wish, max(self._connect_timeout_s, UP_WAIT_S)))

    async def _started(self, starter: Starter) -> None:
        """One start for all who wait for it; whoever leaves, it goes on for the others."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(asyncio.to_thread(starter.start))
            self._starting.add_done_callback(self._start_ended)
        await asyncio.shield(self._starting)

    def _start_ended(self, starting: asyncio.Future[None]) -> None:
        self._starting = None
        if not starting.cancelled():
            starting.exception()  # heard, though nobody may wait for it any more

    def _ticket(self, wish: Ask, connect_timeout_s: float | None = None) -> Ticket:
        ticket = Ticket(
            op=wish.op, body=wish.body, key=wish.key, trace=self._traceparent(), ttl_s=wish.ttl_s,
            on_progress=wish.on_progress,
            send_by_s=self._clock_s() + min(connect_timeout_s or self._connect_timeout_s, wish.ttl_s),
        )  # fmt: skip
        self._engine.submit(ticket)
        return ticket

    async def _settled(self, ticket: Ticket) -> Mapping[str, Any]:
        done = asyncio.get_running_loop().create_future()
        ticket.on_done = lambda: None if done.done() else done.set_result(None)
        self._turn()
        try:
            if not ticket.done:
                await done
        except asyncio.CancelledError:
            self._engine.cancel(ticket)
            raise
        return ticket.result()

    def _turn(self) -> None:
        self._engine.turn()
        self._watch()
        due_s = self._engine.due_s()
        if due_s is None or (self._timer is not None and self._timer_at_s <= due_s):
            return
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer_at_s = due_s
        self._timer = loop.call_later(max(0.0, due_s - self._clock_s()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._turn()

    def _watch(self) -> None:
        channel = self._engine.channel
        if channel is self._watched:
            return
        self._stop_watching()
        self._watched = channel
        if channel is None:
            return
        loop = asyncio.get_running_loop()
        descriptors = (int(channel.socket.fileno()), int(channel.monitor.fileno()))
        try:
            for descriptor in descriptors:
                loop.add_reader(descriptor, self._turn)
        except NotImplementedError:
            polling = loop.create_task(self._poll(channel))
            self._unwatch = lambda: _ignore(polling.cancel())
        else:
            self._unwatch = lambda: _ignore(*map(loop.remove_reader, descriptors))

    def _stop_watching(self) -> None:
        self._unwatch()
        self._unwatch = _ignore
        self._watched = None

    async def _poll(self, channel: Channel) -> None:
        while self._engine.channel is channel:
            await asyncio.sleep(POLL_EVERY_S)
            self._turn()

    def _subscribe(self) -> Ticket:
        ticket = self._ticket(Ask("events.subscribe", self._events.body(), 10.0))
        ticket.on_answer = self._subscribed
        return ticket

    def _subscribed(self, reply: Mapping[str, Any]) -> None:
        self._engine.expect_events_after(reply["sequence"])
        self._events.active = bool(self._events.topics)

    def _subscribe_again(self) -> None:
        self._subscribe()


def _ignore(*_: object) -> None:
    return

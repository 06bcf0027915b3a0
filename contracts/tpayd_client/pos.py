"""The synchronous client: each method returns when there is an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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

__all__ = ["Pos"]

T = TypeVar("T")


class Pos:
    """A connection to the gateway, for one thread at a time.

    All methods raise TpaydError (`tpayd_client.errors`). A callback may call the client itself, e.g. `abort` from
    `on_progress`; a callback that fails is logged and does not stop a payment.
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
        """`starter`: how to start the daemon when it is found down."""
        self._clock_s = clock_s
        self._starter = starter
        self._traceparent = traceparent or (lambda: None)
        self._connect_timeout_s = connect_timeout_s
        self._log = plan.request_log(request_log)
        self._calls = Calls(clock_s)
        self._engine = plan.engine(clock_s, context)
        self._events = self._engine.listener = Subscription(self._subscribe_again)
        self._turn = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection. A payment under way goes on in the daemon; its id stays in the request log."""
        with self._one_thread():
            self._engine.close()
            self._log.close()

    def connect(self) -> Welcome:
        """Make sure that there is a session. Raises ConnectionFailed or NotAllowed."""
        with self._one_thread():
            self._ask(Ask("", {}, self._connect_timeout_s))
        welcome = self._engine.welcome
        if welcome is None:
            raise RuntimeError("a session without a welcome")
        return welcome

    # Payments

    def sale(
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
        """A credit sale; `amount` is the total in minor units, or an Amount with its parts.

        Where it looks like a payment that was just made, `on_progress` is told `confirm_duplicate`, and `confirm` says
        whether it is meant; `allow_duplicate` spares the question. Returns PAID or NOT_PAID. Where the answer is lost,
        the outcome is asked for, for 30 s beyond `timeout_s`; then WAIT is returned if the daemon still says so, and
        OutcomeUnknown raised if it says nothing.
        """
        return self._run(
            self._calls.sale(lane, amount, installments, reference, allow_duplicate, request_id, on_progress, timeout_s)
        )

    def confirm(self, lane: str, request_id: str, *, proceed: bool) -> PaymentResult:
        """Answer the step `confirm_duplicate`; to be called from `on_progress`. Raises TpaydError (`too_late`)."""
        return self._run(self._calls.confirm(lane, request_id, proceed))

    def order(
        self,
        order: Order,
        *,
        request_id: str | None = None,
        on_progress: OnProgress | None = None,
        timeout_s: float = 120.0,
    ) -> PaymentResult:
        """Any order by its request, e.g. `pos.order(VoidRequest(lane, OriginalPayment(sold)))`. Ends as `sale` does."""
        return self._run(self._calls.order(order, request_id, on_progress, timeout_s))

    def membership(
        self, lane: str, *, on_progress: OnProgress | None = None, timeout_s: float = 120.0
    ) -> MembershipCard:
        """Have a membership card read [멤버십]. Nothing is paid and nothing kept. Raises TpaydError."""
        return self._run(self._calls.membership(lane, on_progress, timeout_s))

    def status(self, lane: str, request_id: str) -> PaymentResult:
        """What is known now. Asking under an id that was never seen buries it: it can no longer be used."""
        return self._run(self._calls.about("payment.status", lane, request_id))

    def resolve(self, lane: str, request_id: str, *, timeout_s: float = 60.0) -> PaymentResult:
        """Ask until there is a verdict; what to do after OutcomeUnknown, and for each of `unresolved()` at start."""
        return self._run(self._calls.resolve(lane, request_id, timeout_s))

    def abort(self, lane: str, request_id: str) -> PaymentResult:
        """End a payment that has not gone to the host yet; Failed with `too_late` after."""
        return self._run(self._calls.about("payment.abort", lane, request_id))

    def acknowledge(self, lane: str, request_id: str) -> PaymentResult:
        """The verdict is on record at the POS; closes the payment."""
        return self._run(self._calls.about("payment.acknowledge", lane, request_id))

    def last(self, lane: str) -> PaymentResult:
        """The lane's newest payment, the one under way first; for a POS that lost all but its lane.

        Refused with `not_found` if the lane never paid.
        """
        return self._run(self._calls.last(lane))

    def explain(self, lane: str | None, request_id: str | None = None, *, payment_id: str | None = None) -> Story:
        """What happened in a payment, step by step; without an id, in the lane's newest one."""
        return self._run(self._calls.explain(lane, request_id, payment_id))

    def receipt(
        self,
        lane: str,
        request_id: str,
        *,
        copy: ReceiptCopy = ReceiptCopy.CUSTOMER,
        language: Language = Language.KO,
        reprint: bool = False,
    ) -> ReceiptSheet:
        """The receipt of a payment that is PAID, as data and text. Each answer counts as one print."""
        return self._run(self._calls.receipt(lane, request_id, copy, language, reprint))

    def unacknowledged(self, lane: str | None = None) -> UnacknowledgedPayments:
        """Payments that are PAID and were not acknowledged in time."""
        return self._run(self._calls.unacknowledged(lane))

    def totals(self, business_day: str | None = None) -> DayTotals:
        """A business day (YYYYMMDD, else the present one) as the store's book has it now."""
        return self._run(self._calls.totals(business_day))

    def close_business(
        self, business_day: str | None = None, *, on_progress: Callable[[CloseProgress], None] | None = None
    ) -> CloseReport:
        """Compare a business day with host and tills, and keep the report [마감]. Needs the right admin."""
        return self._run(self._calls.close_business(business_day, on_progress))

    def close_report(self, business_day: str | None = None, number: int | None = None) -> CloseReport:
        """The report of a former close; the last one where nothing is said."""
        return self._run(self._calls.close_report(business_day, number))

    def owed_reversals(self, lane: str | None = None) -> OwedReversals:
        """What must be taken back and is not yet. Needs the right `admin`."""
        return self._run(self._calls.owed_reversals(lane))

    def settle(self, lane: str, request_id: str, outcome: SettledAs, note: str) -> PaymentResult:
        """Settle by hand a payment that stands at `needs_human`. Needs the right `admin`."""
        return self._run(self._calls.settle(lane, request_id, outcome, note))

    def unresolved(self) -> tuple[OpenRequest, ...]:
        """Payments that were begun and have no verdict on record, e.g. before a crash."""
        return self._log.unresolved()

    # Beside the card

    def key(self, lane: str, key: PosKey, *, request_id: str | None = None) -> PaymentResult:
        """Enter confirms what is asked about the lane's payment, Esc cancels it; Failed with `too_late` after.

        To be called from `on_progress`, or by another client of the lane.
        """
        return self._run(self._calls.key(lane, key, request_id))

    def watch_screen(self, lane: str, seen: str | None = None, *, wait_s: float = 20.0) -> ScreenState:
        """What the lane's screen is to show, once that is something else than `seen`, or after `wait_s`.

        For a display before the customer: show it, then ask again at once with its token.
        """
        return self._run(self._calls.watch_screen(lane, seen, wait_s))

    def sign_on_screen(
        self, lane: str, token: str, strokes: Sequence[Sequence[int]], *, width: int = 128, height: int = 64
    ) -> None:
        """The customer's signature for a prompt, each stroke as x, y, x, y, …; none if he does not want to sign."""
        self._run(self._calls.sign_on_screen(lane, token, strokes, width, height))

    def number_on_screen(self, lane: str, token: str, number: str) -> None:
        """The number that the customer keyed for a prompt; empty if he does not want to."""
        self._run(self._calls.number_on_screen(lane, token, number))

    def card_inserted(self, lane: str) -> Slots:
        """Whether a card is in one of the readers that the lane may use."""
        return self._run(self._calls.card_inserted(lane))

    def eject_card(self, lane: str, *, wait_s: float = 30.0) -> Slots:
        """Have a card that is inside taken out, and wait for that. Raises TpaydError (`card_timeout`)."""
        return self._run(self._calls.eject_card(lane, wait_s))

    def key_number(
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
        return self._run(self._calls.key_number(lane, (min_digits, max_digits), lines, wait_s, on_progress))

    def scan_code(self, lane: str, *, wait_s: float = 30.0, on_progress: OnProgress | None = None) -> ScannedCode:
        """Have a reader scan a QR code or barcode."""
        return self._run(self._calls.scan_code(lane, wait_s, on_progress))

    def show_text(self, lane: str, *lines: str, show_s: float = 5.0) -> None:
        """Show up to four lines of 16 letters on the lane's pad, for so long."""
        self._run(self._calls.show_text(lane, lines, show_s))

    # The store

    def health(self) -> Health:
        """The gateway's own health."""
        return self._run(self._calls.health())

    def store_status(self) -> StoreStatus:
        """The health of every process."""
        return self._run(self._calls.store_status())

    def devices(self) -> DeviceList:
        """All readers and pads; a large store's are asked for page by page."""
        return self._run(self._calls.devices())

    def pool_status(self, pool: str | None = None) -> PoolStatus:
        """How the pools of readers stand, and how fair they have been of late."""
        return self._run(self._calls.pool_status(pool))

    def maintenance(self, device: str, *, on: bool, reason: str = "") -> Device:
        """Keep a reader from payments while somebody works on it, or give it back. Needs the right `admin`."""
        return self._run(self._calls.maintenance(device, on, reason))

    def host_status(self) -> LineStatus:
        return self._run(self._calls.host_status())

    def keys(self) -> KeyList:
        return self._run(self._calls.keys())

    def exchange_reader_key(self, device: str, *, on_progress: OnExchange | None = None) -> KeyInfo:
        return self._run(self._calls.exchange_reader_key(device, on_progress))

    def exchange_terminal_key(self, terminal: str, *, on_progress: OnExchange | None = None) -> KeyInfo:
        return self._run(self._calls.exchange_terminal_key(terminal, on_progress))

    # Anything else

    def call(
        self,
        op: str,
        body: Mapping[str, Any],
        *,
        key: str | None = None,
        ttl_s: float = 10.0,
        on_progress: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Mapping[str, Any]:
        """Any operation by name, with plain maps."""
        return self._run(self._calls.plain(op, body, key, ttl_s, on_progress))

    def subscribe(self, topics: Sequence[str], on_event: OnEvent, on_gap: OnGap | None = None) -> None:
        """Hear of `topics` while a method runs, or in `listen`. After a gap, ask for the present state."""
        self._events.want(topics, on_event, on_gap)
        self._engine.keep_open = bool(topics)
        with self._one_thread():
            self._wait(self._subscribe())

    def listen(self, seconds: float) -> None:
        """Give events their turn for so long."""
        with self._one_thread():
            self._pause(seconds)

    # Inside

    def _run(self, flow: Flow[T]) -> T:
        with self._one_thread(), Course(flow) as course:
            while course.wish is not None:
                try:
                    result = self._grant(course.wish)
                except TpaydError as error:
                    course.fail(error)
                else:
                    course.give(result)
            return course.value

    def _grant(self, wish: Wish) -> Mapping[str, Any] | None:
        match wish:
            case Ask():
                return self._ask(wish)
            case Pause():
                self._pause(wish.seconds)
            case Begin():
                self._log.begin(wish.lane, wish.request_id)
            case End():
                self._log.end(wish.request_id, wish.verdict)
        return None

    def _ask(self, wish: Ask) -> Mapping[str, Any]:
        try:
            return self._wait(self._ticket(wish))
        except ConnectionFailed as error:
            # Nothing was sent: after a start the same request is made for the first time.
            if self._starter is None:
                raise
            if not self._starter.due:
                raise self._starter.why or error from None
        self._starter.start()
        return self._wait(self._ticket(wish, max(self._connect_timeout_s, UP_WAIT_S)))

    def _ticket(self, wish: Ask, connect_timeout_s: float | None = None) -> Ticket:
        ticket = Ticket(
            op=wish.op, body=wish.body, key=wish.key, trace=self._traceparent(), ttl_s=wish.ttl_s,
            on_progress=wish.on_progress,
            send_by_s=self._clock_s() + min(connect_timeout_s or self._connect_timeout_s, wish.ttl_s),
        )  # fmt: skip
        self._engine.submit(ticket)
        return ticket

    def _wait(self, ticket: Ticket) -> Mapping[str, Any]:
        try:
            self._engine.turn()
            while not ticket.done:
                self._poll(None)
                self._engine.turn()
        except BaseException:
            # The caller leaves, e.g. by Ctrl-C: the daemon ends what it still can.
            self._engine.cancel(ticket)
            raise
        return ticket.result()

    def _pause(self, seconds: float) -> None:
        end_s = self._clock_s() + seconds
        self._engine.turn()
        while (left_s := end_s - self._clock_s()) > 0:
            self._poll(left_s)
            self._engine.turn()

    def _poll(self, limit_s: float | None) -> None:
        due_s = self._engine.due_s()
        waits_s = [limit_s] if limit_s is not None else []
        if due_s is not None:
            waits_s.append(max(0.0, due_s - self._clock_s()))
        wait_s = min(waits_s, default=1.0)
        channel = self._engine.channel
        if channel is None:
            time.sleep(min(wait_s, 0.05))
            return
        poller = zmq.Poller()
        poller.register(channel.socket, zmq.POLLIN | (zmq.POLLOUT if self._engine.wants_to_send else 0))
        poller.register(channel.monitor, zmq.POLLIN)
        poller.poll(int(wait_s * 1000) + 1)

    def _subscribe(self) -> Ticket:
        ticket = self._ticket(Ask("events.subscribe", self._events.body(), 10.0))
        ticket.on_answer = self._subscribed
        return ticket

    def _subscribed(self, reply: Mapping[str, Any]) -> None:
        self._engine.expect_events_after(reply["sequence"])
        self._events.active = bool(self._events.topics)

    def _subscribe_again(self) -> None:
        self._subscribe()

    @contextmanager
    def _one_thread(self) -> Iterator[None]:
        # A ZeroMQ socket in two threads at once aborts the whole process, so a second thread is told off in time.
        if not self._turn.acquire(blocking=False):
            raise RuntimeError("this Pos is in use by another thread: make one for each thread")
        try:
            yield
        finally:
            self._turn.release()

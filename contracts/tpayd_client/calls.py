"""Every operation as a flow: what it sends, how long it waits, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tpayd_client.flows import Ask, Flow, ask, pay, read, resolve, typed
from tpayd_client.orders import OPS, Order
from tpayd_client.request_ids import new_request_id
from tpayd_client.types import (
    Amount,
    CloseProgress,
    CloseReport,
    Confirmation,
    DayQuery,
    DayTotals,
    Device,
    DeviceList,
    DevicesQuery,
    EjectCard,
    ExchangeProgress,
    ExchangeReader,
    ExchangeTerminal,
    ExplainRequest,
    Health,
    InsertedQuery,
    KeyedNumber,
    KeyInfo,
    KeyList,
    KeyNumber,
    KeyPress,
    KeysQuery,
    LaneQuery,
    LaneRef,
    Language,
    LineStatus,
    Maintenance,
    MembershipCard,
    MembershipRequest,
    OwedReversals,
    PaymentProgress,
    PaymentRef,
    PaymentResult,
    PoolQuery,
    PoolStatus,
    PosKey,
    ReceiptCopy,
    ReceiptRequest,
    ReceiptSheet,
    ReportQuery,
    SaleRequest,
    ScanCode,
    ScannedCode,
    ScreenNumber,
    ScreenSignature,
    ScreenState,
    SettledAs,
    SettleRequest,
    ShowText,
    Slots,
    StoreStatus,
    Story,
    UnacknowledgedPayments,
    WatchScreen,
)
from tpayd_client.wire import to_wire

__all__ = ["Calls"]

READ_TTL_S = 10.0
EXPLAIN_TTL_S = 30.0
CLOSE_TTL_S = 300.0
KEY_EXCHANGE_TTL_S = 120.0
TURN_TTL_S = 70.0
"""Beyond the customer's own time: the lane may have to wait for its turn at a pad or reader."""

Body = Mapping[str, Any]
OnProgress = Callable[[PaymentProgress], None]
OnExchange = Callable[[ExchangeProgress], None]


@dataclass(frozen=True)
class Calls:
    """Makes flows; `clock_s` is a monotonic clock."""

    clock_s: Callable[[], float]

    def sale(
        self,
        lane: str,
        amount: int | Amount,
        installments: int,
        reference: str | None,
        allow_duplicate: bool,
        request_id: str | None,
        on_progress: OnProgress | None,
        timeout_s: float,
    ) -> Flow[PaymentResult]:
        whole = amount if isinstance(amount, Amount) else Amount(total_minor=amount)
        return pay(
            "payment.sale",
            lane,
            request_id or new_request_id(),
            to_wire(
                SaleRequest(lane, whole, installments, reference, allow_duplicate=allow_duplicate),
            ),
            timeout_s=timeout_s,
            on_progress=on_progress,
            clock_s=self.clock_s,
        )

    def order(
        self, order: Order, request_id: str | None, on_progress: OnProgress | None, timeout_s: float
    ) -> Flow[PaymentResult]:
        return pay(
            OPS[type(order)],
            order.lane,
            request_id or new_request_id(),
            to_wire(order),
            timeout_s=timeout_s,
            on_progress=on_progress,
            clock_s=self.clock_s,
        )

    def resolve(self, lane: str, request_id: str, timeout_s: float) -> Flow[PaymentResult]:
        return resolve(lane, request_id, by_s=self.clock_s() + timeout_s, clock_s=self.clock_s)

    def about(self, op: str, lane: str, request_id: str) -> Flow[PaymentResult]:
        """Status, abort and acknowledge: each may be asked twice without harm."""
        wish = Ask(op, to_wire(PaymentRef(lane, request_id)), READ_TTL_S)
        return read(wish, PaymentResult.from_wire, self.clock_s)

    def last(self, lane: str) -> Flow[PaymentResult]:
        return read(Ask("payment.last", to_wire(LaneRef(lane)), READ_TTL_S), PaymentResult.from_wire, self.clock_s)

    def explain(self, lane: str | None, request_id: str | None, payment_id: str | None) -> Flow[Story]:
        wish = Ask("payment.explain", to_wire(ExplainRequest(lane, request_id, payment_id)), EXPLAIN_TTL_S)
        return read(wish, Story.from_wire, self.clock_s)

    def unacknowledged(self, lane: str | None) -> Flow[UnacknowledgedPayments]:
        wish = Ask("payment.unacknowledged", to_wire(LaneQuery(lane)), READ_TTL_S)
        return read(wish, UnacknowledgedPayments.from_wire, self.clock_s)

    def owed_reversals(self, lane: str | None) -> Flow[OwedReversals]:
        return read(Ask("reversal.list", to_wire(LaneQuery(lane)), READ_TTL_S), OwedReversals.from_wire, self.clock_s)

    def settle(self, lane: str, request_id: str, outcome: SettledAs, note: str) -> Flow[PaymentResult]:
        """Once settled it is settled, so a lost answer is looked up, not asked for again."""
        wish = Ask("reversal.settle", to_wire(SettleRequest(lane, request_id, outcome, note)), READ_TTL_S)
        return typed((yield from ask(wish, self.clock_s)), PaymentResult.from_wire)

    def receipt(
        self, lane: str, request_id: str, copy: ReceiptCopy, language: Language, reprint: bool
    ) -> Flow[ReceiptSheet]:
        """Each answer counts as a print, so a lost one is not asked for again by itself."""
        request = ReceiptRequest(lane, request_id, copy, language, reprint)
        reply = yield from ask(Ask("payment.receipt", to_wire(request), READ_TTL_S), self.clock_s)
        return typed(reply, ReceiptSheet.from_wire)

    def confirm(self, lane: str, request_id: str, proceed: bool) -> Flow[PaymentResult]:
        wish = Ask("payment.confirm", to_wire(Confirmation(lane, request_id, proceed)), READ_TTL_S)
        return read(wish, PaymentResult.from_wire, self.clock_s)

    def key(self, lane: str, key: PosKey, request_id: str | None) -> Flow[PaymentResult]:
        """A key that is pressed twice may answer the next question too, so a lost answer is lost."""
        wish = Ask("payment.key", to_wire(KeyPress(lane, key, request_id)), READ_TTL_S)
        return typed((yield from ask(wish, self.clock_s)), PaymentResult.from_wire)

    def watch_screen(self, lane: str, seen: str | None, wait_s: float) -> Flow[ScreenState]:
        wish = Ask("screen.watch", to_wire(WatchScreen(lane, seen, wait_s)), wait_s + READ_TTL_S)
        return read(wish, ScreenState.from_wire, self.clock_s)

    def sign_on_screen(
        self, lane: str, token: str, strokes: Sequence[Sequence[int]], width: int, height: int
    ) -> Flow[None]:
        signature = ScreenSignature(lane, token, tuple(tuple(stroke) for stroke in strokes), width, height)
        yield from ask(Ask("screen.sign", to_wire(signature), READ_TTL_S), self.clock_s)

    def number_on_screen(self, lane: str, token: str, number: str) -> Flow[None]:
        yield from ask(Ask("screen.number", to_wire(ScreenNumber(lane, token, number)), READ_TTL_S), self.clock_s)

    def card_inserted(self, lane: str) -> Flow[Slots]:
        return read(Ask("ability.card", to_wire(InsertedQuery(lane)), READ_TTL_S), Slots.from_wire, self.clock_s)

    def eject_card(self, lane: str, wait_s: float) -> Flow[Slots]:
        wish = Ask("ability.eject", to_wire(EjectCard(lane, wait_s)), wait_s + READ_TTL_S)
        return read(wish, Slots.from_wire, self.clock_s)

    def key_number(
        self, lane: str, digits: tuple[int, int], lines: Sequence[str], wait_s: float, on_progress: OnProgress | None
    ) -> Flow[KeyedNumber]:
        """The customer would be asked twice: so a lost answer is lost."""
        show = None if on_progress is None else _steps(on_progress)
        request = KeyNumber(lane, digits[0], digits[1], tuple(lines), wait_s)
        wish = Ask("ability.number", to_wire(request), wait_s + TURN_TTL_S, None, show)
        return typed((yield from ask(wish, self.clock_s)), KeyedNumber.from_wire)

    def scan_code(self, lane: str, wait_s: float, on_progress: OnProgress | None) -> Flow[ScannedCode]:
        """As `key_number`."""
        show = None if on_progress is None else _steps(on_progress)
        wish = Ask("ability.code", to_wire(ScanCode(lane, wait_s)), wait_s + TURN_TTL_S, None, show)
        return typed((yield from ask(wish, self.clock_s)), ScannedCode.from_wire)

    def show_text(self, lane: str, lines: Sequence[str], show_s: float) -> Flow[None]:
        wish = Ask("ability.show", to_wire(ShowText(lane, tuple(lines), show_s)), show_s + TURN_TTL_S)
        yield from ask(wish, self.clock_s)

    def totals(self, business_day: str | None) -> Flow[DayTotals]:
        return read(
            Ask("business.totals", to_wire(DayQuery(business_day)), CLOSE_TTL_S), DayTotals.from_wire, self.clock_s
        )

    def close_business(
        self, business_day: str | None, on_progress: Callable[[CloseProgress], None] | None
    ) -> Flow[CloseReport]:
        """A close that is made twice is two reports of one day, so a lost answer is looked up, not asked for again."""
        show = None if on_progress is None else (lambda body: on_progress(CloseProgress.from_wire(body)))
        wish = Ask("business.close", to_wire(DayQuery(business_day)), CLOSE_TTL_S, None, show)
        return typed((yield from ask(wish, self.clock_s)), CloseReport.from_wire)

    def close_report(self, business_day: str | None, number: int | None) -> Flow[CloseReport]:
        wish = Ask("business.report", to_wire(ReportQuery(business_day, number)), READ_TTL_S)
        return read(wish, CloseReport.from_wire, self.clock_s)

    def membership(self, lane: str, on_progress: OnProgress | None, timeout_s: float) -> Flow[MembershipCard]:
        """A card that is read twice does no harm, but the customer would be asked twice: so a lost answer is lost."""
        show = None if on_progress is None else _steps(on_progress)
        wish = Ask("membership.read", to_wire(MembershipRequest(lane)), timeout_s, None, show)
        return typed((yield from ask(wish, self.clock_s)), MembershipCard.from_wire)

    def health(self) -> Flow[Health]:
        return read(Ask("health.get", {}, READ_TTL_S), Health.from_wire, self.clock_s)

    def store_status(self) -> Flow[StoreStatus]:
        return read(Ask("store.status", {}, READ_TTL_S), StoreStatus.from_wire, self.clock_s)

    def devices(self) -> Flow[DeviceList]:
        """All of them, page by page."""
        first = found = yield from self._devices_after(None)
        devices = [*first.devices]
        while found.next is not None:
            found = yield from self._devices_after(found.next)
            devices += found.devices
        return replace(first, devices=tuple(devices), next=None)

    def _devices_after(self, name: str | None) -> Flow[DeviceList]:
        wish = Ask("device.list", to_wire(DevicesQuery(name)), READ_TTL_S)
        return read(wish, DeviceList.from_wire, self.clock_s)

    def pool_status(self, pool: str | None) -> Flow[PoolStatus]:
        return read(Ask("pool.status", to_wire(PoolQuery(pool)), READ_TTL_S), PoolStatus.from_wire, self.clock_s)

    def maintenance(self, device: str, on: bool, reason: str) -> Flow[Device]:
        wish = Ask("device.maintenance", to_wire(Maintenance(device, on, reason)), READ_TTL_S)
        return read(wish, Device.from_wire, self.clock_s)

    def host_status(self) -> Flow[LineStatus]:
        return read(Ask("host.status", {}, READ_TTL_S), LineStatus.from_wire, self.clock_s)

    def keys(self) -> Flow[KeyList]:
        """All of them, page by page."""
        first = found = yield from self._keys_after(None)
        listed = [*first.keys]
        while found.next is not None:
            found = yield from self._keys_after(found.next)
            listed += found.keys
        return replace(first, keys=tuple(listed), next=None)

    def _keys_after(self, key_id: str | None) -> Flow[KeyList]:
        wish = Ask("key.list", to_wire(KeysQuery(key_id)), READ_TTL_S)
        return read(wish, KeyList.from_wire, self.clock_s)

    def exchange_reader_key(self, device: str, on_progress: OnExchange | None) -> Flow[KeyInfo]:
        return self._exchange("key.exchange_reader", to_wire(ExchangeReader(device)), on_progress)

    def exchange_terminal_key(self, terminal: str, on_progress: OnExchange | None) -> Flow[KeyInfo]:
        return self._exchange("key.exchange_terminal", to_wire(ExchangeTerminal(terminal)), on_progress)

    def plain(
        self, op: str, body: Body, key: str | None, ttl_s: float, on_progress: Callable[[Body], None] | None
    ) -> Flow[Body]:
        return ask(Ask(op, body, ttl_s, key, on_progress), self.clock_s)

    def _exchange(self, op: str, body: Body, on_progress: OnExchange | None) -> Flow[KeyInfo]:
        show = None if on_progress is None else _shown(on_progress)
        reply = yield from ask(Ask(op, body, KEY_EXCHANGE_TTL_S, None, show), self.clock_s)
        return typed(reply, KeyInfo.from_wire)


def _steps(on_progress: OnProgress) -> Callable[[Body], None]:
    return lambda body: on_progress(PaymentProgress.from_wire(body))


def _shown(on_progress: OnExchange) -> Callable[[Body], None]:
    return lambda body: on_progress(ExchangeProgress.from_wire(body))

"""A payment in the daemon's hands: the value, the journal that follows it, and who waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from tpayd.kit.bus import CallError, Request
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.books import Books
from tpayd.transaction.effects import Effect
from tpayd.transaction.payment import Payment
from tpayd.transaction.standalone.slip import EMPTY, as_told, kept, noted
from tpayd.transaction.steps.questions import Question
from tpayd.transaction.verdict import result_of, verdict_of
from tpayd_contracts.payment import CardSummary, PaymentProgress, PaymentResult, Verdict

__all__ = ["Case"]

_WAIT = Verdict.WAIT


class Case:
    """One payment, from its creation to its last event.

    A verdict may have to be on disk before it is told. `told` says whether it was: until then whoever asks hears WAIT.
    """

    __slots__ = (
        "_began_here", "_books", "_last_progress", "_progress_settles", "_since_ms", "_slip", "_started_us",
        "_watchers", "balance_minor", "key", "payment", "question", "told",
    )  # fmt: skip

    def __init__(self, payment: Payment, books: Books, *, told: bool = False) -> None:
        self.key = payment.lane, payment.request_id
        self.payment = payment
        self.told = told
        self._books = books
        self._started_us = books.clock.monotonic_us()
        self._began_here = False
        self._since_ms = _since_ms(payment, books.clock)
        """When it got into its state, on the clock that nobody can set."""
        self.balance_minor: int | None = None
        """An account's balance, from the answer to whoever asked. It is told and never kept."""
        self._slip = EMPTY
        """What a payment without a POS is told, and never keeps."""
        self.question: Question | None = None
        """What somebody is being asked for it."""
        self._watchers: tuple[Request, ...] = ()
        self._last_progress: PaymentProgress | None = None
        self._progress_settles = False

    @property
    def log(self) -> Log:
        """For lines about this payment: with its id and its trace."""
        return self._books.log.bind(payment=self.payment.payment_id, trace=self.payment.trace)

    @property
    def card(self) -> CardSummary | None:
        """The card, also where the payment keeps none of it."""
        return self._slip.card or self.payment.card

    @property
    def printed(self) -> Payment:
        """The payment as its receipt shows it."""
        if not self.payment.standalone or self._slip.card is None:
            return self.payment
        return replace(self.payment, card=self._slip.card, emv=self._slip.emv)

    @property
    def watched(self) -> bool:
        return bool(self._watchers)

    def open(self, event: ev.Created | ev.Buried) -> tuple[Effect, ...]:
        """Journal the first event."""
        self._began_here = True
        self.payment, effects = flow.begin(event) if isinstance(event, ev.Created) else flow.bury(event)
        self._books.journal.put(self.payment, event)
        return effects

    def apply(self, event: ev.Event) -> tuple[Effect, ...]:
        """Take one step of the table, and journal it. Raises NotInTableError."""
        before, books = self.payment, self._books
        order, slip = before.order, self._slip
        if order is not None and order.standalone:
            slip, event = noted(slip, event), kept(event)
        now_ms = books.clock.unix_ms()
        payment, effects = flow.step(before, event, now_ms)
        self._slip = slip
        if payment.ended_ms is not None and before.ended_ms is None:
            payment = replace(payment, total_us=books.clock.monotonic_us() - self._started_us)
            books.figures.ended(payment, timed=self._began_here)
        if payment.state is not before.state:
            self._since_ms = books.clock.boottime_ms()
        self.payment = payment
        books.journal.put(payment, event, now_ms)
        return effects

    def result(self, *, repeated: bool = False) -> PaymentResult:
        """What a POS may be told now."""
        payment = self.payment
        merchant = self._books.merchant_of(payment.terminal_id)
        left_ms = self._left_ms() if verdict_of(payment, told=self.told) is _WAIT else 0
        result = result_of(payment, merchant, told=self.told, repeated=repeated, left_ms=left_ms)
        if payment.standalone:
            result = as_told(result, payment, self._slip)
        return result if self.balance_minor is None else replace(result, balance_minor=self.balance_minor)

    def _left_ms(self) -> int:
        """Until WAIT ends."""
        return self._books.waits.left_ms(self.payment, self._books.clock.boottime_ms() - self._since_ms)

    @contextmanager
    def asking(self, question: Question) -> Iterator[None]:
        """Somebody is being asked, for as long as the context lasts."""
        self.question = question
        try:
            yield
        finally:
            question.close()
            self.question = None

    # Who waits

    def watch(self, request: Request) -> None:
        """Tell a request of progress and verdict; one that attaches later first hears where it stands."""
        self._watchers = *self._watchers, request
        if self._last_progress is not None:
            request.progress(self._last_progress)

    def unwatch(self, request: Request) -> None:
        self._watchers = tuple(other for other in self._watchers if other is not request)

    def progress(self, step: PaymentProgress) -> None:
        """Tell where it stands, once that has stood for a moment (see `settling`)."""
        self._last_progress = step
        self._books.room.note(self, step.step)
        if not self._progress_settles:
            self._progress_settles = True
            self._books.settling.add(self._tell_progress)

    def _tell_progress(self) -> None:
        self._progress_settles = False
        if self._last_progress is not None and not self.told:
            for request in self._watchers:
                request.progress(self._last_progress)

    def tell(self) -> None:
        """Give everybody who waits the verdict."""
        self.told = True
        if not self._watchers:
            self.unheard()
        for index, request in enumerate(self.leave()):
            request.reply(self.result(repeated=index > 0))
        self.balance_minor = None

    def unheard(self) -> None:
        """Put down that nobody was there to be told."""
        if self.payment.order is not None and flow.has_row(self.payment, ev.Unheard):
            self.apply(ev.Unheard())

    def asked(self) -> PaymentResult:
        """What a POS is told that asks; put down if it did not hear before."""
        if self.told and self.payment.unheard and flow.has_row(self.payment, ev.Asked):
            self.apply(ev.Asked())
        return self.result()

    def leave(self) -> tuple[Request, ...]:
        """Hand over whoever waits."""
        watchers, self._watchers = self._watchers, ()
        return watchers

    def refuse(self, error: CallError) -> None:
        """Nobody can be told a verdict."""
        for request in self.leave():
            request.fail(error)


def _since_ms(payment: Payment, clock: Clock) -> int:
    """An inquiry that a former process began goes on: its time has begun with it."""
    passed_ms = max(0, clock.unix_ms() - payment.inquiry.since_ms) if payment.inquiry is not None else 0
    return clock.boottime_ms() - passed_ms

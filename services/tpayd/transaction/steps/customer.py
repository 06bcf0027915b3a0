"""What a customer does beside the card slot: he signs, or keys a number, on whatever his lane has for it.

The device broker knows the lane's profile, and says where: at the reader that the payment holds, at another pad (which
is a second lease), on the lane's screen, or nowhere.

Two leases are taken in one order only: a pad is asked for while holding the reader or nothing, and nothing more is
asked for while holding a pad. So a pad in use as a pad always comes free by itself; where a lane waits for a device
that another lane reads cards with, `pad_wait_s` ends the wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from msgspec import Struct

from tpayd.kit.bus import Caller, CallError
from tpayd.kit.clock import Clock
from tpayd.transaction import events as ev
from tpayd.transaction.case import Case
from tpayd.transaction.orders.intake import Carried, masked
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.last_signatures import LastSignatures
from tpayd.transaction.steps.leases import Leases
from tpayd.transaction.steps.pads import DRAW_WAIT_S, ENTRY_MARGIN_S, PadText, pad_lines
from tpayd.transaction.steps.prompts import Progress, progress_of, prompts, queued
from tpayd.transaction.steps.questions import Answer, Asks, Drawn, Keyed, Question, Skipped
from tpayd.transaction.steps.screens import Screens
from tpayd.transaction.texts import SCREEN_TEXTS
from tpayd_contracts.device import CARD_STATE, CardStateQuery, Lease, LeaseRef
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.pad import (
    DRAW,
    NUMBER_ENTER,
    PAD_ACQUIRE,
    SIGN,
    AcquirePad,
    DrawSignature,
    EnterNumber,
    PadPlace,
    PadStep,
    Sign,
    Signed,
    Where,
)
from tpayd_contracts.payment import CardSummary, EntryMode, Reason, Step
from tpayd_contracts.screen import ScreenAsk

__all__ = ["ON_SCREEN", "AsksNumber", "CustomerSteps", "KeyedIn"]

ON_SCREEN = "screen"
"""Where a signature was taken, if not on a device."""
USED_AGAIN = "used again"

_IDENTITY_DIGITS = (10, 19)
"""Telephone, business or card number for a cash receipt."""
_LOST = frozenset({ErrorCode.READER_UNAVAILABLE, ErrorCode.LEASE_LOST})

T = TypeVar("T")


class _UnableError(Exception):
    """Nobody could take the signature, or the cashier had it left out: the store's policy says what follows."""


class AsksNumber(Struct, frozen=True, kw_only=True):
    """A number that a customer is to key."""

    lane: str
    name: str
    """Of the payment, or of what else it is for."""
    digits: tuple[int, int]
    lines: tuple[str, ...]
    wait_s: float
    text: tuple[str, str]
    request_id: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class KeyedIn:
    """What was keyed, and whose time it took."""

    number: str
    customer_us: int = 0
    reader_us: int = 0


class CustomerSteps:
    """See the module."""

    def __init__(
        self, broker: Caller, leases: Leases, screens: Screens, settings: TransactionSettings, clock: Clock
    ) -> None:
        self._broker = broker
        self._leases = leases
        self._screens = screens
        self._settings = settings
        self._clock = clock
        self._last = LastSignatures(clock, settings.signature_reuse_s)

    # A signature

    async def sign(self, case: Case, lease: Lease) -> tuple[bytes, ev.Signed | ev.Stopped]:
        """Have the customer sign. The image is given back beside the event: an event is written down."""
        payment, settings = case.payment, self._settings
        again = self._last.of(payment.lane, case.card) if payment.ordered.reuse_signature else None
        if again is not None:
            return again, ev.Signed(USED_AGAIN)
        question = Question(Asks.SIGN)
        try:
            with case.asking(question):
                signed, where = await self._signed(case, lease, question)
        except _UnableError as error:
            if settings.signature == "when_able":
                return b"", ev.Signed(None)
            return b"", ev.Stopped(Reason.SIGNATURE_FAILED, str(error))
        except CallError as error:
            return b"", ev.Stopped(Reason.SIGNATURE_FAILED, error.message)
        if where != lease.device and payment.chip and await self._card_is_gone(lease):
            return b"", ev.Stopped(Reason.CARD_FAILED, "the card was taken out before the payment was through")
        self._last.keep(payment.lane, case.card, signed.image)
        return signed.image, ev.Signed(where, customer_us=signed.customer_us, reader_us=signed.reader_us)

    async def _signed(self, case: Case, lease: Lease, question: Question) -> tuple[Signed, str]:
        """Raises CallError where it was tried and failed, and _UnableError."""
        payment = case.payment
        asked = AcquirePad(
            lane=payment.lane, payment_id=payment.payment_id, step=PadStep.SIGN,
            beside=LeaseRef(lease.lease_id, lease.fence),
        )  # fmt: skip
        try:
            place = await self._or_skipped(self.place(asked, case.progress, payment.trace), question)
        except CallError as error:
            if error.code in (ErrorCode.READER_UNAVAILABLE, ErrorCode.BUSY):
                raise _UnableError(error.message) from None
            raise
        if place.lease is not None:
            return await self._signed_beside(case, place.lease, question)
        if place.where is Where.HERE:
            try:
                return await self._signed_on(case, lease, question), lease.device
            except CallError as error:
                # 'Failed' would mean that the reader was reset, and the card in it is lost.
                if error.code == ErrorCode.READER_UNAVAILABLE and error.outcome == Outcome.NOT_STARTED:
                    raise _UnableError(error.message) from None
                raise
        if place.where is Where.SCREEN or self._screens.watched(payment.lane):
            return await self._signed_on_screen(case, question), ON_SCREEN
        raise _UnableError("this lane has neither a signature pad nor a screen to sign on")

    async def _signed_beside(self, case: Case, pad: Lease, question: Question) -> tuple[Signed, str]:
        """On a pad of its own. The card is elsewhere, and stays good if this pad is lost."""
        self._leases.hold(pad)
        try:
            return await self._signed_on(case, pad, question), pad.device
        except CallError as error:
            if error.code in _LOST:
                raise _UnableError(error.message) from None
            raise
        finally:
            self._leases.give_back(pad)

    async def _signed_on(self, case: Case, lease: Lease, question: Question) -> Signed:
        payment, wait_s = case.payment, self._settings.signature_wait_s
        request = Sign(
            lease=LeaseRef(lease.lease_id, lease.fence), amount_minor=payment.amount_minor,
            lines=pad_lines(PadText.SIGN, self._settings.pad_language), wait_s=wait_s,
        )  # fmt: skip
        signing = self._broker.call(
            SIGN, request, ttl_s=wait_s + ENTRY_MARGIN_S, trace=payment.trace,
            on_progress=prompts(lease.label, case.progress),
        )  # fmt: skip
        return await self._or_skipped(signing, question)

    async def _signed_on_screen(self, case: Case, question: Question) -> Signed:
        payment, wait_s = case.payment, self._settings.signature_wait_s
        await self._draw(DrawSignature(payment.lane), payment.trace)
        started_us = self._clock.monotonic_us()
        with self._screens.showing(
            question, lane=payment.lane, asks=ScreenAsk.SIGN, text=SCREEN_TEXTS[ScreenAsk.SIGN], wait_s=wait_s,
            request_id=payment.request_id, amount_minor=payment.amount_minor,
        ) as prompt:  # fmt: skip
            case.progress(progress_of(Step.SIGN, remaining_ms=prompt.remaining_ms, prompt=prompt))
            drawn = await _answered(question, wait_s)
        customer_us = self._clock.monotonic_us() - started_us
        if not isinstance(drawn, Drawn):
            raise _UnableError("nobody signed on the lane's screen")
        if not drawn.strokes:
            raise CallError(ErrorCode.CARD_FAILED, "the customer said no at the screen", outcome=Outcome.FAILED)
        signed = await self._draw(DrawSignature(payment.lane, drawn.strokes, drawn.width, drawn.height), payment.trace)
        return Signed(signed.image, signed.points, 0, customer_us)

    async def _draw(self, signature: DrawSignature, trace: str | None) -> Signed:
        return await self._broker.call(DRAW, signature, ttl_s=DRAW_WAIT_S, trace=trace)

    async def _card_is_gone(self, lease: Lease) -> bool:
        """Whether the chip card that waits for the host's word was pulled out while its customer signed elsewhere."""
        try:
            state = await self._broker.call(CARD_STATE, CardStateQuery(lease.device), ttl_s=DRAW_WAIT_S)
        except CallError:
            return True
        return state.inside is not True

    # A number

    async def identity(self, case: Case) -> tuple[Carried | None, ev.NumberKeyed | ev.Stopped]:
        """Have the customer key for whom a cash receipt is."""
        payment, settings = case.payment, self._settings
        asks = AsksNumber(
            lane=payment.lane, name=payment.payment_id, digits=_IDENTITY_DIGITS, wait_s=settings.number_wait_s,
            lines=pad_lines(PadText.RECEIPT_NUMBER, settings.pad_language), text=SCREEN_TEXTS[ScreenAsk.NUMBER],
            request_id=payment.request_id, trace=payment.trace,
        )  # fmt: skip
        question = Question(Asks.NUMBER)
        try:
            with case.asking(question):
                keyed = await self.number(asks, case.progress, question)
        except CallError as error:
            unable = error.code in _LOST or error.outcome is not Outcome.FAILED
            return None, ev.Stopped(Reason.READER_UNAVAILABLE if unable else Reason.NUMBER_FAILED, error.message)
        shown = CardSummary(masked_pan=masked(keyed.number), entry_mode=EntryMode.KEYED)
        event = ev.NumberKeyed(shown, customer_us=keyed.customer_us, reader_us=keyed.reader_us)
        return Carried(keyed.number.encode(), EntryMode.KEYED), event

    async def number(self, asks: AsksNumber, progress: Progress, question: Question) -> KeyedIn:
        """Have a customer key a number. Raises CallError."""
        await self._leases.reset_once()
        asked = AcquirePad(lane=asks.lane, payment_id=asks.name, step=PadStep.NUMBER)
        place = await self._or_aborted(self.place(asked, progress, asks.trace), question)
        if place.lease is not None:
            return await self._keyed_on(asks, place.lease, progress, question)
        if place.where is Where.SCREEN or self._screens.watched(asks.lane):
            return await self._keyed_on_screen(asks, progress, question)
        text = "this lane has neither a number pad nor a screen to key a number on"
        raise CallError.not_started(ErrorCode.READER_UNAVAILABLE, text)

    async def _keyed_on(self, asks: AsksNumber, pad: Lease, progress: Progress, question: Question) -> KeyedIn:
        self._leases.hold(pad)
        try:
            request = EnterNumber(
                lease=LeaseRef(pad.lease_id, pad.fence), prompt=asks.lines, min_digits=asks.digits[0],
                max_digits=asks.digits[1], wait_s=asks.wait_s,
            )  # fmt: skip
            keying = self._broker.call(
                NUMBER_ENTER, request, ttl_s=asks.wait_s + ENTRY_MARGIN_S, trace=asks.trace,
                on_progress=prompts(pad.label, progress),
            )  # fmt: skip
            entered = await self._or_aborted(keying, question)
        finally:
            self._leases.give_back(pad)
        return KeyedIn(entered.number, entered.customer_us, entered.reader_us)

    async def _keyed_on_screen(self, asks: AsksNumber, progress: Progress, question: Question) -> KeyedIn:
        started_us = self._clock.monotonic_us()
        with self._screens.showing(
            question, lane=asks.lane, asks=ScreenAsk.NUMBER, text=asks.text, wait_s=asks.wait_s,
            request_id=asks.request_id, digits=asks.digits,
        ) as prompt:  # fmt: skip
            progress(progress_of(Step.ENTER_NUMBER, remaining_ms=prompt.remaining_ms, prompt=prompt))
            keyed = await _answered(question, asks.wait_s)
        match keyed:
            case Keyed(number) if number:
                return KeyedIn(number, self._clock.monotonic_us() - started_us)
            case Keyed():
                raise CallError(ErrorCode.CARD_FAILED, "the customer said no at the screen", outcome=Outcome.FAILED)
            case Skipped():
                raise _left_out()
            case _:
                text = "nobody keyed a number on the lane's screen in time"
                raise CallError(ErrorCode.CARD_TIMEOUT, text, outcome=Outcome.FAILED)

    # Both

    async def place(self, asked: AcquirePad, progress: Progress, trace: str | None) -> PadPlace:
        """Learn where a lane has it done, and get a turn there. Raises CallError."""

        def late(place: PadPlace) -> None:
            if place.lease is not None:
                self._leases.give_back(place.lease)

        return await self._broker.call(
            PAD_ACQUIRE, asked, ttl_s=self._settings.pad_wait_s, trace=trace,
            on_progress=queued(Step.WAITING_FOR_PAD, progress), on_late=late,
        )  # fmt: skip

    async def _or_skipped(self, work: Coroutine[Any, Any, T], question: Question) -> T:
        result = await _unless_answered(work, question)
        if result is None:
            raise _UnableError("the cashier had the signature left out")
        return result

    async def _or_aborted(self, work: Coroutine[Any, Any, T], question: Question) -> T:
        result = await _unless_answered(work, question)
        if result is None:
            raise _left_out()
        return result


def _left_out() -> CallError:
    return CallError(ErrorCode.ABORTED, "the cashier had the entry ended", outcome=Outcome.FAILED)


async def _answered(question: Question, wait_s: float) -> Answer | None:
    """None: nobody answered in time."""
    await asyncio.wait([question.answer], timeout=wait_s)
    return question.said


async def _unless_answered(work: Coroutine[Any, Any, T], question: Question) -> T | None:
    """What comes of the work; None where the question has its answer before that, and the work was cancelled."""
    task = asyncio.get_running_loop().create_task(work)
    try:
        await asyncio.wait((task, cast("asyncio.Future[T]", question.answer)), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        if not task.done():
            # It tells the device broker first; only then may the lease be given back.
            task.cancel()
            await asyncio.wait([task])

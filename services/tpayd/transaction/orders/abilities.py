"""What a POS has a pad or reader do outside a payment (T31). Nothing is journalled, handed on and forgotten.

A lane asks for one thing at a time, and for none while it has a payment under way.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tpayd.kit.bus import Caller, CallError, Request, Server
from tpayd.transaction.registry import Registry
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.customer import AsksNumber, CustomerSteps
from tpayd.transaction.steps.leases import Leases
from tpayd.transaction.steps.pads import DRAW_WAIT_S, ENTRY_MARGIN_S, PadText, pad_lines
from tpayd.transaction.steps.prompts import prompts
from tpayd.transaction.steps.questions import Asks, Question
from tpayd.transaction.steps.reader import ReaderSteps
from tpayd.transaction.texts import SCREEN_TEXTS
from tpayd_contracts.ability import (
    CODE_SCAN,
    NUMBER_KEY,
    TEXT_SHOW,
    KeyedNumber,
    KeyNumber,
    ScanCode,
    ScannedCode,
    ShowText,
)
from tpayd_contracts.device import Ability, AcquireLease, Lease, LeaseRef
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.operation import Empty
from tpayd_contracts.pad import CODE_READ, MESSAGE_SHOW, AcquirePad, PadStep, ReadCode, ShowMessage
from tpayd_contracts.screen import ScreenAsk

__all__ = ["AbilityDesk"]


class AbilityDesk:
    """ability.number, ability.code and ability.show."""

    def __init__(
        self,
        broker: Caller,
        *,
        readers: ReaderSteps,
        customer: CustomerSteps,
        leases: Leases,
        registry: Registry,
        settings: TransactionSettings,
        lanes: frozenset[str],
    ) -> None:
        self._broker = broker
        self._readers = readers
        self._customer = customer
        self._leases = leases
        self._registry = registry
        self._settings = settings
        self._lanes = lanes
        self._busy: set[str] = set()

    def register(self, server: Server) -> None:
        """Serve its operations."""
        server.handle(NUMBER_KEY, self._number)
        server.handle(CODE_SCAN, self._code)
        server.handle(TEXT_SHOW, self._show)

    async def _number(self, request: Request, wanted: KeyNumber) -> KeyedNumber:
        default = SCREEN_TEXTS[ScreenAsk.NUMBER]
        text = " ".join(wanted.lines)
        asks = AsksNumber(
            lane=wanted.lane, name=_name(), digits=(wanted.min_digits, wanted.max_digits),
            lines=wanted.lines or pad_lines(PadText.NUMBER, self._settings.pad_language), wait_s=wanted.wait_s,
            text=(text, text) if text else default, trace=request.trace,
        )  # fmt: skip
        with self._alone(wanted.lane):
            keyed = await self._customer.number(asks, request.progress, Question(Asks.NUMBER))
        return KeyedNumber(keyed.number)

    async def _code(self, request: Request, wanted: ScanCode) -> ScannedCode:
        with self._alone(wanted.lane):
            await self._leases.reset_once()
            wish = AcquireLease(lane=wanted.lane, payment_id=_name(), abilities=(Ability.QR,))
            lease = await self._readers.lease(wish, request.progress, self._leases.give_back, trace=request.trace)
            with self._held(lease):
                body = ReadCode(lease=LeaseRef(lease.lease_id, lease.fence), wait_s=wanted.wait_s)
                read = await self._broker.call(
                    CODE_READ, body, ttl_s=wanted.wait_s + ENTRY_MARGIN_S, trace=request.trace,
                    on_progress=prompts(lease.label, request.progress),
                )  # fmt: skip
        return ScannedCode(read.code)

    async def _show(self, request: Request, wanted: ShowText) -> Empty:
        with self._alone(wanted.lane):
            asked = AcquirePad(lane=wanted.lane, payment_id=_name(), step=PadStep.SIGN)
            pad = (await self._customer.place(asked, request.progress, request.trace)).lease
            if pad is None:
                text = f"lane {wanted.lane} has no pad that shows a text"
                raise CallError.not_started(ErrorCode.READER_UNAVAILABLE, text)
            with self._held(pad):
                ref = LeaseRef(pad.lease_id, pad.fence)
                await self._broker.call(MESSAGE_SHOW, ShowMessage(ref, wanted.lines), ttl_s=DRAW_WAIT_S)
                await asyncio.sleep(wanted.show_s)
                await self._broker.call(MESSAGE_SHOW, ShowMessage(ref, ()), ttl_s=DRAW_WAIT_S)
        return Empty()

    @contextmanager
    def _held(self, lease: Lease) -> Iterator[None]:
        self._leases.hold(lease)
        try:
            yield
        finally:
            self._leases.give_back(lease)

    @contextmanager
    def _alone(self, lane: str) -> Iterator[None]:
        """Raises CallError for a lane that is not there, or has something under way."""
        if lane not in self._lanes:
            text = f"this store has no lane {lane}; config/store.toml lists them"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.lane")
        if self._registry.under_way(lane) is not None:
            text = f"lane {lane} has a payment under way"
            raise CallError.not_started(ErrorCode.LANE_BUSY, text, retryable=True)
        if lane in self._busy:
            text = f"lane {lane} has asked for something else that is not done yet"
            raise CallError.not_started(ErrorCode.LANE_BUSY, text, retryable=True)
        self._busy.add(lane)
        try:
            yield
        finally:
            self._busy.discard(lane)


def _name() -> str:
    """What it is lent for, in place of a payment."""
    return f"ability-{uuid.uuid4()}"

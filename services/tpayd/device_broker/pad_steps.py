"""What a customer does beside the card slot, for a caller: he signs, keys a PIN or a number, shows a code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

from tpayd.device_broker import errors
from tpayd.device_broker.customer_step import CustomerStep
from tpayd.device_broker.drivers import commands
from tpayd.device_broker.drivers.events import (
    Answered,
    CardInstead,
    CardTaken,
    CodeRead,
    EntryRefused,
    EntryTimedOut,
    Event,
    MessageShown,
    NumberEntered,
    PadShown,
    PinEntered,
    SignatureGiven,
)
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.reader import Reader
from tpayd.device_broker.signature import bitmap, scaled
from tpayd.device_broker.signature_files import SignatureFiles
from tpayd.device_broker.steps import failed, nonce
from tpayd.kit.bus import CallError, Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.clock import Clock
from tpayd_contracts.device import Ability, CardPrompt, LeaseRef
from tpayd_contracts.errors import Outcome
from tpayd_contracts.operation import Empty
from tpayd_contracts.pad import (
    DrawSignature,
    EnteredNumber,
    EnteredPin,
    EnterNumber,
    EnterPin,
    ReadCode,
    ReadCodeResult,
    ShowMessage,
    Sign,
    Signed,
)

__all__ = ["PadSteps"]

Keep: TypeAlias = Callable[[bytes], None]
"""What is done with a signature beside telling it."""

_SHOW_US = 0
"""Nobody is asked for anything by a text."""


class PadSteps:
    """device.sign, signature.draw, number.enter, pin.enter, code.read and device.message."""

    def __init__(
        self, lending: Lending, readers: Mapping[str, Reader], clock: Clock, signatures: SignatureFiles, settle_us: int
    ) -> None:
        self._lending = lending
        self._readers = readers
        self._clock = clock
        self._signatures = signatures
        self._settle_us = settle_us

    def sign(self, request: Request) -> None:
        body = decode_body(request.body, Sign)
        reader = self._able(body.lease, Ability.SIGN)
        wait_us = int(body.wait_s * 1e6)
        command = commands.Sign(body.amount_minor, body.lines, nonce(), wait_us)
        lane = self._lending.held(body.lease.lease_id, body.lease.fence).lane
        self._signatures.clear(lane)
        self._begin(
            request, reader, command, CardPrompt.SIGN, wait_us, lambda image: self._signatures.keep(lane, image)
        )

    def draw(self, _: Request, body: DrawSignature) -> Signed:
        """What was signed on a screen, as a picture like a pad's."""
        if not body.strokes:
            self._signatures.clear(body.lane)
            return Signed(b"", 0)
        strokes = scaled(body.strokes, body.width, body.height)
        image = bitmap(strokes)
        self._signatures.keep(body.lane, image)
        return Signed(image, sum(len(stroke) for stroke in strokes))

    def enter_number(self, request: Request) -> None:
        body = decode_body(request.body, EnterNumber)
        reader = self._able(body.lease, Ability.PIN)
        wait_us = int(body.wait_s * 1e6)
        command = commands.EnterNumber(body.prompt, body.min_digits, body.max_digits, nonce(), wait_us)
        self._begin(request, reader, command, CardPrompt.ENTER_NUMBER, wait_us)

    def enter_pin(self, request: Request) -> None:
        body = decode_body(request.body, EnterPin)
        reader = self._able(body.lease, Ability.PIN)
        if reader.card_of != body.lease.lease_id:
            raise errors.no_card(reader.name)
        wait_us = int(body.wait_s * 1e6)
        command = commands.EnterPin(body.prompt, body.min_digits, body.max_digits, nonce(), wait_us)
        self._begin(request, reader, command, CardPrompt.ENTER_PIN, wait_us)

    def read_code(self, request: Request) -> None:
        body = decode_body(request.body, ReadCode)
        reader = self._able(body.lease, Ability.QR)
        wait_us = int(body.wait_s * 1e6)
        command = commands.ReadCode(body.or_card, nonce(), wait_us)
        self._begin(request, reader, command, CardPrompt.SHOW_CODE, wait_us)

    def show(self, request: Request) -> None:
        body = decode_body(request.body, ShowMessage)
        reader = self._able(body.lease, Ability.SIGN, Ability.PIN)
        self._begin(request, reader, commands.ShowMessage(body.lines), None, _SHOW_US)

    def _able(self, lease: LeaseRef, *abilities: Ability) -> Reader:
        """The reader of the lease, if it has one of these abilities. Raises CallError."""
        reader = self._readers[self._lending.held(lease.lease_id, lease.fence).device]
        if not set(abilities) & set(reader.settings.abilities):
            raise errors.not_able(reader.name, *abilities)
        return reader

    def _begin(
        self, request: Request, reader: Reader, command: commands.PadCommand, prompt: CardPrompt | None, wait_us: int,
        keep: Keep | None = None,
    ) -> None:  # fmt: skip
        now_us = self._clock.monotonic_us()
        step = PadStep(request, reader.name, prompt, wait_us, self._settle_us, now_us, keep)
        reader.begin(step, command, now_us)
        request.on_cancel(lambda: reader.cancel(step))


class PadStep(CustomerStep):
    """One entry under way. The customer's time begins when the pad shows what he is to do."""

    __slots__ = ("_asks", "_keep")

    is_aside = True

    def __init__(
        self, request: Request, device: str, prompt: CardPrompt | None, wait_us: int, settle_us: int, now_us: int,
        keep: Keep | None,
    ) -> None:  # fmt: skip
        super().__init__(request, device, wait_us, settle_us, now_us)
        self._asks = prompt
        self._keep = keep
        if prompt is not None and prompt is not CardPrompt.SIGN:
            self._customer_asked(prompt, now_us)

    def told(self, event: Event, now_us: int) -> None:
        if isinstance(event, PadShown) and self._asks is not None:
            self._customer_asked(self._asks, now_us)

    def ended(self, event: Answered, now_us: int) -> None:
        self._customer_done(now_us)
        result = self._result(event, self._reader_us(now_us), self._customer_us)
        if result is None:
            self.request.fail(_error(self._device, event))
        else:
            self.request.reply(result)

    def _result(self, event: Answered, reader_us: int, customer_us: int) -> Struct | None:
        match event:
            case SignatureGiven():
                image = bitmap(event.strokes)
                if self._keep is not None:
                    self._keep(image)
                return Signed(image, sum(len(stroke) for stroke in event.strokes), reader_us, customer_us)
            case NumberEntered():
                return EnteredNumber(event.number, reader_us, customer_us)
            case PinEntered():
                return EnteredPin(event.ksn, event.block, reader_us, customer_us)
            case CodeRead():
                return ReadCodeResult(event.code, False, reader_us, customer_us)
            case CardInstead():
                return ReadCodeResult("", True, reader_us, customer_us)
            case MessageShown():
                return Empty()
            case _:
                return None


def _error(device: str, event: Answered) -> CallError:
    match event:
        case EntryRefused():
            return errors.entry_refused(device, event)
        case EntryTimedOut():
            return errors.entry_timed_out()
        case CardTaken():
            return errors.card_taken()
        case _:
            return failed(device, event, Outcome.FAILED)

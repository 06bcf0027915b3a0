"""Is a card inserted, and have it taken out (T31): asked by a POS outside a payment, of the readers it may use.

A reader with a card inside that nobody asked for gives it back by itself: it ejects it, or asks the customer for it,
until it is out. So having a card taken out is waiting for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tpayd.device_broker import errors
from tpayd.device_broker.pool import Pool
from tpayd.device_broker.profiles import Arrangement
from tpayd.device_broker.reader import Reader
from tpayd.kit.bus import CallError, Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.clock import Clock
from tpayd_contracts.ability import EjectCard, InsertedQuery, Slot, Slots
from tpayd_contracts.device import Ability
from tpayd_contracts.errors import ErrorCode, Outcome

__all__ = ["CardSlots"]

WAITING_MAX = 64
_ANSWER_EARLY_MS = 100


class CardSlots:
    """ability.card and ability.eject."""

    def __init__(
        self, pool: Pool, readers: Mapping[str, Reader], arrangement: Callable[[], Arrangement], clock: Clock
    ) -> None:
        self._pool = pool
        self._readers = readers
        self._arrangement = arrangement
        self._clock = clock
        self._waiting: dict[Request, tuple[str, int]] = {}
        """Who waits for an empty slot: the lane, and until when (CLOCK_BOOTTIME, ms)."""

    def look(self, request: Request) -> None:
        lane = decode_body(request.body, InsertedQuery).lane
        request.reply(self._slots(lane, held=True))

    def eject(self, request: Request) -> None:
        body = decode_body(request.body, EjectCard)
        slots = self._slots(body.lane, held=False)
        if not slots.inserted:
            request.reply(slots)
            return
        if len(self._waiting) >= WAITING_MAX:
            raise errors.queue_full(WAITING_MAX)
        until_ms = self._clock.boottime_ms() + int(body.wait_s * 1000)
        self._waiting[request] = body.lane, min(until_ms, request.deadline_ms - _ANSWER_EARLY_MS)
        request.on_cancel(lambda: self._end(request, _cancelled()))

    def tick(self) -> None:
        """Time has passed; to be called often."""
        if not self._waiting:
            return
        now_ms = self._clock.boottime_ms()
        for request, (lane, until_ms) in list(self._waiting.items()):
            slots = self._slots(lane, held=False)
            if not slots.inserted:
                del self._waiting[request]
                request.reply(slots)
            elif now_ms >= until_ms:
                self._end(request, _still_inside(slots))

    def _end(self, request: Request, error: CallError) -> None:
        if self._waiting.pop(request, None) is not None and request.is_open:
            request.fail(error)

    def _slots(self, lane: str, *, held: bool) -> Slots:
        """Of the readers that the lane may use now; those that it holds itself only where `held`. Raises CallError."""
        arrangement = self._arrangement()
        if lane not in arrangement.profiles:
            raise errors.unknown_lane(lane, "$.lane")
        slots = []
        for name, reader in self._readers.items():
            grant = self._pool.holder(name)
            free = grant is None or (held and grant.lane == lane)
            if free and Ability.IC in reader.settings.abilities and arrangement.may_use(lane, name):
                slots.append(Slot(name, reader.settings.label or name, reader.card_inside))
        return Slots(tuple(slots), any(slot.inside for slot in slots))


def _still_inside(slots: Slots) -> CallError:
    where = ", ".join(slot.label for slot in slots.slots if slot.inside)
    return CallError(ErrorCode.CARD_TIMEOUT, f"the card is still inside: {where}", outcome=Outcome.FAILED)


def _cancelled() -> CallError:
    return CallError(ErrorCode.ABORTED, "cancelled; the reader still asks for the card", outcome=Outcome.FAILED)

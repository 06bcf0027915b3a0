"""What a card is put through: card.read, card.take and card.complete."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tpayd.device_broker import errors
from tpayd.device_broker.drivers.commands import FinishCard, ReadCard
from tpayd.device_broker.leases import Grant
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.reader import Reader
from tpayd.device_broker.steps import Asked, FinishStep, ReadStep, nonces
from tpayd.kit import crashpoints
from tpayd.kit.bus import CallError, Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.clock import Clock
from tpayd_contracts import device as contract
from tpayd_contracts.taking import TakeCard, TakeCardProgress, TakenCard

__all__ = ["CardSteps", "Taking", "lease_of"]

_WITH_PIN = frozenset({contract.TransactionType.CASH_IC, contract.TransactionType.CASH_IC_INQUIRY})
"""What cannot be done without a PIN pad."""
_PIN = contract.Ability.PIN


class CardSteps:
    """See the module."""

    def __init__(self, lending: Lending, readers: Mapping[str, Reader], clock: Clock, settle_us: int) -> None:
        self.lending = lending
        self.readers = readers
        self.clock = clock
        self._settle_us = settle_us

    def read(self, request: Request) -> None:
        """card.read."""
        body = decode_body(request.body, contract.ReadCard)
        reader = self._leased(body.lease)
        step = self.begin(request, body, reader, body.lease.lease_id)
        request.on_cancel(lambda: reader.cancel(step))

    def begin(self, asked: Asked, wanted: contract.Reading, reader: Reader, lease_id: str) -> ReadStep:
        """Have the customer present a card at a reader that is lent; `asked` hears the rest. Raises CallError."""
        pin = _PIN in reader.settings.abilities
        if not pin and wanted.type in _WITH_PIN:
            raise errors.not_able(reader.name, _PIN)
        if reader.identity is not None and not reader.identity.key_loaded:
            raise errors.no_key(reader.name)
        now_us = self.clock.monotonic_us()
        wait_us = int(wanted.card_wait_s * 1e6)
        step = ReadStep(asked, reader.name, wait_us, self._settle_us, now_us)
        first, again = nonces()
        command = ReadCard(wanted.type, wanted.amount_minor, wanted.at, first, wait_us, again, pin, wanted.choose)
        reader.begin(step, command, now_us)
        reader.card_of = lease_id
        return step

    def complete(self, request: Request) -> None:
        """card.complete."""
        body = decode_body(request.body, contract.CompleteCard)
        reader = self._leased(body.lease)
        now_us = self.clock.monotonic_us()
        command = FinishCard(body.approved, body.arc, body.issuer_data, body.scripts, body.at)
        reader.begin(FinishStep(request, reader.name, now_us), command, now_us)
        # The card's last word is out of anybody's hands now; without this, a cancel would have no other effect either.
        request.on_cancel(lambda: None)

    def _leased(self, ref: contract.LeaseRef) -> Reader:
        return self.readers[self.lending.held(ref.lease_id, ref.fence).device]


class Taking:
    """card.take: waits for a reader, and hears of the reading there. Once lent, every end is an answer with the lease.

    Its caller may go before he has heard of the lease, so whoever cancels has given it back.
    """

    __slots__ = ("_body", "_lease", "_steps", "_told", "deadline_ms", "request", "until_ms")

    def __init__(self, request: Request, body: TakeCard, steps: CardSteps) -> None:
        self.request = request
        now_ms = steps.clock.boottime_ms()
        self.until_ms = min(request.deadline_ms, now_ms + int(body.reader_wait_s * 1000))
        self.deadline_ms = request.deadline_ms
        """Of the reading, once there is a lease."""
        self._body = body
        self._steps = steps
        self._lease: contract.Lease | None = None
        self._told = False

    def granted(self, grant: Grant) -> None:
        """The reader is lent: begin."""
        reader = self._steps.readers[grant.device]
        self._lease = lease_of(grant, reader)
        self.deadline_ms += self._steps.clock.boottime_ms() - self.until_ms
        self.request.on_cancel(lambda: self._cancelled(grant))
        try:
            self._steps.begin(self, self._body, reader, grant.lease_id)
        except CallError as error:
            self.fail(error)

    def moved(self, position: int, expected_wait_ms: int | None) -> None:
        """The place in the queue."""
        self.request.progress(TakeCardProgress(queue=contract.LeaseProgress(position, expected_wait_ms)))

    # What the step says

    def progress(self, body: Struct) -> None:
        """A prompt; the first one tells the lease as well."""
        assert isinstance(body, contract.CardProgress)  # noqa: S101
        self.request.progress(TakeCardProgress(lease=None if self._told else self._lease, prompt=body))
        self._told = True

    def reply(self, body: Struct) -> None:
        """The card."""
        assert isinstance(body, contract.ReadCardResult)  # noqa: S101
        assert self._lease is not None  # noqa: S101
        self.request.reply(TakenCard(self._lease, body))

    def fail(self, error: CallError) -> None:
        """No card. The lease stays: with it the caller knows which reader it was."""
        assert self._lease is not None  # noqa: S101
        if self.request.is_open:
            self.request.reply(TakenCard(self._lease, failure=error.body()))

    def _cancelled(self, grant: Grant) -> None:
        self.request.fail(errors.cancelled())
        self._steps.lending.give_back(grant.lease_id, grant.fence)


def lease_of(grant: Grant, reader: Reader) -> contract.Lease:
    """The grant, as its holder is to be told of it."""
    crashpoints.passing("lease.before_grant")
    return contract.Lease(
        lease_id=grant.lease_id,
        fence=grant.fence,
        device=grant.device,
        label=reader.settings.label or reader.name,
        reader_id=reader.identity.reader_id if reader.identity else "",
        ttl_s=grant.ttl_us / 1e6,
    )

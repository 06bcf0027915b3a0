"""The two halves of a reader's key exchange.

Between them the reader is kept from payments: for a limited time, or, where the exchange was not ordered by a person
(`idle_only`), until a payment waits. A reader that did not say whether it took the key is identified anew before it
goes back to work, since it tells its key's check value then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import partial

from tpayd.device_broker import errors
from tpayd.device_broker.drivers.commands import InjectKey as InjectKeyCommand
from tpayd.device_broker.drivers.commands import PrepareKey as PrepareKeyCommand
from tpayd.device_broker.drivers.events import KeyInjected
from tpayd.device_broker.examination import Examination
from tpayd.device_broker.leases import Grant
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.reader import Reader
from tpayd.device_broker.standing import KEY_LANE
from tpayd.device_broker.steps import InjectStep, PrepareStep
from tpayd.kit.bus import CallError, Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.clock import Clock
from tpayd_contracts.device import InjectKey, PrepareKey, ReleaseKeys

__all__ = ["KeySteps"]


class KeySteps:
    """reader.key_prepare, reader.key_inject and reader.key_release."""

    def __init__(self, lending: Lending, readers: Mapping[str, Reader], clock: Clock, hold_us: int) -> None:
        self._lending = lending
        self._readers = readers
        self._clock = clock
        self._hold_us = hold_us
        self._holds: dict[str, Grant] = {}
        self._yielding: set[str] = set()
        self._unsure: set[str] = set()

    def prepare(self, request: Request) -> None:
        """Have the reader make its half."""
        body = decode_body(request.body, PrepareKey)
        reader = self._reader(body.device)
        if body.idle_only:
            if not self._lending.is_idle(reader.name):
                raise errors.not_idle(reader.name)
            self._yielding.add(reader.name)
        else:
            self._yielding.discard(reader.name)

        def begin() -> None:
            serial_number = reader.identity.serial_number if reader.identity else ""
            step = PrepareStep(request, reader.name, serial_number, done)
            reader.begin(step, PrepareKeyCommand(), self._clock.monotonic_us())

        def done(well: bool) -> None:
            if not well:
                self._let_go(reader)

        self._with_hold(request, reader, begin)

    def inject(self, request: Request) -> None:
        """Give the reader the host's half."""
        body = decode_body(request.body, InjectKey)
        reader = self._reader(body.device)
        if body.held_only and not self._renew(reader):
            raise errors.gave_way(reader.name)
        self._yielding.discard(reader.name)

        before = reader.identity

        def begin() -> None:
            step = InjectStep(request, reader.name, done)
            reader.begin(step, InjectKeyCommand(body.at, body.blob), self._clock.monotonic_us())
            # Until it has answered, nobody knows which key it holds.
            reader.key_in_doubt()

        def done(said: KeyInjected | None) -> None:
            if said is None:
                self._unsure.add(reader.name)
                return
            if said.confirmed:
                reader.holds_key(said.check_value)
            else:
                reader.identity = before
            self._let_go(reader)

        self._with_hold(request, reader, begin)

    def release(self, body: ReleaseKeys) -> None:
        """The other half does not come. A reader that has it already, or must tell what it holds, is let go then."""
        for name in (body.device,) if body.device is not None else tuple(self._holds):
            reader = self._readers.get(name)
            if reader is not None and reader.step is None and name not in self._unsure:
                self._let_go(reader)

    def tick(self) -> None:
        """Time has passed; to be called often."""
        for reader in [reader for name in self._unsure if (reader := self._readers.get(name))]:
            with contextlib.suppress(CallError):  # it is still being brought back
                reader.examine(partial(self._identified, reader))
                self._unsure.discard(reader.name)
        if self._yielding and self._lending.wanted:
            for reader in [reader for name in self._yielding if (reader := self._readers.get(name))]:
                if reader.step is None:
                    self._let_go(reader)

    def _identified(self, reader: Reader, _: Examination) -> None:
        self._let_go(reader)

    def _reader(self, device: str) -> Reader:
        reader = self._readers.get(device)
        if reader is None:
            raise errors.not_configured(device)
        return reader

    def _with_hold(self, request: Request, reader: Reader, begin: Callable[[], None]) -> None:
        if self._renew(reader):
            begin()
            return
        self._lending.want(
            _KeyWaiter(self, request, reader, begin), KEY_LANE + reader.name, self._hold_us, only=reader.name
        )

    def _renew(self, reader: Reader) -> bool:
        hold = self._holds.get(reader.name)
        return hold is not None and self._lending.renew(hold.lease_id, hold.fence)

    def hold(self, reader: Reader, grant: Grant) -> None:
        """The reader is ours for now."""
        self._holds[reader.name] = grant

    def _let_go(self, reader: Reader) -> None:
        self._yielding.discard(reader.name)
        hold = self._holds.pop(reader.name, None)
        if hold is not None:
            self._lending.give_back(hold.lease_id, hold.fence)


class _KeyWaiter:
    def __init__(self, steps: KeySteps, request: Request, reader: Reader, begin: Callable[[], None]) -> None:
        self.request = request
        self.until_ms = request.deadline_ms
        self._steps = steps
        self._reader = reader
        self._begin = begin

    def granted(self, grant: Grant) -> None:
        self._steps.hold(self._reader, grant)
        try:
            self._begin()
        except CallError as error:
            self.request.fail(error)

    def moved(self, position: int, expected_wait_ms: int | None) -> None:
        """Nobody is shown the place of a key exchange."""

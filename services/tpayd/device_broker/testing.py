"""device.test: a reader identified and tested by hand, between two payments."""

from __future__ import annotations

from collections.abc import Mapping

from tpayd.device_broker import errors
from tpayd.device_broker.examination import Examination
from tpayd.device_broker.leases import Grant
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.reader import Reader
from tpayd.kit.bus import CallError, Request
from tpayd.kit.bus.wire import decode_body
from tpayd_contracts.device import DeviceState
from tpayd_contracts.fleet import DeviceQuery, DeviceTestProgress, DeviceTestStep, SelfTest

__all__ = ["TEST_LANE", "DeviceTests", "self_test"]

TEST_LANE = "test:"
"""Begins the name of what holds a reader for a test; no lane's name has a colon."""
_HOLD_US = 60_000_000
"""A self-test takes 10 s at most, init and identification 9 more."""
_LENDABLE = frozenset({DeviceState.READY, DeviceState.LEASED, DeviceState.QUARANTINE})


class DeviceTests:
    """A reader in service is borrowed as for a payment; one that is not there is tested when its port is tried next."""

    def __init__(self, lending: Lending, readers: Mapping[str, Reader]) -> None:
        self._lending = lending
        self._readers = readers

    def test(self, request: Request) -> None:
        """Serve device.test."""
        name = decode_body(request.body, DeviceQuery).device
        reader = self._readers.get(name)
        if reader is None:
            raise errors.not_configured(name)
        if self._lending.state(name) not in _LENDABLE:
            _tell(request, DeviceTestStep.TESTING, f"{name} is not in service: opening its port and asking it")
            reader.examine(lambda examination: request.reply(self_test(examination)))
            return
        waiter = _TestWaiter(self._lending, request, reader)
        self._lending.want(waiter, TEST_LANE + name, _HOLD_US, only=name)
        if not waiter.began:
            _tell(request, DeviceTestStep.WAITING, f"{name} is in use: the test begins when its payment is over")


class _TestWaiter:
    def __init__(self, lending: Lending, request: Request, reader: Reader) -> None:
        self.request = request
        self.until_ms = request.deadline_ms
        self.began = False
        self._lending = lending
        self._reader = reader

    def granted(self, grant: Grant) -> None:
        self.began = True
        _tell(self.request, DeviceTestStep.TESTING, f"{self._reader.name} says who it is and tests itself")

        def done(examination: Examination) -> None:
            self.request.reply(self_test(examination))
            self._lending.give_back(grant.lease_id, grant.fence)

        try:
            self._reader.examine(done)
        except CallError as error:
            self._lending.give_back(grant.lease_id, grant.fence)
            self.request.fail(error)

    def moved(self, position: int, expected_wait_ms: int | None) -> None:
        """Nobody is shown the place of a test."""


def self_test(examination: Examination) -> SelfTest:
    """As it is told to others."""
    return SelfTest(examination.at_ms, examination.passed, examination.code, examination.problem)


def _tell(request: Request, step: DeviceTestStep, text: str) -> None:
    request.progress(DeviceTestProgress(step, text))

"""Where a lane's customer signs or keys a number: at the reader that his payment holds, on another pad, or on a screen.

A lane's profile may name a pad, or its screen (T7). Where it names none, the reader in hand is best; else any device
will do that the lane may use. A pad is lent like a reader, in fair turn, and whoever holds one waits for nothing more:
so it comes free by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tpayd.device_broker import errors
from tpayd.device_broker.card_steps import lease_of
from tpayd.device_broker.leases import Grant
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.profiles import Arrangement
from tpayd.device_broker.reader import Reader
from tpayd.device_broker.settings import SCREEN
from tpayd.kit.bus import Request
from tpayd.kit.bus.wire import decode_body
from tpayd_contracts.device import Ability, DeviceState, LeaseProgress
from tpayd_contracts.pad import AcquirePad, PadPlace, PadStep, Where

__all__ = ["PadPlaces"]

_ABILITY = {PadStep.SIGN: Ability.SIGN, PadStep.NUMBER: Ability.PIN}


class PadPlaces:
    """pad.acquire."""

    def __init__(
        self,
        lending: Lending,
        readers: Mapping[str, Reader],
        arrangement: Callable[[], Arrangement],
        state: Callable[[str], DeviceState],
        lease_us: int,
    ) -> None:
        self._lending = lending
        self._readers = readers
        self._arrangement = arrangement
        self._state = state
        self._lease_us = lease_us

    def acquire(self, request: Request) -> None:
        """Say where, and lend the pad if that is another device. Raises CallError."""
        body = decode_body(request.body, AcquirePad)
        arrangement = self._arrangement()
        profile = arrangement.profiles.get(body.lane)
        if profile is None:
            raise errors.unknown_lane(body.lane, "$.lane")
        if (fault := arrangement.fault_of(body.lane)) is not None:
            raise errors.lane_at_fault(fault)
        held = None
        if body.beside is not None:
            held = self._lending.held(body.beside.lease_id, body.beside.fence).device
        named = profile.sign_pad if body.step is PadStep.SIGN else profile.number_pad
        if named == SCREEN:
            request.reply(PadPlace(Where.SCREEN))
            return
        able = [name for name in self._able(_ABILITY[body.step]) if arrangement.may_use(body.lane, name)]
        if held in able and named in ("", held):
            request.reply(PadPlace(Where.HERE))
            return
        wanted = [name for name in able if name == named or (not named and name != held)]
        if not wanted:
            request.reply(PadPlace(Where.NOWHERE))
            return
        if all(self._state(name) is DeviceState.ABSENT for name in wanted):
            # Its customer stands there with his card: he need not wait for a cable.
            raise errors.reader_absent()
        self._lending.want(
            _PadWaiter(request, self._readers), body.lane, self._lease_us, abilities=frozenset({_ABILITY[body.step]}),
            avoid=frozenset(self._readers) - set(wanted),
        )  # fmt: skip

    def _able(self, ability: Ability) -> list[str]:
        return [name for name, reader in self._readers.items() if ability in reader.settings.abilities]


class _PadWaiter:
    def __init__(self, request: Request, readers: Mapping[str, Reader]) -> None:
        self.request = request
        self.until_ms = request.deadline_ms
        self._readers = readers

    def granted(self, grant: Grant) -> None:
        self.request.reply(PadPlace(Where.PAD, lease_of(grant, self._readers[grant.device])))

    def moved(self, position: int, expected_wait_ms: int | None) -> None:
        self.request.progress(LeaseProgress(position, expected_wait_ms))

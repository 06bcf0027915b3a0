"""Sets the scene: the product's settings, and the few names in it that a simulated machine has to answer for.

Nothing here changes what the product does; it changes what it stands on (port, disk, writing thread).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from unittest.mock import patch

from tests.simulation.disk import SimReader, SimStore, SimWriter, first_frame
from tests.simulation.serial_line import SimPort
from tpayd.device_broker import reader as reader_module
from tpayd.device_broker import service as broker_service
from tpayd.device_broker.drivers import stx
from tpayd.device_broker.settings import DeviceBrokerSettings, DeviceSettings
from tpayd.host_link.line import Waits
from tpayd.host_link.settings import HostLinkSettings, Profiles, ProfileSettings
from tpayd.hosts import adapter as adapters
from tpayd.kit.store_settings import LaneSettings, Merchant, StoreSettings
from tpayd.transaction.journal import Journal, bookkeeping
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps import stans
from tpayd.transaction.terminals import Register, RegisterFile
from tpayd_contracts.device import Ability

if TYPE_CHECKING:
    from tests.simulation.plan import Plan
    from tests.simulation.process import Process
    from tests.simulation.world import World

__all__ = ["PLACE", "set_for", "settings_for", "store_for"]

TICK_S = 0.2
"""The broker's beat. Its own 50 ms would be half of a run's work."""


@dataclass
class _Place:
    """The world that is being played, and the process that is being built in it."""

    world: World | None = None
    building: Process | None = None


PLACE = _Place()
_PROFILE: Literal["test"] = "test"
_INSTALLED = adapters.installed()


@contextlib.contextmanager
def set_for(plan: Plan) -> Iterator[_Place]:
    """Put the simulated machine in its place, for one run."""
    with contextlib.ExitStack() as stack:
        for module, name, value in (
            (reader_module, "Port", _port),
            (bookkeeping, "_opened", _opened),
            (bookkeeping, "Journal", _journal),
            (RegisterFile, "read", lambda _: Register(fraud_cancel_prevention=False)),
            (broker_service, "TICK_S", TICK_S),
            (broker_service, "driver_kind", lambda _: stx.driver),
            (adapters, "installed", lambda: _INSTALLED),
            (stans, "LAST", plan.stan_last or stans.LAST),
            (stans, "BLOCK", 2 if plan.stan_last else stans.BLOCK),
        ):
            stack.enter_context(patch.object(module, name, value))
        try:
            yield PLACE
        finally:
            PLACE.world = PLACE.building = None


def _port(url: str, settings: Any, owner: Any, *, reopen_min_s: float, reopen_max_s: float, locate: Any) -> SimPort:
    world, process = PLACE.world, PLACE.building
    assert world is not None
    assert process is not None
    desktop = world.desktops[url.rpartition("/")[2]]
    return SimPort(
        url, settings, owner, process=process, desktop=desktop, reopen_min_s=reopen_min_s, reopen_max_s=reopen_max_s
    )


def _opened(_: Any) -> tuple[SimStore, SimReader]:
    assert PLACE.world is not None
    return SimStore(PLACE.world.disk), SimReader(PLACE.world.disk)


def _journal(store: Any, clock: Any, log: Any, *_: Any) -> Journal:
    assert PLACE.world is not None
    assert PLACE.building is not None
    return Journal(store, clock, log, SimWriter(PLACE.building, PLACE.world.disk))


def journal_for(plan: Plan) -> bytes:
    """What the disk holds at the beginning: STANs reserved so far that a wrap is near, if the plan wants one."""
    if plan.stans_left is None or plan.stan_last is not None:
        return b""
    return first_frame({(_PROFILE, _terminal(place)): stans.LAST - plan.stans_left for place in range(len(plan.lanes))})


def _terminal(place: int) -> str:
    return f"SIMT{place + 1:04d}"


def store_for(plan: Plan) -> StoreSettings:
    """config/store.toml."""
    return StoreSettings(
        merchant=Merchant(id="SIMULATION00001", name="Simulated store", business_number="1234567891"),
        lanes=tuple(LaneSettings(lane, _terminal(place)) for place, lane in enumerate(plan.lanes)),
        sandbox=True,
        host_profile=_PROFILE,
    )


def settings_for(plan: Plan, readers: list[str]) -> dict[str, Any]:
    """Every service's settings, with short waits: more can go wrong in a minute then."""
    waits = Waits(
        connect_s=2, sign_on_s=2, echo_idle_s=5, echo_answer_s=2, retry_first_s=0.1, retry_most_s=1.5, steady_s=5
    )
    return {
        "transaction": TransactionSettings(
            reader_wait_s=15, card_wait_s=5, card_finish_s=4, answer_wait_s=plan.answer_wait_s, pos_gone_after_s=1,
            lease_renew_s=1, host_max_processing_s=plan.host_max_processing_s, reversal_waits_s=(0.3, 0.6, 1),
            inquiry_wait_s=1, inquiry_limit_s=plan.host_max_processing_s + 6, confirm_wait_s=3,
            signature="when_able" if plan.signs else "off", no_signature_limit_minor=2_000, signature_wait_s=3,
        ),
        "device_broker": DeviceBrokerSettings(
            devices=tuple(DeviceSettings(name=name, port=name, abilities=tuple(Ability)) for name in readers),
            lease_ttl_s=4, absent_grace_s=4, idle_check_s=10,
        ),
        "host_link": HostLinkSettings(
            profiles=Profiles(
                test=ProfileSettings(addresses=("host:1",), lines_per_address=plan.lines, waits=waits)
            )
        ),
    }  # fmt: skip

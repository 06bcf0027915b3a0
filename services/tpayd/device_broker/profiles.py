"""Lane profiles (T5, T7): which lane may use which devices, settled from the settings. Pure.

The rules, of which each breach is a fault of that lane alone:

* a lane has one profile, and is a lane of config/store.toml;
* it has at most three devices of its own, each configured, in no pool, and no other lane's;
* the pools that it names are there, and admit it;
* a reader of chip cards is among its own devices or in one of its pools;
* its pads are devices that it may use and that are able to do it, or its screen.

A lane at fault is refused until its profile is mended; the others go on. A device that two lanes claim is lent to
neither; one whose pool does not exist, to nobody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from tpayd.device_broker.settings import (
    SCREEN,
    SHARED,
    DeviceBrokerSettings,
    DeviceSettings,
    LaneProfileSettings,
    PoolSettings,
)
from tpayd_contracts.device import Ability

__all__ = ["OWN_MAX", "Arrangement", "Fault", "Place", "Profile", "arrange"]

OWN_MAX = 3
"""Devices of a lane's own, as many as the manual's form has rows [장치 1-3]."""

_PADS = (("sign_pad", Ability.SIGN, "sign"), ("number_pad", Ability.PIN, "enter numbers"))


class Fault(Struct, frozen=True):
    """What is wrong in the settings, and the way out."""

    field: str
    """Where in config/device_broker.toml, e.g. `lanes[0].devices`."""
    text: str
    lane: str | None = None
    """The lane that is refused for it."""
    device: str | None = None
    """The device that is lent to nobody for it."""


class Profile(Struct, frozen=True):
    """What a lane uses."""

    lane: str
    devices: tuple[str, ...] = ()
    pools: tuple[str, ...] = (SHARED,)
    """The preferred one first."""
    sign_pad: str = ""
    number_pad: str = ""
    priority: int = 0


class Place(Struct, frozen=True):
    """Where a device belongs: to a pool, to a lane, or, for a fault, nowhere."""

    pool: str | None = None
    lane: str | None = None


class Arrangement(Struct, frozen=True):
    """Who may use what."""

    profiles: Mapping[str, Profile]
    """Of every lane of the store; that of a lane at fault as far as it is sound."""
    places: Mapping[str, Place]
    """Of every device."""
    labels: Mapping[str, str]
    """Of every pool that is configured or has a device, what people call it."""
    faults: tuple[Fault, ...]

    def fault_of(self, lane: str) -> Fault | None:
        """Why a lane is refused."""
        return next((fault for fault in self.faults if fault.lane == lane), None)

    def may_use(self, lane: str, device: str) -> bool:
        """Whether it is the lane's own, or in a pool that it uses."""
        place, profile = self.places[device], self.profiles[lane]
        return place.lane == lane if place.lane is not None else place.pool in profile.pools

    def fault_with(self, device: str) -> Fault | None:
        """Why a device is lent to nobody."""
        return next((fault for fault in self.faults if fault.device == device), None)


def arrange(settings: DeviceBrokerSettings, lanes: Sequence[str]) -> Arrangement:
    """Settle who may use what in a store with these lanes. Faults come in the order of the file."""
    return _Arranging(settings, lanes).done()


class _Arranging:
    def __init__(self, settings: DeviceBrokerSettings, lanes: Sequence[str]) -> None:
        self._settings = settings
        self._lanes = lanes
        self._devices = {device.name: device for device in settings.devices}
        self._pools = {pool.name: pool for pool in settings.pools}
        self._pools.setdefault(SHARED, PoolSettings(name=SHARED))
        self._claims: dict[str, list[str]] = defaultdict(list)
        for profile in settings.lanes:
            for device in dict.fromkeys(profile.devices):
                if profile.name in lanes:
                    self._claims[device].append(profile.name)

    def done(self) -> Arrangement:
        faults = [*self._pool_faults(), *self._device_faults()]
        profiles: dict[str, Profile] = {}
        places = {name: self._place(device) for name, device in self._devices.items()}
        for index, told in enumerate(self._settings.lanes):
            faults.extend(self._lane_faults(f"lanes[{index}]", told, again=told.name in profiles))
            profiles.setdefault(told.name, self._profile(told))
        for lane in self._lanes:
            if lane not in profiles:
                profiles[lane] = profile = self._profile(LaneProfileSettings(name=lane))
                faults.extend(self._unreachable("lanes", profile))
        used = {place.pool for place in places.values()}
        labels = {
            name: pool.label or name
            for name, pool in self._pools.items()
            if name in used or name != SHARED or pool in self._settings.pools
        }
        return Arrangement(
            {lane: profiles[lane] for lane in self._lanes}, places, labels, tuple(faults)
        )  # fmt: skip

    def _place(self, device: DeviceSettings) -> Place:
        claims = self._claims.get(device.name, [])
        if device.pool is None and claims:
            return Place(lane=claims[0]) if len(set(claims)) == 1 else Place()
        pool = device.pool or SHARED
        return Place(pool=pool) if pool in self._pools else Place()

    def _profile(self, told: LaneProfileSettings) -> Profile:
        admitting = [name for name, pool in self._pools.items() if not pool.lanes or told.name in pool.lanes]
        wanted = admitting if told.pools is None else [pool for pool in told.pools if pool in admitting]
        return Profile(
            told.name, told.devices, tuple(dict.fromkeys(wanted)), told.sign_pad, told.number_pad, told.priority
        )

    # What is wrong

    def _pool_faults(self) -> Iterator[Fault]:
        for index, pool in enumerate(self._settings.pools):
            for lane in pool.lanes:
                if lane not in self._lanes:
                    text = f"pool {pool.name} admits lane {lane!r}, which config/store.toml does not have: take it out"
                    yield Fault(f"pools[{index}].lanes", text)

    def _device_faults(self) -> Iterator[Fault]:
        for index, device in enumerate(self._settings.devices):
            if device.pool is not None and device.pool not in self._pools:
                text = f"there is no pool {device.pool!r}: {self._pools_known()}"
                yield Fault(f"devices[{index}].pool", text, device=device.name)
            elif device.pool is None and len(claims := self._claims.get(device.name, [])) > 1:
                text = f"lanes {_listed(claims)} each claim it as their own"
                text += ": leave it in one profile, or put it into a pool"
                yield Fault("lanes", text, device=device.name)

    def _lane_faults(self, at: str, told: LaneProfileSettings, *, again: bool) -> Iterator[Fault]:
        lane = told.name
        if lane not in self._lanes:
            yield Fault(f"{at}.name", f"config/store.toml has no lane {lane!r}: its lanes are {_listed(self._lanes)}")
            return
        found = [("name", "has another profile above: make one of both")] if again else []
        found += [*self._own_faults(told), *self._pools_faults(told), *self._pad_faults(told)]
        yield from (Fault(f"{at}.{field}", f"lane {lane} {text}", lane=lane) for field, text in found)
        if not found:
            yield from self._unreachable(f"{at}.devices", self._profile(told))

    def _own_faults(self, told: LaneProfileSettings) -> Iterator[tuple[str, str]]:
        if (count := len(told.devices)) > OWN_MAX:
            text = f"has {count} devices of its own, and may have {OWN_MAX}: put the others into a pool"
            yield "devices", text
        for name, times in Counter(told.devices).items():
            others = [claimant for claimant in self._claims[name] if claimant != told.name]
            if times > 1:
                yield "devices", f"names {name} {times} times: once is enough"
            if name not in self._devices:
                yield "devices", f"names {name!r}, which is not among [[devices]]: {self._devices_known()}"
            elif others:
                text = f"and lane {_listed(others)} both claim {name}: leave it in one profile, or put it into a pool"
                yield "devices", text
            elif (pool := self._devices[name].pool) is not None:
                text = f"has {name} as its own, which is in pool {pool}: take it out of the profile or of the pool"
                yield "devices", text

    def _pools_faults(self, told: LaneProfileSettings) -> Iterator[tuple[str, str]]:
        for name in told.pools or ():
            pool = self._pools.get(name)
            if pool is None:
                yield "pools", f"names pool {name!r}, which is not there: {self._pools_known()}"
            elif pool.lanes and told.name not in pool.lanes:
                yield "pools", f"names pool {name}, which does not admit it: add the lane to the pool's lanes"

    def _pad_faults(self, told: LaneProfileSettings) -> Iterator[tuple[str, str]]:
        for field, ability, what in _PADS:
            pad: str = getattr(told, field)
            if pad in ("", SCREEN):
                continue
            device = self._devices.get(pad)
            if device is None:
                yield (
                    field,
                    f"has its customers {what} on {pad!r}, which is not among [[devices]]: {self._devices_known()}",
                )
            elif ability not in device.abilities:
                text = (
                    f"has its customers {what} on {pad}, whose abilities lack {ability.value!r}: choose another device"
                )
                yield field, f"{text}, or add the ability if it has it"
            elif not self._may_use(self._profile(told), pad):
                text = (
                    f"has its customers {what} on {pad}, which it may not use: make it the lane's own, or its pool one"
                )
                yield field, f"{text} of the lane's pools"

    def _unreachable(self, field: str, profile: Profile) -> Iterator[Fault]:
        for name, device in self._devices.items():
            if Ability.IC in device.abilities and self._may_use(profile, name):
                return
        text = f"lane {profile.lane} reaches no reader of chip cards: give it one of its own, or a pool that has one"
        yield Fault(field, f"{text} (a device whose abilities include 'ic')", lane=profile.lane)

    def _may_use(self, profile: Profile, device: str) -> bool:
        place = self._place(self._devices[device])
        return place.lane == profile.lane if place.lane is not None else place.pool in profile.pools

    def _devices_known(self) -> str:
        return f"known are {_listed(self._devices)}" if self._devices else "there are none"

    def _pools_known(self) -> str:
        return f"known are {_listed(self._pools)}"


def _listed(names: Sequence[str] | Mapping[str, object], most: int = 12) -> str:
    shown = list(names)[:most]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")

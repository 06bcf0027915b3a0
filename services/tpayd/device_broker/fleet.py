"""The readers as the settings have them, also when these change while the store sells.

A new reader starts at once; one that is no longer configured, or is to be opened in another way, first finishes the
lease that it is under and is lent to nobody else meanwhile. What does not concern its port changes where it stands.
"""

from __future__ import annotations

from collections.abc import Callable

from tpayd.device_broker.drivers import DriverUnknownError, driver_kind
from tpayd.device_broker.leases import LaneRules, Member
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.profiles import Arrangement, Place, arrange
from tpayd.device_broker.reader import Reader
from tpayd.device_broker.settings import DeviceBrokerSettings, DeviceSettings
from tpayd.device_broker.standing import Standing
from tpayd.kit.logs import Log

__all__ = ["Fleet", "member_of", "rules_of"]

NewReader = Callable[[DeviceSettings], Reader]


class Fleet:
    """Keeps `readers`, the one list that everybody looks at, and the pool as the settings say.

    Call `finish` often: it changes the readers whose lease has ended.
    """

    def __init__(
        self,
        settings: DeviceBrokerSettings,
        lanes: list[str],
        readers: dict[str, Reader],
        lending: Lending,
        standing: Standing,
        new_reader: NewReader,
        log: Log,
    ) -> None:
        self.settings = settings
        self._lanes = lanes
        self._readers = readers
        self._lending = lending
        self._standing = standing
        self._new_reader = new_reader
        self._log = log
        self._leaving: set[str] = set()
        """Readers that are lent, and are to be closed when they come back."""
        self._members: dict[str, Member] = {}
        for device in settings.devices:
            readers[device.name] = new_reader(device)
            standing.changed(device.name)
        self._rearrange()
        lending.identified.append(self._identified)

    @property
    def arrangement(self) -> Arrangement:
        return self._standing.arrangement

    def start(self) -> None:
        """Tell what is wrong in the settings, and open every port."""
        self._tell_faults()
        for reader in self._readers.values():
            reader.start()

    def apply(self, settings: DeviceBrokerSettings) -> None:
        """These devices, pools and lanes count from now on; none of them where a driver is not installed."""
        if _same(settings, self.settings):
            return
        try:
            for device in settings.devices:
                driver_kind(device.driver)
        except DriverUnknownError as error:
            self._log.error("settings.refused", why=str(error))
            return
        self.settings = settings
        self._standing.arrangement = arrange(settings, self._lanes)
        wanted = {device.name: device for device in settings.devices}
        self._leaving = set()
        for name, reader in self._readers.items():
            found = wanted.get(name)
            reader.leaving = found is None or _opens_otherwise(reader.settings, found)
            if reader.leaving:
                self._leaving.add(name)
            elif found is not None:
                reader.settings = found
            self._standing.changed(name)
        self._log.info("devices.settings", devices=len(wanted), leaving=sorted(self._leaving))
        self._tell_faults()
        self.finish()
        self._rearrange()

    def finish(self) -> None:
        """Close readers that are to go, or to be opened in another way, and are lent no longer."""
        gone = [
            name for name in self._leaving if not self._lending.is_lent(name) and not self._readers[name].handed_over
        ]
        wanted = {device.name: device for device in self.settings.devices}
        new = [device for name, device in wanted.items() if name not in self._readers or name in gone]
        if not gone and not new:
            return
        self._leaving.difference_update(gone)
        for name in gone:
            self._readers.pop(name).close()
            self._members.pop(name, None)
        made = [self._new_reader(device) for device in new]
        for reader in made:
            self._readers[reader.name] = reader
        self._rearrange()
        for reader in made:
            self._lending.on_new(reader)
            self._standing.changed(reader.name)
            reader.start()
        for name in gone:
            if name not in wanted:
                self._standing.removed(name)

    def _tell_faults(self) -> None:
        for fault in self.arrangement.faults:
            self._log.error("settings.fault", field=fault.field, lane=fault.lane, device=fault.device, why=fault.text)

    def _identified(self, reader: Reader) -> None:
        member = self._members.get(reader.name)
        if member is not None and member.abilities != frozenset(reader.abilities):
            self._rearrange()

    def _rearrange(self) -> None:
        places = self.arrangement.places
        for name, reader in self._readers.items():
            if name in places:  # else it is leaving, and keeps its place as long as it is there
                self._members[name] = member_of(reader, places[name])
        members = [self._members[name] for name in self._readers]
        self._lending.rearrange(members, rules_of(self.arrangement))


def member_of(reader: Reader, place: Place) -> Member:
    """A reader as the pool knows it: with the abilities that it really has."""
    return Member(reader.name, frozenset(reader.abilities), place.pool, place.lane)


def rules_of(arrangement: Arrangement) -> dict[str, LaneRules]:
    """The lanes' rules as the pool knows them."""
    return {name: LaneRules(lane.pools, lane.priority) for name, lane in arrangement.profiles.items()}


def _same(one: DeviceBrokerSettings, other: DeviceBrokerSettings) -> bool:
    return (one.devices, one.pools, one.lanes) == (other.devices, other.pools, other.lanes)


def _opens_otherwise(now: DeviceSettings, wanted: DeviceSettings) -> bool:
    return (now.port, now.driver, now.baud, now.serial_number, now.model) != (
        wanted.port, wanted.driver, wanted.baud, wanted.serial_number, wanted.model,
    )  # fmt: skip

"""Checks every settings file of an instance without a running daemon. Needs the store's packages."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from tpayd.device_broker.settings import DeviceBrokerSettings
from tpayd.gateway.settings import GatewaySettings
from tpayd.host_link.settings import HostLinkSettings
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.kit.instance import Instance
from tpayd.kit.settings import SettingsError, load
from tpayd.kit.store_settings import StoreSettings
from tpayd.log_shipper.settings import LogShipperSettings
from tpayd.sandbox.host.settings import SandboxHostSettings
from tpayd.sandbox.logs.settings import SandboxLogsSettings
from tpayd.sandbox.readers.settings import SandboxReadersSettings
from tpayd.sandbox.updates.settings import SandboxUpdatesSettings
from tpayd.transaction.settings import TransactionSettings
from tpayd.updater.settings import UpdaterSettings

__all__ = ["Checked", "check_files"]

_FILES: dict[str, type[Struct]] = {
    "store": StoreSettings,
    "gateway": GatewaySettings,
    "transaction": TransactionSettings,
    "device_broker": DeviceBrokerSettings,
    "host_link": HostLinkSettings,
    "key_manager": KeyManagerSettings,
    "log_shipper": LogShipperSettings,
    "updater": UpdaterSettings,
}
_SANDBOX: dict[str, type[Struct]] = {
    "sandbox_host": SandboxHostSettings,
    "sandbox_readers": SandboxReadersSettings,
    "sandbox_logs": SandboxLogsSettings,
    "sandbox_updates": SandboxUpdatesSettings,
}


@dataclass(frozen=True)
class Checked:
    """One file."""

    file: str
    problem: str
    """Empty: it can be used."""
    doubts: tuple[str, ...] = ()
    """What looks wrong and is allowed all the same."""


def check_files(instance: Instance) -> list[Checked]:
    """Every file that a process of this instance reads at start; the sandbox's where it is one."""
    checked = []
    sandbox = False
    for name, kind in (_FILES | _SANDBOX).items():
        if name in _SANDBOX and not sandbox:
            continue
        try:
            settings = load(instance.settings_file(name), kind)
        except SettingsError as error:
            place = f"{error.field}: " if error.field else ""
            checked.append(Checked(name, f"{place}{error.problem}"))
            continue
        doubts: tuple[str, ...] = ()
        if isinstance(settings, StoreSettings):
            sandbox, doubts = settings.sandbox, settings.doubts()
        checked.append(Checked(name, "", doubts))
    return checked

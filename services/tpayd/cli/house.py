"""A command's view of the instance on this machine. Needs the store's packages."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from tpayd.cli.errors import CommandError, exit_for
from tpayd.cli.exits import Exit
from tpayd.kit.instance import Instance, InstanceError
from tpayd.kit.settings import SettingsError
from tpayd.kit.store_settings import StoreSettings, load_store
from tpayd.supervision.daemon import launcher_pid
from tpayd.supervision.programs import Program, programs
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.health import HEALTH, Health
from tpayd_contracts.operation import Empty, Op

__all__ = ["STARTING_S", "LocalHouse", "open_house"]

STARTING_S = 30.0
"""How long a process of a daemon that runs may take to answer."""
_LOOK_EVERY_S = 0.2

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


@dataclass(frozen=True)
class LocalHouse:
    """The instance, and what its processes agree on."""

    instance: Instance
    store: StoreSettings

    @property
    def programs(self) -> tuple[Program, ...]:
        """The processes that it runs."""
        return programs(sandbox=self.store.sandbox)

    def ask(self, service: str, op: Op[Q, A], body: Q, timeout_s: float = 5.0) -> A:
        """One request to one process; one that has only just been started gets time to answer. Raises CommandError."""
        from tpayd.kit.bus import CallError, ask  # noqa: PLC0415  (`tpayd up` starts the daemon before it needs it)

        patient_until = time.monotonic() + STARTING_S
        while True:
            try:
                return ask(self.instance.rpc(service), op, body, timeout_s=timeout_s)
            except CallError as error:
                starting = error.code is ErrorCode.UNAVAILABLE and error.outcome is Outcome.NOT_STARTED
                if starting and launcher_pid(self.instance) is not None and time.monotonic() < patient_until:
                    time.sleep(_LOOK_EVERY_S)
                    continue
                status = exit_for(error.code.value, error.outcome.value)
                raise CommandError(f"{service}: {error.message}", status, code=error.code.value) from error

    def health(self, service: str, timeout_s: float = 1.0) -> Health | None:
        """What a process says of itself; None if it does not answer."""
        from tpayd.kit.bus import CallError, ask  # noqa: PLC0415

        try:
            return ask(self.instance.rpc(service), HEALTH, Empty(), timeout_s=timeout_s)
        except CallError:
            return None


def open_house(home: Path | None = None) -> LocalHouse:
    """The instance in TPAYD_HOME (or the default place). Raises CommandError."""
    try:
        instance = Instance.open(home, create=False)
        return LocalHouse(instance, load_store(instance.settings_file("store")))
    except InstanceError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE, code="settings") from error

"""What the checks share: the instance, and the answers of its processes, each asked once and for a bounded time."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from tpayd.cli.errors import CommandError
from tpayd.cli.house import LocalHouse
from tpayd.cli.pos import Gateway, open_pos
from tpayd.cli.readiness import ServiceState, service_states
from tpayd.cli.shape import as_json
from tpayd.supervision.daemon import launcher_pid
from tpayd_client import Pos, TpaydError
from tpayd_contracts.device import DEVICE_LIST
from tpayd_contracts.host import LINE_STATUS
from tpayd_contracts.integrity import INTEGRITY_STATUS
from tpayd_contracts.keys import KEY_LIST
from tpayd_contracts.logs import LOGS_STATUS
from tpayd_contracts.operation import Op
from tpayd_contracts.records import REVERSALS, UNACKNOWLEDGED
from tpayd_contracts.updates import UPDATE_STATUS

__all__ = ["Look", "look_at"]

A = TypeVar("A", bound=Struct)

_ASK_WAIT_S = 3.0
_QUESTIONS: tuple[Op[Any, Any], ...] = (
    KEY_LIST, INTEGRITY_STATUS, LINE_STATUS, DEVICE_LIST, REVERSALS, UNACKNOWLEDGED, UPDATE_STATUS, LOGS_STATUS,
)  # fmt: skip
"""None of their requests has to say anything."""


@dataclass(frozen=True)
class Look:
    """One look at a store."""

    house: LocalHouse
    launcher: int | None
    states: tuple[ServiceState, ...] = ()
    """Of all processes, the watchdog among them."""
    answers: dict[str, Struct] = field(default_factory=dict)
    """By operation."""

    @property
    def running(self) -> bool:
        return self.launcher is not None or any(state.pid for state in self.states)

    def answer(self, op: Op[Any, A]) -> A | None:
        """What the process said; None if it did not."""
        return self.answers.get(op.name)  # type: ignore[return-value]


def look_at(house: LocalHouse) -> Look:
    """Ask everything at once; a few seconds at most, also where nothing runs."""
    states = tuple(service_states(house, watchdog=True))
    look = Look(house, launcher_pid(house.instance), states)
    if not look.running:
        return look

    # Through the gateway, as any client: what a POS could not reach is found so.
    with contextlib.suppress(CommandError), open_pos(Gateway(None)) as pos:
        for op in _QUESTIONS:
            with contextlib.suppress(TpaydError, msgspec.ValidationError):
                look.answers[op.name] = msgspec.convert(_ask(pos, op), op.reply)
    return look


def _ask(pos: Pos, op: Op[Any, Any]) -> Any:
    # A large store's come in pages.
    if op is DEVICE_LIST:
        return as_json(pos.devices())
    if op is KEY_LIST:
        return as_json(pos.keys())
    return pos.call(op.name, {}, ttl_s=_ASK_WAIT_S)

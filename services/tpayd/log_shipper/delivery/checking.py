"""Tries a destination without a bundle: reach it, see who it is, log in, write a file there and take it away again."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import hashlib
import io
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tpayd.log_shipper.delivery.deliver import log_in
from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.looking import Identity, look_at
from tpayd.log_shipper.delivery.remote import Content, Remote
from tpayd.log_shipper.delivery.settings import DestinationSettings

__all__ = ["Checked", "Identity", "Step", "StepName", "check_destination"]

T = TypeVar("T")

_SAMPLE = b"tpayd was here: it tried whether log bundles can be delivered. This file may be deleted.\n"


class StepName(enum.StrEnum):
    """In this order; what follows a step that failed is not tried."""

    CONNECTION = "connection"
    IDENTITY = "identity"
    LOGIN = "login"
    WRITING = "writing"


@dataclass(frozen=True)
class Step:
    """What came of one."""

    name: StepName
    ok: bool
    detail: str


@dataclass(frozen=True)
class Checked:
    """All steps that were tried."""

    url: str
    steps: tuple[Step, ...]
    identity: Identity | None

    @property
    def ok(self) -> bool:
        """Whether a bundle would be delivered."""
        return all(step.ok for step in self.steps) and self.steps[-1].name is StepName.WRITING


async def check_destination(destination: DestinationSettings, home: Path) -> Checked:
    """Try it. Raises DeliveryError where no destination is set; every other failure is a step's."""
    if not destination.url:
        raise DeliveryError(
            Reason.SETTINGS, "destination.url is empty in config/log_shipper.toml: set where the logs go"
        )
    place = destination.place
    steps: list[Step] = []
    identity: Identity | None = None
    name = StepName.CONNECTION
    try:
        identity = await _within(destination.connect_s, look_at(destination))
        steps.append(Step(name, ok=True, detail=f"{place.host} port {place.port} answers"))
        name = StepName.IDENTITY
        steps.append(_recognized(identity))
        if steps[-1].ok:
            name = StepName.LOGIN
            remote = await log_in(destination, home)
            try:
                steps.append(Step(name, ok=True, detail=f"user {destination.user} is let in"))
                name = StepName.WRITING
                steps.append(Step(name, ok=True, detail=await _within(destination.answer_s, _write(remote))))
            finally:
                await remote.close()
    except DeliveryError as error:
        # A server known by its signer is recognized while we log in.
        known = StepName.IDENTITY if error.reason is Reason.CERTIFICATE else name
        steps = [step for step in steps if step.name is not known]
        steps.append(Step(known, ok=False, detail=str(error)))
    return Checked(place.url(), tuple(steps), identity)


def _recognized(identity: Identity | None) -> Step:
    if identity is None:
        return Step(
            StepName.IDENTITY, ok=True, detail="plain FTP: nobody proves who he is, and all can be read on the way"
        )
    if identity.trusted:
        return Step(StepName.IDENTITY, ok=True, detail=identity.shown)
    text = f"{identity.shown} is not what {identity.setting} names; ask the vendor whether it is his, then set it"
    return Step(StepName.IDENTITY, ok=False, detail=text)


async def _write(remote: Remote) -> str:
    name = f"tpayd-check-{uuid.uuid4()}.part"
    renamed = name.removesuffix(".part")
    await remote.send(name, io.BytesIO(_SAMPLE), 0, _nobody)
    size = await remote.size(name)
    there = await remote.content(name, 0, len(_SAMPLE) + 1, _nobody)
    ours = Content(hashlib.sha256(_SAMPLE).hexdigest(), len(_SAMPLE))
    if (there is None and size != len(_SAMPLE)) or (there is not None and there != ours):
        raise DeliveryError(Reason.CONTENT, f"the server does not keep what it is sent: look at {name} there")
    await remote.rename(name, renamed)
    told = "a file was written, renamed" if there is None else "a file was written, read back, renamed"
    with contextlib.suppress(DeliveryError):
        await remote.delete(renamed)
    if await remote.size(renamed) is None:
        return f"{told} and deleted"
    return f"{told}; {renamed} may not be deleted, and stays there"


async def _within(limit_s: float, work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(limit_s):
            return await work
    except TimeoutError:
        raise DeliveryError(Reason.UNREACHABLE, f"no answer within {limit_s:g} s; is destination.url right?") from None


def _nobody(_count: int) -> None:
    """Too few bytes to tell of."""

"""One try to bring one bundle to its destination."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from tpayd.log_shipper.delivery.carry import Cargo, Carried, carry, hash_of
from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.pace import Limits
from tpayd.log_shipper.delivery.remote import Content, Remote
from tpayd.log_shipper.delivery.settings import DestinationSettings
from tpayd.log_shipper.delivery.types import OnProgress, Receipt
from tpayd.log_shipper.delivery.watch import Watch

__all__ = ["deliver", "log_in"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
"""What every server and shell takes as it is."""


async def deliver(
    bundle: Path, sha256: str, destination: DestinationSettings, *, home: Path, on_progress: OnProgress
) -> Receipt:
    """See `Deliver`."""
    if not destination.url:
        raise DeliveryError(Reason.SETTINGS, "destination.url is empty: set where the logs go, then ask again")
    if not _NAME.fullmatch(bundle.name):
        raise DeliveryError(Reason.BUNDLE, f"{bundle}: the name must be of letters, digits, '.', '_' and '-'")
    try:
        file = bundle.open("rb")
    except OSError as error:
        raise DeliveryError(Reason.BUNDLE, f"{bundle} cannot be read: {error.strerror}; make a new one") from error
    with file:
        content = await asyncio.to_thread(_content_of, file, bundle)
        if content.sha256 != sha256.lower():
            text = f"{bundle} is not the bundle that was announced (its SHA-256 is another); make a new one"
            raise DeliveryError(Reason.BUNDLE, text)
        cargo = Cargo(file, bundle.name, content.sha256, content.size_bytes, destination.verify == "hash")
        carried = await _try(cargo, destination, home, on_progress)
    return Receipt(
        url=destination.place.url(bundle.name),
        sha256=content.sha256,
        size_bytes=content.size_bytes,
        sent_bytes=carried.sent_bytes,
        started_over=carried.started_over,
        verified=carried.verified,
    )


async def log_in(destination: DestinationSettings, home: Path) -> Remote:
    """Connect and log in within `connect_s`. Raises DeliveryError."""
    opener = await asyncio.to_thread(_opener, destination.place.scheme)
    try:
        async with asyncio.timeout(destination.connect_s):
            return await opener(destination, home)
    except TimeoutError:
        place = destination.place
        raise DeliveryError(
            Reason.UNREACHABLE,
            f"{place.host} port {place.port} did not take us in within {destination.connect_s:g} s (connect_s)",
        ) from None


async def _try(cargo: Cargo, destination: DestinationSettings, home: Path, on_progress: OnProgress) -> Carried:
    limits = Limits(destination.deadline_s, destination.answer_s, destination.least_bytes_per_s)
    watch = Watch(cargo.size_bytes, limits, on_progress)
    try:
        remote = await log_in(destination, home)
        try:
            carried = await watch.over(carry(remote, cargo, watch), remote.abort)
        except BaseException:
            remote.abort()
            raise
        finally:
            await remote.close()
    except DeliveryError as error:
        error.done_bytes = watch.done_bytes
        raise
    return carried


def _content_of(file: BinaryIO, bundle: Path) -> Content:
    try:
        return hash_of(file)
    except OSError as error:
        raise DeliveryError(Reason.BUNDLE, f"{bundle} cannot be read: {error.strerror}; make a new one") from error


def _opener(scheme: str) -> Callable[[DestinationSettings, Path], Awaitable[Remote]]:
    """The protocol's module, loaded only when it is needed: SSH takes a moment and some memory."""
    if scheme == "sftp":
        from tpayd.log_shipper.delivery.sftp import open_sftp  # noqa: PLC0415

        return open_sftp
    from tpayd.log_shipper.delivery.ftp import open_ftp  # noqa: PLC0415

    return open_ftp

"""The steps of one try, the same for every protocol.

1. Is the file there under its name already, whole? Then a former try was cut at its last step.
2. How much of `.part` is there? Go on from the size that the server tells, if the last bytes of it are ours.
3. Send the rest.
4. Is the file there what the bundle is? It is read back where the server lets us; else its size must do.
   If not, and part of it was from a former try, start over: a server can tell a wrong size, or have torn the file.
5. Rename `.part`, so that nobody at the vendor's ever sees half a bundle.
6. Put `.sha256` beside it, in the format of sha256sum.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from dataclasses import dataclass
from typing import BinaryIO

from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.remote import CannotResumeError, Content, Remote
from tpayd.log_shipper.delivery.types import Stage, Verified
from tpayd.log_shipper.delivery.watch import Watch

__all__ = ["Carried", "Cargo", "carry", "hash_of"]

_TAIL_BYTES = 64 * 1024
"""Read back before going on: cheap, and another's `.part` or one that ends in zeros after a crash shows there."""
_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Cargo:
    """What is to be brought."""

    file: BinaryIO
    name: str
    sha256: str
    size_bytes: int
    read_back: bool


@dataclass(frozen=True)
class Carried:
    """How it went."""

    sent_bytes: int
    started_over: bool
    verified: Verified


async def carry(remote: Remote, cargo: Cargo, watch: Watch) -> Carried:
    """All steps. Raises DeliveryError."""
    watch.enter(Stage.LOOKING, 0)
    found = await remote.size(cargo.name)
    carried = None if found is None else await _is_there(remote, cargo, found, watch)
    if carried is None:
        carried = await _bring(remote, cargo, watch)
        watch.enter(Stage.FINISHING, cargo.size_bytes)
        await remote.rename(_part(cargo.name), cargo.name)
    watch.enter(Stage.FINISHING, cargo.size_bytes)
    await _put_hash(remote, cargo)
    return carried


def hash_of(file: BinaryIO, start: int = 0) -> Content:
    """Of a file on this machine, from byte `start` to its end."""
    digest = hashlib.sha256()
    size = 0
    file.seek(start)
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
        size += len(block)
    return Content(digest.hexdigest(), size)


async def _is_there(remote: Remote, cargo: Cargo, found: int, watch: Watch) -> Carried | None:
    if found != cargo.size_bytes:
        return None
    verified = await _verify(remote, cargo, cargo.name, watch)
    return None if verified is None else Carried(0, started_over=False, verified=verified)


async def _bring(remote: Remote, cargo: Cargo, watch: Watch) -> Carried:
    part = _part(cargo.name)
    found = await remote.size(part) or 0
    start = found if found <= cargo.size_bytes and await _tail_is_ours(remote, cargo, found, watch) else 0
    started_over = start < found
    sent = 0
    while True:
        try:
            if start < cargo.size_bytes or start == 0:
                watch.enter(Stage.SENDING, start)
                await remote.send(part, cargo.file, start, watch.moved)
                sent += cargo.size_bytes - start
            verified = await _verify(remote, cargo, part, watch)
        except CannotResumeError:
            verified = None
        if verified is not None:
            return Carried(sent, started_over, verified)
        if start == 0:
            raise DeliveryError(
                Reason.CONTENT,
                f"the server does not keep what it is sent: {part} was uploaded from the start, and is not the same "
                "there. Its operator has to look at its disk; another destination can be set meanwhile",
            )
        with contextlib.suppress(DeliveryError):  # it may be forbidden, and is written over anyhow
            await remote.delete(part)
        start, started_over = 0, True


async def _tail_is_ours(remote: Remote, cargo: Cargo, found: int, watch: Watch) -> bool:
    if not found or not cargo.read_back:
        return True
    start = max(0, found - _TAIL_BYTES)
    there = await remote.content(_part(cargo.name), start, found - start + 1, watch.heard)
    cargo.file.seek(start)
    ours = cargo.file.read(found - start)
    return there is None or there == Content(hashlib.sha256(ours).hexdigest(), len(ours))


async def _verify(remote: Remote, cargo: Cargo, name: str, watch: Watch) -> Verified | None:
    """How it was found right; None: it is not."""
    watch.enter(Stage.VERIFYING, cargo.size_bytes)
    there = await remote.content(name, 0, cargo.size_bytes + 1, watch.read) if cargo.read_back else None
    if there is not None:
        return Verified.HASH if there == Content(cargo.sha256, cargo.size_bytes) else None
    return Verified.SIZE if await remote.size(name) == cargo.size_bytes else None


async def _put_hash(remote: Remote, cargo: Cargo) -> None:
    name = f"{cargo.name}.sha256"
    line = f"{cargo.sha256}  {cargo.name}\n".encode("ascii")
    await remote.send(_part(name), io.BytesIO(line), 0, _nobody)
    await remote.rename(_part(name), name)


def _part(name: str) -> str:
    return f"{name}.part"


def _nobody(_count: int) -> None:
    """Too few bytes to tell of."""

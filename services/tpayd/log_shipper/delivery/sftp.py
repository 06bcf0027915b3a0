"""SFTP, by asyncssh. The server's host key is one of the pinned ones, or nothing is told to it, no password either.

What the user's own SSH has set (~/.ssh/config, agent, known_hosts) is left out: a store is the same whoever starts it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Coroutine
from pathlib import Path
from typing import BinaryIO, TypeVar

import asyncssh

from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.host_keys import HostKey, algorithms_for
from tpayd.log_shipper.delivery.remote import Content, OnBytes
from tpayd.log_shipper.delivery.secret_files import read_password
from tpayd.log_shipper.delivery.sentences import cut, full, said, why
from tpayd.log_shipper.delivery.settings import DestinationSettings, Place
from tpayd.log_shipper.delivery.sftp_errors import no_login, refused

__all__ = ["SftpRemote", "open_sftp"]

T = TypeVar("T")

_BLOCK_BYTES = 16 * 1024
"""Of one request: every server takes twice that (draft-ietf-secsh-filexfer-02, section 3)."""
_IN_FLIGHT_MAX = 32
"""Requests without an answer: half a MiB for each round trip."""
_AS_TOLD = 0
"""One request for each block; the library's own parallel requests leave faults behind that nobody asks for."""
_CLOSE_WAIT_S = 2.0

asyncssh.set_log_level("WARNING")


class SftpRemote:
    """One session; `open_sftp` makes it."""

    def __init__(
        self, connection: asyncssh.SSHClientConnection, client: asyncssh.SFTPClient, place: Place, secret: str
    ) -> None:
        self._connection = connection
        self._client = client
        self._place = place
        self._secret = secret

    async def size(self, name: str) -> int | None:
        async def ask() -> int | None:
            try:
                return (await self._client.stat(self._place.path(name))).size
            except asyncssh.SFTPNoSuchFile:
                return None

        return await self._do(f"look at {name}", ask())

    async def send(self, name: str, source: BinaryIO, start: int, on_bytes: OnBytes) -> None:
        async def send() -> None:
            flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | (0 if start else asyncssh.FXF_TRUNC)
            async with await self._open(name, flags) as file:
                await _write(file, source, start, on_bytes)

        source.seek(start)
        try:
            await self._do(f"write {name}", send())
        except DeliveryError as error:
            if error.reason is Reason.UNSUPPORTED and await self._is_full():
                raise full(self._place) from error
            raise

    async def content(self, name: str, start: int, most_bytes: int, on_bytes: OnBytes) -> Content | None:
        async def read() -> Content | None:
            try:
                file = await self._open(name, asyncssh.FXF_READ)
            except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported, asyncssh.SFTPFailure):
                return None
            try:
                return await _read(file, start, most_bytes, on_bytes)
            finally:
                await file.close()

        return await self._do(f"read {name}", read())

    async def rename(self, name: str, new: str) -> None:
        async def rename() -> None:
            old_path, new_path = self._place.path(name), self._place.path(new)
            try:
                await self._client.posix_rename(old_path, new_path)
            except (asyncssh.SFTPOpUnsupported, asyncssh.SFTPFailure):
                # Version 3 has no rename over a file: what has the name goes first.
                await self.delete(new)
                await self._client.rename(old_path, new_path)

        await self._do(f"rename {name} to {new}", rename())

    async def delete(self, name: str) -> None:
        async def delete() -> None:
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                await self._client.remove(self._place.path(name))

        await self._do(f"delete {name}", delete())

    async def close(self) -> None:
        self._client.exit()
        self._connection.close()
        try:
            async with asyncio.timeout(_CLOSE_WAIT_S):
                await self._connection.wait_closed()
        except TimeoutError:
            self._connection.abort()

    def abort(self) -> None:
        self._connection.abort()

    async def _is_full(self) -> bool:
        """SFTP up to version 4 has no word for it: the server's 'failure' is looked into."""
        try:
            found = await self._client.statvfs(self._place.directory)
        except (asyncssh.Error, OSError):
            return False
        return not found.bavail

    async def _open(self, name: str, flags: int) -> asyncssh.SFTPClientFile:
        return await self._client.open(self._place.path(name), flags, encoding=None, block_size=_AS_TOLD)

    async def _do(self, what: str, work: Coroutine[object, object, T]) -> T:
        """Give the library's errors their reason."""
        try:
            return await work
        except asyncssh.SFTPError as error:
            raise refused(what, self._place, error, self._secret) from error
        except (asyncssh.Error, OSError) as error:
            raise cut(what, self._place, why(error), self._secret) from error


async def open_sftp(destination: DestinationSettings, home: Path) -> SftpRemote:
    """Connect and log in. Raises DeliveryError; the caller limits the time."""
    place = destination.place
    if not destination.host_key:
        raise DeliveryError(
            Reason.HOST_KEY,
            "destination.host_key is empty: the server's key must be known first. `tpayd logs check-destination` "
            "shows it; compare it with what the vendor tells, then set it",
        )
    password = read_password(home, destination.password_file) if destination.password_file else None
    seen: list[HostKey] = []

    class Pinned(asyncssh.SSHClient):
        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
            seen.append(HostKey.of(key))
            return seen[-1].is_one_of(destination.host_key)

    key = _client_key(home, destination.key_file)
    # asyncssh asks who runs this, for files that we keep it from reading; a uid of the house has no name.
    os.environ.setdefault("LOGNAME", "tpayd")
    try:
        connection = await asyncssh.connect(
            place.host, place.port, client_factory=Pinned, config=None, known_hosts=([], [], []),
            server_host_key_algs=algorithms_for(destination.host_key), username=destination.user, password=password,
            client_keys=[key] if key is not None else None, agent_path=None, gss_host=None, x509_trusted_certs=None,
            x509_trusted_cert_paths=[], compression_algs=None, login_timeout=0,
        )  # fmt: skip
    except (asyncssh.Error, OSError) as error:
        raise no_login(destination, error, seen, password or "") from error
    try:
        client = await connection.start_sftp_client()
    except (asyncssh.Error, OSError) as error:
        connection.abort()
        raise DeliveryError(
            Reason.UNSUPPORTED,
            f"{place.host} took the login, but offers no SFTP: {said(error, password or '')}; its operator has "
            "to allow it",
        ) from error
    return SftpRemote(connection, client, place, password or "")


def _client_key(home: Path, file: str) -> asyncssh.SSHKey | None:
    if not file:
        return None
    path = home / file
    try:
        return asyncssh.read_private_key(path)
    except OSError as error:
        text = f"destination.key_file: {path} cannot be read: {error.strerror}"
        raise DeliveryError(Reason.SETTINGS, text) from error
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError):
        # What the library says of it could repeat a part of it.
        text = f"destination.key_file: {path} is no private SSH key, or has a passphrase; `ssh-keygen -p` takes it off"
        raise DeliveryError(Reason.SETTINGS, text) from None


async def _write(file: asyncssh.SFTPClientFile, source: BinaryIO, start: int, on_bytes: OnBytes) -> None:
    """Blocks in flight side by side, told in order as they are answered."""
    flying: deque[asyncio.Task[int]] = deque()
    place = start
    try:
        while block := source.read(_BLOCK_BYTES):
            if len(flying) >= _IN_FLIGHT_MAX:
                on_bytes(await flying.popleft())
            flying.append(asyncio.ensure_future(file.write(block, place)))
            place += len(block)
        while flying:
            on_bytes(await flying.popleft())
    finally:
        await _drop(flying)


async def _read(file: asyncssh.SFTPClientFile, start: int, most_bytes: int, on_bytes: OnBytes) -> Content:
    digest = hashlib.sha256()
    size = 0
    flying: deque[asyncio.Task[bytes]] = deque()
    places = iter(range(start, start + most_bytes, _BLOCK_BYTES))
    try:
        while True:
            while len(flying) < _IN_FLIGHT_MAX and (place := next(places, None)) is not None:
                wanted = min(_BLOCK_BYTES, start + most_bytes - place)
                flying.append(asyncio.ensure_future(_read_block(file, wanted, place)))
            block = await flying.popleft() if flying else b""
            if not block:
                return Content(digest.hexdigest(), size)
            digest.update(block)
            size += len(block)
            on_bytes(len(block))
    finally:
        await _drop(flying)


async def _read_block(file: asyncssh.SFTPClientFile, wanted: int, place: int) -> bytes:
    """All of a block, or what there is of it; a server may answer with less than it is asked for."""
    block = bytearray()
    while len(block) < wanted and (more := await file.read(wanted - len(block), place + len(block))):
        assert isinstance(more, bytes)  # noqa: S101  no encoding was asked for
        block += more
    return bytes(block)


async def _drop(flying: deque[asyncio.Task[int]] | deque[asyncio.Task[bytes]]) -> None:
    for task in flying:
        task.cancel()
    await asyncio.gather(*flying, return_exceptions=True)

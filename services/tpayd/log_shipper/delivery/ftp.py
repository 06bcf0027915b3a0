"""FTPS and plain FTP, by ftplib in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import hashlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.ftp_client import FtpClient, WrongCertificateError
from tpayd.log_shipper.delivery.ftp_errors import code_of, no_session, refused
from tpayd.log_shipper.delivery.remote import CannotResumeError, Content, OnBytes
from tpayd.log_shipper.delivery.secret_files import read_password
from tpayd.log_shipper.delivery.sentences import no_directory, said
from tpayd.log_shipper.delivery.settings import DestinationSettings, Place

__all__ = ["FtpRemote", "open_ftp"]

T = TypeVar("T")

_ERRORS = (ftplib.Error, OSError, EOFError, WrongCertificateError)
_BLOCK_BYTES = 16 * 1024
_CLOSE_WAIT_S = 2.0
_ABORT_WAIT_S = 2.0
_NO_RESTART = frozenset({500, 501, 502, 503, 504, 554})
"""Answers of a server that does not go on in the midst of a file."""
_ABSENT = 550


class FtpRemote:
    """One session; `open_ftp` makes it. The current directory there is the destination's."""

    def __init__(self, client: FtpClient, place: Place, secret: str) -> None:
        self._client = client
        self._place = place
        self._secret = secret

    async def size(self, name: str) -> int | None:
        def ask() -> int | None:
            try:
                answer = self._client.sendcmd(f"SIZE {name}")
            except ftplib.error_perm as error:
                if code_of(error) == _ABSENT:
                    return None
                raise
            number = answer[3:].strip()
            if not answer.startswith("213") or not number.isdecimal():
                raise DeliveryError(
                    Reason.UNSUPPORTED,
                    f"the server answers SIZE with {said(answer, self._secret)!r}; it must be a number",
                )
            return int(number)

        return await self._do(f"look at {name}", ask)

    async def send(self, name: str, source: BinaryIO, start: int, on_bytes: OnBytes) -> None:
        def send() -> None:
            source.seek(start)
            try:
                connection, _ = self._client.ntransfercmd(f"STOR {name}", start or None)
            except ftplib.error_perm as error:
                if start and code_of(error) in _NO_RESTART:
                    raise CannotResumeError from error
                raise
            with connection:
                try:
                    while block := source.read(_BLOCK_BYTES):
                        connection.sendall(block)
                        on_bytes(len(block))
                    _end(connection)
                except OSError:
                    # A full disk is told on the other connection, which may still stand.
                    self._client.voidresp()
                    raise
            self._client.voidresp()

        await self._do(f"write {name}", send)

    async def content(self, name: str, start: int, most_bytes: int, on_bytes: OnBytes) -> Content | None:
        def read() -> Content | None:
            try:
                connection, _ = self._client.ntransfercmd(f"RETR {name}", start or None)
            except ftplib.error_perm:
                return None
            digest = hashlib.sha256()
            size = 0
            with connection:
                while size < most_bytes and (block := connection.recv(min(_BLOCK_BYTES, most_bytes - size))):
                    digest.update(block)
                    size += len(block)
                    on_bytes(len(block))
                _end(connection)
            with contextlib.suppress(ftplib.error_temp):  # 426: we have read enough
                self._client.voidresp()
            return Content(digest.hexdigest(), size)

        return await self._do(f"read {name}", read)

    async def rename(self, name: str, new: str) -> None:
        def rename() -> None:
            try:
                self._client.rename(name, new)
            except ftplib.error_perm:
                with contextlib.suppress(ftplib.error_perm):
                    self._client.delete(new)
                self._client.rename(name, new)

        await self._do(f"rename {name} to {new}", rename)

    async def delete(self, name: str) -> None:
        def delete() -> None:
            with contextlib.suppress(ftplib.error_perm):
                self._client.delete(name)

        await self._do(f"delete {name}", delete)

    async def close(self) -> None:
        with contextlib.suppress(DeliveryError, TimeoutError):
            async with asyncio.timeout(_CLOSE_WAIT_S):
                await self._do("take leave", self._client.quit)
        self.abort()
        self._client.close()

    def abort(self) -> None:
        self._client.cut()

    async def _do(self, what: str, work: Callable[[], T]) -> T:
        try:
            return await _in_thread(self._client, work)
        except _ERRORS as error:
            raise refused(what, self._place, error, self._secret) from error


async def open_ftp(destination: DestinationSettings, home: Path) -> FtpRemote:
    """Connect and log in. Raises DeliveryError; the caller limits the time."""
    place = destination.place
    password = read_password(home, destination.password_file)
    context = _context(destination, home) if place.scheme == "ftps" else None
    client = FtpClient(context, destination.certificate_sha256, implicit=destination.implicit_tls)
    try:
        await _in_thread(
            client, lambda: client.begin(place.host, place.port, destination.connect_s, destination.answer_s)
        )
        await _in_thread(client, lambda: client.open_session(destination.user, password))
        if place.directory != ".":
            await _in_thread(client, lambda: _enter(client, place))
    except _ERRORS as error:
        client.close()
        raise no_session(destination, error, password) from error
    except BaseException:
        client.cut()
        client.close()
        raise
    return FtpRemote(client, place, password)


def _enter(client: FtpClient, place: Place) -> None:
    try:
        client.cwd(place.directory)
    except ftplib.error_perm as error:
        if code_of(error) == _ABSENT:
            raise no_directory(place) from error
        raise


def _context(destination: DestinationSettings, home: Path) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=home / destination.ca_file if destination.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        text = f"destination.ca_file: {home / destination.ca_file} cannot be used: {error.strerror or error}"
        raise DeliveryError(Reason.SETTINGS, text) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if destination.certificate_sha256 and not destination.ca_file:
        # The pin says more than any signer could.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _end(connection: socket.socket) -> None:
    """Say that nothing more comes. What the server has is told by its answer and looked at, so a rude end is none."""
    if isinstance(connection, ssl.SSLSocket):
        with contextlib.suppress(OSError, ValueError):
            connection.unwrap()


async def _in_thread(client: FtpClient, work: Callable[[], T]) -> T:
    """Cancelled, it cuts the connections, so that the thread ends soon, and waits a moment for that."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    running.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        client.cut()
        await asyncio.wait({running}, timeout=_ABORT_WAIT_S)
        raise

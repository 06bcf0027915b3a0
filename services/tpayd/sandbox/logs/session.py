"""One SFTP session with the faults that were ordered."""

from __future__ import annotations

import hmac
import io
import os
import socket
from pathlib import Path

import asyncssh

from tpayd.sandbox.logs.faults import Faults
from tpayd.sandbox.logs.identity import PASSWORD, USER, private_host_key

__all__ = ["serve"]

asyncssh.set_log_level("WARNING")


async def serve(peer: socket.socket, directory: Path, faults: Faults, login_s: float) -> asyncssh.SSHServerConnection:
    """Log the other side in. Raises ConnectionError."""
    try:
        return await asyncssh.run_server(
            peer,
            server_factory=_Login,
            server_host_keys=[asyncssh.import_private_key(private_host_key())],
            sftp_factory=lambda channel: _Files(channel, directory, faults),
            allow_scp=False,
            login_timeout=login_s,
            gss_host=None,
        )
    except (asyncssh.Error, OSError) as error:
        raise ConnectionError(str(error)) from error


class _Login(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        right = hmac.compare_digest(password.encode(), PASSWORD.encode())
        return right and username == USER


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], directory: Path, faults: Faults) -> None:
        super().__init__(channel, chroot=str(directory).encode())
        self._faults = faults
        self._had_bytes = 0
        self._opened: list[io.IOBase] = []

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if self._faults.unwritable and pflags & asyncssh.FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("nothing may be written here")
        if self._faults.unreadable and not pflags & asyncssh.FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("nothing may be read here")
        file = super().open(path, pflags, attrs)
        assert isinstance(file, io.IOBase)  # noqa: S101  of this machine's disk
        self._opened.append(file)
        return file

    def exit(self) -> None:
        """A session that was cut has closed nothing."""
        for file in self._opened:
            file.close()

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if self._faults.is_full(offset + len(data)):
            raise asyncssh.SFTPFailure("no space left on device")
        room = self._faults.room(self._had_bytes)
        taken = data if room is None else data[:room]
        self._had_bytes += len(taken)
        written = super().write(file_obj, offset, taken)
        assert isinstance(written, int)  # noqa: S101  a file on this machine's disk
        if len(taken) < len(data):
            if self._faults.cut():
                self.connection.abort()
            await self.connection.wait_closed()
            self.exit()
        return written

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        found = super().stat(path)
        assert isinstance(found, os.stat_result)  # noqa: S101  of this machine's disk
        attrs = asyncssh.SFTPAttrs.from_local(found)
        attrs.size = self._faults.told_size(found.st_size)
        return attrs

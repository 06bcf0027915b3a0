"""ftplib's client, with what real servers ask for and what it leaves open.

* The data connection takes up the control connection's TLS session: vsftpd (`require_ssl_reuse`) and others refuse one
  that does not, since it could be somebody else's.
* TLS from the first byte, for servers on port 990.
* A pinned certificate is compared before anything is said, on each connection.
* An answer of endless lines ends.
* Another thread can cut both connections.
"""

from __future__ import annotations

import contextlib
import ftplib
import hashlib
import socket
import ssl

__all__ = ["FtpClient", "WrongCertificateError", "fingerprint_of"]

_LINES_MAX = 200
"""Of one answer; a greeting may be a page."""


class WrongCertificateError(Exception):
    """The server's certificate is none of the pinned ones; the message is its fingerprint."""


class FtpClient(ftplib.FTP_TLS):
    """Not connected yet. `context` None: plain FTP."""

    def __init__(self, context: ssl.SSLContext | None, pins: tuple[str, ...], *, implicit: bool) -> None:
        super().__init__(context=context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        self.context: ssl.SSLContext
        self._secure = context is not None
        self._implicit = implicit
        self._pins = frozenset(pin.replace(":", "").lower() for pin in pins)
        self._sockets: list[socket.socket] = []
        self._cut = False
        self._lines = 0

    def begin(self, host: str, port: int, connect_s: float, answer_s: float) -> None:
        """Connect, TLS included. Raises ftplib.Error, OSError, EOFError, WrongCertificateError."""
        self.host, self.port = host, port
        self.sock = self._known(socket.create_connection((host, port), connect_s))
        self.sock.settimeout(answer_s)
        self.timeout = answer_s
        self.af = self.sock.family
        if self._secure and self._implicit:
            self.sock = self._known(self.context.wrap_socket(self.sock, server_hostname=host))
            self._check_pin(self.sock)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        if self._secure and not self._implicit:
            self.auth()
            self._known(self.sock)
            self._check_pin(self.sock)

    def open_session(self, user: str, password: str) -> None:
        """Log in, and have bytes sent as they are. Raises what `begin` does."""
        self.login(user, password, secure=False)
        if self._secure:
            self.prot_p()
        # Servers in text mode refuse SIZE, or count line ends in it.
        self.voidcmd("TYPE I")

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321  asked for by the settings
        self._known(connection)
        if not self._secure:
            return connection, size
        assert isinstance(self.sock, ssl.SSLSocket)  # noqa: S101  `begin` made it one
        try:
            secured = self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session)
        except BaseException:
            connection.close()
            raise
        self._known(secured)
        self._check_pin(secured)
        return secured, size

    def getmultiline(self) -> str:
        self._lines = 0
        return super().getmultiline()

    def getline(self) -> str:
        self._lines += 1
        if self._lines > _LINES_MAX:
            raise ftplib.error_proto(f"an answer of more than {_LINES_MAX} lines")  # noqa: S321
        return super().getline()

    def cut(self) -> None:
        """End both connections, from any thread: whoever waits for them gets an OSError."""
        self._cut = True
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                # The TLS socket's own shutdown would go on in the clear for a moment.
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def _known(self, connection: socket.socket) -> socket.socket:
        self._sockets = [each for each in self._sockets if each.fileno() != -1]
        self._sockets.append(connection)
        if self._cut:
            self.cut()
        return connection

    def _check_pin(self, connection: socket.socket) -> None:
        if not self._pins:
            return
        found = fingerprint_of(connection)
        if found not in self._pins:
            connection.close()
            raise WrongCertificateError(found)


def fingerprint_of(connection: socket.socket) -> str:
    """SHA-256 of the certificate that the other side has shown, in hex."""
    assert isinstance(connection, ssl.SSLSocket)  # noqa: S101
    return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()

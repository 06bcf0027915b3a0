"""A destination, as the table `destination` of config/log_shipper.toml has it; that file explains each setting."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Meta, Struct

__all__ = ["DestinationSettings", "Place"]

_PORTS = {"sftp": 22, "ftps": 21, "ftp": 21}
_IMPLICIT_TLS_PORT = 990
_HOST_KEY = re.compile(
    r"SHA256:[A-Za-z0-9+/]{43}=?|[a-z][a-z0-9@.-]{2,60} [A-Za-z0-9+/]{16,4000}={0,2}(?: [^\n]{0,200})?"
)
_CERTIFICATE = re.compile(r"(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}")
_HOME = "/~"

Scheme = Literal["sftp", "ftps", "ftp"]
File = Annotated[str, Meta(max_length=400)]
Pins = Annotated[tuple[Annotated[str, Meta(max_length=4400)], ...], Meta(max_length=8)]


class Place(Struct, frozen=True):
    """Where a URL leads."""

    scheme: Scheme
    host: str
    """Without brackets."""
    port: int
    directory: str
    """Absolute, or relative to where the login leads; "." is that itself."""

    def path(self, name: str) -> str:
        """Of a file there."""
        return f"{self.directory.rstrip('/')}/{name}"

    def url(self, name: str = "") -> str:
        """For people: no user, no password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        directory = self.directory if self.directory.startswith("/") else f"/~/{self.directory.removeprefix('.')}"
        return f"{self.scheme}://{host}:{self.port}{directory.rstrip('/')}/{name}"


class DestinationSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A server of the vendor, and how to know that it is his. Files are named relative to the instance directory."""

    url: Annotated[str, Meta(max_length=1000)] = ""
    """sftp://, ftps:// or ftp://, host, port and directory; `/~/` begins a path below the login's own. Empty: none."""
    user: Annotated[str, Meta(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    password_file: File = ""
    """Its first line is the password. For SFTP this or `key_file`."""
    key_file: File = ""
    """The private SSH key of this store, without a passphrase."""
    host_key: Pins = ()
    """SFTP: the server's public keys or their fingerprints; one of them must be its own."""
    ca_file: File = ""
    """FTPS: who signed the server's certificate, PEM; empty: the system's list."""
    certificate_sha256: Pins = ()
    """FTPS: fingerprints; the server's certificate must be one of these, whoever signed it."""
    implicit_tls: bool = False
    """FTPS: TLS from the first byte, by default on port 990, instead of AUTH TLS."""
    allow_plain_ftp: bool = False
    """Whether ftp:// may be used, which shows user and password to everybody on the way."""
    verify: Literal["hash", "size"] = "hash"
    """`hash`: the file is read back before it gets its name, where the server lets us; `size`: never."""
    connect_s: Annotated[float, Meta(gt=0, le=120)] = 15.0
    """Seconds for connection and login."""
    answer_s: Annotated[float, Meta(gt=0, le=600)] = 60.0
    """Seconds without any progress after which a try is over."""
    deadline_s: Annotated[float, Meta(gt=0, le=86_400)] = 3600.0
    """Seconds for a whole try."""
    least_bytes_per_s: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 512
    """Slower than this over `answer_s` while bytes are due, a try is over. 0: no limit."""

    @property
    def place(self) -> Place:
        """Where to. Only where `url` is set."""
        return _place_of(self.url, implicit_tls=self.implicit_tls)

    def __post_init__(self) -> None:
        if not self.url:
            return
        place = self.place
        if not self.user:
            raise ValueError(f"user: is missing; {place.scheme} needs a login")
        if place.scheme == "ftp" and not self.allow_plain_ftp:
            raise ValueError(
                "allow_plain_ftp: is false, and ftp:// shows user and password to everybody on the way; use sftp:// or "
                "ftps://, or set this to true"
            )
        self._check_secrets(place.scheme)
        self._check_pins(place.scheme)

    def _check_secrets(self, scheme: Scheme) -> None:
        if scheme == "sftp":
            if not self.password_file and not self.key_file:
                raise ValueError("key_file: is missing, and so is password_file; one of them opens an sftp:// server")
        elif self.key_file:
            raise ValueError(f"key_file: is for sftp:// only; {scheme}:// takes a password_file")
        elif not self.password_file:
            raise ValueError(f"password_file: is missing; {scheme}:// needs one")

    def _check_pins(self, scheme: Scheme) -> None:
        for pin in self.host_key:
            if not _HOST_KEY.fullmatch(pin):
                raise ValueError(
                    "host_key: is neither a public key such as 'ssh-ed25519 AAAA…' nor a fingerprint 'SHA256:…'; "
                    "`tpayd logs check-destination` shows the server's"
                )
        for pin in self.certificate_sha256:
            if not _CERTIFICATE.fullmatch(pin):
                raise ValueError("certificate_sha256: is no fingerprint of 64 hexadecimal digits")
        if self.host_key and scheme != "sftp":
            raise ValueError(f"host_key: is for sftp:// only; {scheme}:// has ca_file and certificate_sha256")
        for name in ("ca_file", "certificate_sha256", "implicit_tls"):
            if getattr(self, name) and scheme != "ftps":
                raise ValueError(f"{name}: is for ftps:// only, and the url is {scheme}://")


def _place_of(url: str, *, implicit_tls: bool) -> Place:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("url: cannot be read; it has the form sftp://host:port/directory") from error
    scheme = _scheme_of(parts)
    if parts.username is not None or parts.password is not None:
        raise ValueError("url: must not hold a user or password; they have the settings user and password_file")
    if parts.query or parts.fragment:
        raise ValueError("url: must end with the directory, without ? or #")
    if not host or " " in host or not unquote(url).isprintable():
        raise ValueError("url: has no usable host; it has the form sftp://host:port/directory")
    if port == 0:
        raise ValueError("url: the port is 0; it must be 1 to 65535")
    usual = _IMPLICIT_TLS_PORT if implicit_tls and scheme == "ftps" else _PORTS[scheme]
    return Place(scheme, host, port or usual, _directory_of(unquote(parts.path)))


def _scheme_of(parts: SplitResult) -> Scheme:
    match parts.scheme:
        case "sftp" | "ftps" | "ftp":
            return parts.scheme
        case other:
            found = f"{other}://" if other else "no scheme"
            raise ValueError(f"url: begins with {found}; sftp://, ftps:// and ftp:// are known")


def _directory_of(path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError("url: the directory must not hold '..'")
    if path == _HOME or path.startswith(f"{_HOME}/"):
        return path.removeprefix(_HOME).strip("/") or "."
    return path or "/"

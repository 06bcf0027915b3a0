"""Who may come: clients.toml (0640), one table for each client, and the key files made for them (0600).

The gateway watches the file: a client that is removed or changed there loses its sessions within a second. Only
public keys stand in it; a client's secret key is in its key file alone, the gateway's own in secrets/gateway_curve.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import msgspec
from msgspec import Meta, Struct

from tpayd.gateway.errors import ClientExistsError, NoSuchClientError, RegistryError
from tpayd.gateway.settings import GatewaySettings
from tpayd.kit.bus.curve import new_keys, public_key_of
from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import Instance
from tpayd.kit.settings import SettingsError, load
from tpayd.kit.toml_edit import NoSuchPlaceError, dumps, join, parsed, put_value
from tpayd_contracts.operation import Right
from tpayd_contracts.shapes import Lane, Name

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["ALL_LANES", "Client", "ClientRegistry"]

ALL_LANES = "*"
KEY_FILE_FORMAT = 1
_LANE_OR_ALL = rf"^\*$(?!\n)|{get_args(Lane)[1].pattern}"
_HEAD = """\
# Who may speak to this store, by `tpayd client add` and `tpayd client remove`. Changes count within a second.
# lanes: the lanes a client may act for, "*" (rights admin only) for all. right: "read_only", "pos" or "admin".
# public_key: of its CURVE key pair, for tcp. local_uid: the user that may use the name on this machine without a key.
"""


class Client(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One registered client."""

    lanes: tuple[Annotated[str, Meta(pattern=_LANE_OR_ALL)], ...]
    right: Right
    public_key: Annotated[str, Meta(min_length=40, max_length=40)]
    local_uid: Annotated[int, Meta(ge=0, lt=2**32)] | None = None

    def __post_init__(self) -> None:
        if self.every_lane and self.right is not Right.ADMIN:
            raise ValueError(f'lanes "*" are for clients with right = "admin" only, not "{self.right.value}"')

    @property
    def every_lane(self) -> bool:
        return ALL_LANES in self.lanes

    def may_act_for(self, lane: str) -> bool:
        return self.every_lane or lane in self.lanes


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    clients: dict[Name, Client] = {}


class ClientRegistry:
    """The clients of one instance, as the file says now."""

    def __init__(self, instance: Instance) -> None:
        self._path = instance.home / "clients.toml"
        self._settings_file = instance.settings_file("gateway")
        self._key_files = instance.secrets / "clients"
        self._server_key_file = instance.secrets / "gateway_curve"
        self._stamp: tuple[int, ...] | None = None
        self._clients: Mapping[str, Client] = {}
        self._names_by_key: Mapping[str, str] = {}

    @classmethod
    def open(cls, instance: Instance) -> ClientRegistry:
        """Read clients.toml; a missing one has no clients. Raises RegistryError."""
        registry = cls(instance)
        registry.refresh()
        return registry

    # Asked by the gateway

    def __len__(self) -> int:
        return len(self._clients)

    def get(self, name: str) -> Client | None:
        return self._clients.get(name)

    def name_of_key(self, public_key: str) -> str | None:
        """Whose key this is (Z85)."""
        return self._names_by_key.get(public_key)

    def refresh(self) -> bool:
        """Read the file again if it has changed; whether it had. Raises RegistryError and keeps what it knew."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self._clients = _read(self._path)
        self._names_by_key = {client.public_key: name for name, client in self._clients.items()}
        return True

    def server_secret(self) -> str:
        """The gateway's own secret key (Z85), made when first asked for. Raises RegistryError."""
        with self._locked():
            return self._server_secret()

    # Asked by `tpayd client …`

    def list(self) -> dict[str, Client]:
        """By name, in the file's order."""
        self.refresh()
        return dict(self._clients)

    def add(self, name: str, lanes: tuple[str, ...], right: Right, local_uid: int | None = None) -> Path:
        """Register a client and write its key file, whose path is returned: for that client alone, then delete it.

        Raises ClientExistsError, RegistryError (also for an impossible name, lane or combination).
        """
        keys = new_keys()
        entry: dict[str, object] = {"lanes": list(lanes), "right": right.value, "public_key": keys.public}
        if local_uid is not None:
            entry["local_uid"] = local_uid
        with self._locked():
            document = self._document()
            if name in document.get("clients", {}):
                raise ClientExistsError(f"{name} is registered; remove it first, or choose another name")
            try:
                put_value(document, join("clients", name), entry)
            except NoSuchPlaceError:
                raise RegistryError(f"{name!r} is no name for a client") from None
            text = dumps(document)
            _parse(text, self._path)
            key_file = self._key_file(name)
            content = {
                "tpayd_key": KEY_FILE_FORMAT, "client": name, "endpoint": self._endpoint(),
                "server_public_key": public_key_of(self._server_secret()), "client_public_key": keys.public,
                "client_secret_key": keys.secret,
            }  # fmt: skip
            # The key file first: a registered client without one could not be used, nor added again.
            _replace(key_file, json.dumps(content, indent=1) + "\n", 0o600)
            _replace(self._path, text, 0o640)
        self.refresh()
        return key_file

    def remove(self, name: str) -> None:
        """Take a client off the list, and its key file if it still lies here. Raises NoSuchClientError."""
        with self._locked():
            document = self._document()
            clients = document.get("clients", {})
            if name not in clients:
                raise NoSuchClientError(f"no client {name!r} is registered; `tpayd client list` shows them")
            del clients[name]
            _replace(self._path, dumps(document), 0o640)
            self._key_file(name).unlink(missing_ok=True)
        self.refresh()

    def move(self, name: str, local_uid: int) -> None:
        """Another user of this machine is this client from now on, without a key. Raises NoSuchClientError."""
        with self._locked():
            document = self._document()
            clients = document.get("clients", {})
            if name not in clients:
                raise NoSuchClientError(f"no client {name!r} is registered; `tpayd client list` shows them")
            clients[name]["local_uid"] = local_uid
            _replace(self._path, dumps(document), 0o640)
        self.refresh()

    # Inside

    def _key_file(self, name: str) -> Path:
        self._key_files.mkdir(mode=0o700, exist_ok=True)
        return self._key_files / f"{name}.key"

    def _endpoint(self) -> str:
        try:
            return load(self._settings_file, GatewaySettings).client_endpoint
        except SettingsError as error:
            raise RegistryError(str(error)) from error

    def _document(self) -> TOMLDocument:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return parsed(_HEAD)
        _parse(text, self._path)
        return parsed(text)

    def _server_secret(self) -> str:
        path = self._server_key_file
        try:
            if path.stat().st_mode & 0o077:
                raise RegistryError(f"{path} can be read by others; delete it, and add all clients anew")
            secret = path.read_text(encoding="ascii").strip()
            public_key_of(secret)
        except FileNotFoundError:
            secret = new_keys().secret
            _replace(path, secret + "\n", 0o600)
        except ValueError as error:
            raise RegistryError(f"{path}: {error}") from None
        return secret

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Two commands at once must not lose each other's client, nor make two server keys."""
        descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _read(path: Path) -> Mapping[str, Client]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"{path} cannot be read: {error}") from error
    return _parse(text, path)


def _parse(text: str, path: Path) -> Mapping[str, Client]:
    try:
        clients = msgspec.convert(tomllib.loads(text), _File).clients
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise RegistryError(f"{path}: {error}") from error
    owners: dict[str, str] = {}
    for name, client in clients.items():
        if client.public_key in owners:
            raise RegistryError(f"{path}: {name} and {owners[client.public_key]} have the same public_key")
        owners[client.public_key] = name
    return clients


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _replace(path: Path, text: str, mode: int) -> None:
    replace_file(path, text.encode(), mode)

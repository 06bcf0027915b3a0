"""Who may come: clients.toml (0640), one table for each client, and the key files made for them (0600).

The gateway watches the file: a client that is removed or changed there loses its sessions within a second. Only
public keys stand in it; a client's secret key is in its key file alone, the gateway's own in secrets/gateway_curve.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tpayd.gateway.client_list import ALL_LANES, HEAD, Client, ClientList, read, with_client, with_uid, without
from tpayd.gateway.errors import ClientExistsError, NoSuchClientError, RegistryError
from tpayd.gateway.settings import GatewaySettings
from tpayd.kit.bus.curve import new_keys, public_key_of
from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import Instance
from tpayd.kit.settings import SettingsError, load
from tpayd_contracts.operation import Right

__all__ = ["ALL_LANES", "Client", "ClientRegistry"]

KEY_FILE_FORMAT = 1


class ClientRegistry:
    """The clients of one instance, as the file says now."""

    def __init__(self, instance: Instance) -> None:
        self._path = instance.home / "clients.toml"
        self._settings_file = instance.settings_file("gateway")
        self._key_files = instance.secrets / "clients"
        self._server_key_file = instance.secrets / "gateway_curve"
        self._stamp: tuple[int, ...] | None = None
        self._list = ClientList({}, {})
        self._names_by_key: Mapping[str, str] = {}

    @classmethod
    def open(cls, instance: Instance) -> ClientRegistry:
        """Read clients.toml; a missing one has no clients. Raises RegistryError."""
        registry = cls(instance)
        registry.refresh()
        return registry

    # Asked by the gateway

    def __len__(self) -> int:
        return len(self._list.clients)

    def get(self, name: str) -> Client | None:
        return self._list.clients.get(name)

    def name_of_key(self, public_key: str) -> str | None:
        """Whose key this is (Z85)."""
        return self._names_by_key.get(public_key)

    def refresh(self) -> bool:
        """Read the file again if it has changed; whether it had. Raises RegistryError and keeps what it knew."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self._list = self._read(self._text())
        self._names_by_key = {client.public_key: name for name, client in self._list.clients.items()}
        return True

    def server_secret(self) -> str:
        """The gateway's own secret key (Z85), made when first asked for. Raises RegistryError."""
        with self._locked():
            return self._server_secret()

    # Asked by `tpayd client …`

    def list(self) -> dict[str, Client]:
        """By name, in the file's order."""
        self.refresh()
        return dict(self._list.clients)

    def add(self, name: str, lanes: tuple[str, ...], right: Right, local_uid: int | None = None) -> Path:
        """Register a client and write its key file, whose path is returned: for that client alone, then delete it.

        Raises ClientExistsError, RegistryError (also for an impossible name, lane or combination).
        """
        keys = new_keys()
        with self._locked():
            text = self._text() or HEAD
            if name in self._read(text).clients:
                raise ClientExistsError(f"{name} is registered; remove it first, or choose another name")
            try:
                client = Client(lanes=lanes, right=right, public_key=keys.public, local_uid=local_uid)
                text = with_client(text, name, client)
            except ValueError as error:
                raise RegistryError(f"{self._path}: {error}") from None
            self._read(text)
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
            _replace(self._path, without(self._text_with(name), name), 0o640)
            self._key_file(name).unlink(missing_ok=True)
        self.refresh()

    def move(self, name: str, local_uid: int) -> None:
        """Another user of this machine is this client from now on, without a key. Raises NoSuchClientError."""
        with self._locked():
            _replace(self._path, with_uid(self._text_with(name), name, local_uid), 0o640)
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

    def _text(self) -> str:
        """Empty where there is none."""
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise RegistryError(f"{self._path} cannot be read: {error}") from error

    def _text_with(self, name: str) -> str:
        """The text, in which a client stands. Raises NoSuchClientError."""
        text = self._text()
        if name not in self._read(text).clients:
            raise NoSuchClientError(f"no client {name!r} is registered; `tpayd client list` shows them")
        return text

    def _read(self, text: str) -> ClientList:
        try:
            return read(text, self._list)
        except ValueError as error:
            raise RegistryError(f"{self._path}: {error}") from error

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


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _replace(path: Path, text: str, mode: int) -> None:
    replace_file(path, text.encode(), mode)

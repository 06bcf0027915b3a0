"""The keys that each terminal shares with the host before any exchange."""

from __future__ import annotations

from pathlib import Path

from tpayd.crypto.exchange import Role
from tpayd.key_manager.errors import SecretFileError
from tpayd.key_manager.secret_files import TransportKeys, read_transport_keys
from tpayd.kit.store_settings import StoreSettings
from tpayd.sandbox.secrets import sandbox_transport_key

__all__ = ["transport_keys"]

PROFILES = ("live", "test")


def transport_keys(store: StoreSettings, path: Path) -> TransportKeys:
    """In the sandbox the public ones of its terminals; otherwise those of the secret file, if it is there.

    Raises:
        SecretFileError: the file is not what it should be, or holds a public key of the sandbox.
    """
    terminals = [lane.terminal_id for lane in store.lanes]
    public = {
        (profile, terminal_id): sandbox_transport_key(Role.TERMINAL, terminal_id)
        for profile in PROFILES
        for terminal_id in terminals
    }
    if store.sandbox:
        return TransportKeys(public)
    if not path.exists():
        return TransportKeys({})
    keys = read_transport_keys(path)
    for (profile, terminal_id), key in public.items():
        if keys.get(profile, terminal_id) == key:
            problem = f"holds the sandbox's public key at {profile}.{terminal_id}; ask the acquirer for yours"
            raise SecretFileError(path, problem)
    return keys

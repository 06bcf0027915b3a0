"""Where the key manager's files lie, and where the key over its keys comes from."""

from __future__ import annotations

from pathlib import Path

from tpayd.key_manager.providers import KeyProvider, ProviderPlace, load
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.kit.instance import Instance

__all__ = ["provider_of", "store_file"]


def store_file(data: Path) -> Path:
    """The key store, below the instance's data directory."""
    return data / "keys" / "keys.sqlite3"


def provider_of(instance: Instance, settings: KeyManagerSettings) -> KeyProvider:
    """The key provider that the settings name. Raises UnknownProviderError, SecretFileError, PassphraseError."""
    options = {"file": settings.passphrase_file, **settings.key_provider_options}
    return load(settings.key_provider, ProviderPlace(instance.secrets, options))

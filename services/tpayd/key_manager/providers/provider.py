"""What a key provider is, and how one is found.

`passphrase` comes with the daemon; others register under the entry point group `tpayd.key_providers`, and are named in
config/key_manager.toml (`key_provider`). A PKCS#11 token fits: the store asks for three operations under a key that it
never sees, and keeps a few bytes in clear by which the provider finds that key again (a label, an id, a salt).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tpayd.key_manager.errors import KeyManagerError
from tpayd.kit import plugins

__all__ = [
    "GROUP",
    "KEPT_BYTES_MAX",
    "SIGNATURE_BYTES",
    "KeyProvider",
    "ProviderFactory",
    "ProviderPlace",
    "Sealing",
    "UnknownProviderError",
    "load",
]

GROUP = "tpayd.key_providers"
KEPT_BYTES_MAX = 4096
SIGNATURE_BYTES = 32

_BUILT_IN = {"passphrase": "tpayd.key_manager.providers.passphrase:provider"}
"""`module:name`. Works from a source tree too, where nothing is installed and no entry point exists."""


class Sealing(Protocol):
    """Seals records, and signs, under the key of one store. May be called from any thread, one call at a time."""

    def seal(self, clear: bytes, context: bytes) -> bytes:
        """Encrypt and authenticate, bound to `context`; never twice to the same bytes. Raises StoreError."""

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt; raises SealBrokenError unless sealed under this key for the same context, StoreError otherwise."""

    def sign(self, data: bytes) -> bytes:
        """A keyed digest of `data`, 32 bytes, always the same. Raises StoreError."""


class KeyProvider(Protocol):
    """Makes the key of a new store, and finds that of an old one."""

    @property
    def name(self) -> str:
        """As it is written in the settings; the store remembers it."""

    def create(self) -> tuple[bytes, Sealing]:
        """A new key, and what the store is to keep in clear to find it again (4,096 bytes at most).

        Raises:
            PassphraseError: what it needs to make one is missing or too weak.
            StoreError: the token does not answer.
        """

    def unlock(self, kept: bytes) -> Sealing:
        """The key of a store that kept these bytes.

        Whether it is the right one shows when the store opens its first record.

        Raises:
            PassphraseError: it cannot be had: a wrong PIN, a key that is not on this token.
            StoreError: `kept` is not what this provider made, or the token does not answer.
        """


@dataclass(frozen=True)
class ProviderPlace:
    """What a provider is made from."""

    secrets: Path
    """The instance's secrets/: mode 0700, one file per secret."""
    options: Mapping[str, str] = field(default_factory=dict)
    """`key_provider_options` of the settings."""


ProviderFactory = Callable[[ProviderPlace], KeyProvider]
"""Raises SecretFileError, PassphraseError, ValueError for an option that does not fit."""


class UnknownProviderError(KeyManagerError):
    """No provider of that name is installed."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no key provider {name!r} is installed; there are: {', '.join(known)}")


def load(name: str, place: ProviderPlace) -> KeyProvider:
    """The provider registered as `name`. Raises UnknownProviderError, and what its factory raises."""
    found = plugins.place_of(GROUP, name, _BUILT_IN)
    if found is None:
        raise UnknownProviderError(name, tuple(sorted(plugins.installed(GROUP, _BUILT_IN))))
    factory: ProviderFactory = plugins.fetched(found)
    return factory(place)

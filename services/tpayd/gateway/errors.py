"""What can be wrong with the gateway's own files."""

from __future__ import annotations

__all__ = ["ClientExistsError", "NoSuchClientError", "RegistryError"]


class RegistryError(Exception):
    """clients.toml, a key file or the server's key cannot be used; the message says which and the way out."""


class ClientExistsError(RegistryError):
    """A client of this name is registered; nothing was changed."""


class NoSuchClientError(RegistryError):
    """No client of this name is registered; nothing was changed."""

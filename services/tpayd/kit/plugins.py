"""What is registered under an entry-point group: the daemon's own by name, which nobody replaces, and others'."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

__all__ = ["fetched", "installed", "place_of"]


def place_of(group: str, name: str, own: Mapping[str, str]) -> str | None:
    """Where what is registered as `name` is, `module:name`. `own`: the daemon's, which need no installed package."""
    return own.get(name) or installed(group, own).get(name)


def installed(group: str, own: Mapping[str, str]) -> dict[str, str]:
    """Where all that is registered is, by its name."""
    # Reads the metadata of all that is installed, for what only somebody else's needs: 5 to 15 ms of a start.
    from importlib.metadata import entry_points  # noqa: PLC0415

    return {entry.name: entry.value for entry in entry_points(group=group)} | dict(own)


def fetched(place: str) -> Any:
    """What is there. Raises ImportError, AttributeError."""
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)

"""Errors of the integrity check, each with its way out."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "IntegrityError",
    "ManifestError",
    "NotSignableError",
    "ScanError",
    "TrustFileError",
    "WheelError",
]


class IntegrityError(Exception):
    """The root of all errors in `tpayd.integrity`."""


class ManifestError(IntegrityError):
    """A manifest is missing, is not one, or its signature does not count."""


class TrustFileError(IntegrityError):
    """The file of pinned keys, or a key file, cannot be used."""


class ScanError(IntegrityError):
    """The files could not be compared: the scan ran out of time, or ended by itself."""


class WheelError(IntegrityError):
    """A wheel's files are not what its RECORD says."""


class NotSignableError(IntegrityError):
    """The environment holds what no installed package answers for, so nobody should sign it."""

    def __init__(self, text: str, paths: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.paths = tuple(paths)
        """Relative to the environment."""

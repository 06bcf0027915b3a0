"""What the release tools refuse, each with its way out."""

from __future__ import annotations

__all__ = ["ReleaseToolError"]


class ReleaseToolError(Exception):
    """Nothing was published; the message says what to do."""

"""Moments as people at this machine read them."""

from __future__ import annotations

from datetime import datetime

__all__ = ["moment"]


def moment(unix_ms: int) -> str:
    """Day and time of day in this machine's zone, to the second."""
    return datetime.fromtimestamp(unix_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")

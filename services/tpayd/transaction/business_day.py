"""Which business day a moment belongs to."""

from __future__ import annotations

from datetime import datetime, time, timedelta

__all__ = ["business_day_of", "stamp_of"]


def business_day_of(moment: datetime, cutoff: str) -> str:
    """YYYYMMDD of the store's local time; before the cut-off (`HH:MM`) it is still the day before."""
    hours, minutes = cutoff.split(":")
    if moment.time() < time(int(hours), int(minutes)):
        moment -= timedelta(days=1)
    return moment.strftime("%Y%m%d")


def stamp_of(moment: datetime) -> str:
    """YYYYMMDDhhmmss of the store's local time."""
    return moment.strftime("%Y%m%d%H%M%S")

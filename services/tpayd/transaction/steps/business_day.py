"""Which business day a moment belongs to."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

__all__ = ["business_day_of", "stamp_of"]


def business_day_of(moment: datetime, cutoff: str) -> str:
    """YYYYMMDD of the store's local time; before the cut-off (`HH:MM`) it is still the day before."""
    return _business_day(moment, moment.utcoffset(), cutoff)


def stamp_of(moment: datetime) -> str:
    """YYYYMMDDhhmmss of the store's local time."""
    return _stamp(moment, moment.utcoffset())


@lru_cache(maxsize=16)
def _business_day(moment: datetime, _: timedelta | None, cutoff: str) -> str:
    stamp = stamp_of(moment)
    if f"{stamp[8:10]}:{stamp[10:12]}" < cutoff:
        stamp = stamp_of(moment - timedelta(days=1))
    return stamp[:8]


@lru_cache(maxsize=16)
def _stamp(moment: datetime, _: timedelta | None) -> str:
    """Asked several times a second for the same one. The offset tells apart what is equal in two time zones."""
    text = moment.isoformat()
    return text[0:4] + text[5:7] + text[8:10] + text[11:13] + text[14:16] + text[17:19]

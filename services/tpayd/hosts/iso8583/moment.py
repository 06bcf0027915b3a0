"""Dates and times: the store's YYYYMMDDhhmmss to the host's MMDDhhmmss, and back without a year in the message."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from tpayd.hosts.errors import HostFormatError

__all__ = ["check_day", "check_local", "nearest_year", "transmission"]


@lru_cache(maxsize=64)
def check_local(field: str, local: str) -> str:
    """`local` if it is a date and time, YYYYMMDDhhmmss; raises HostFormatError."""
    # Fixed length first: strptime takes single digits too.
    if len(local) == 14 and local.isascii() and local.isdigit():
        try:
            datetime(  # noqa: DTZ001 - local time of the store, as its protocol has it
                int(local[:4]), int(local[4:6]), int(local[6:8]), int(local[8:10]), int(local[10:12]), int(local[12:])
            )
        except ValueError:
            pass
        else:
            return local
    raise HostFormatError(field, "is no date and time YYYYMMDDhhmmss")


@lru_cache(maxsize=64)
def check_day(field: str, day: str) -> str:
    """`day` if it is a date, YYYYMMDD; raises HostFormatError."""
    if len(day) != 8:
        raise HostFormatError(field, "is no date YYYYMMDD")
    check_local(field, day + "000000")
    return day


def transmission(field: str, local: str) -> str:
    """DE 7 of a local date and time: MMDDhhmmss, in local time as Korean hosts have it."""
    return check_local(field, local)[4:]


@lru_cache(maxsize=64)
def nearest_year(month_day: str, today: date) -> str | None:
    """YYYYMMDD of a MMDD: of last, this and next year the one nearest to today. None where it is no date."""
    nearest: date | None = None
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            candidate = date(year, int(month_day[:2]), int(month_day[2:]))
        except ValueError:
            continue
        if nearest is None or abs(candidate - today) < abs(nearest - today):
            nearest = candidate
    return None if nearest is None else nearest.strftime("%Y%m%d")

"""Moments as people name them: `90m`, `24h`, `7d` ago, or a day and a time of day in this machine's zone."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any

import click

__all__ = ["AGO"]

_AGO = re.compile(r"([0-9]{1,6})([mhd])")
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class _Ago(click.ParamType[int]):
    """Milliseconds since 1970."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _AGO.fullmatch(value)
        if match:
            return time.time_ns() // 1_000_000 - int(match[1]) * _UNIT_MS[match[2]]
        try:
            return int(datetime.fromisoformat(value).astimezone().timestamp() * 1000)
        except ValueError:
            self.fail(f"{value!r} is neither 90m, 24h or 7d ago nor a moment like '2026-03-02 10:15'", param, ctx)


AGO = _Ago()
"""For an option that takes a moment."""

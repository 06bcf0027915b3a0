"""When an owner is warned that a key expires. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.trusted_time import DAY_MS
from tpayd_contracts.keys import KeyState

__all__ = ["warning_due"]


def warning_due(key: KeyRecord, now_ms: int, warn_days: Iterable[int]) -> int | None:
    """How many days ahead the owner is to be warned now; None if not, or if he has been.

    Of several warnings that are due at once (the process did not run), only the most urgent is given. A key that lives
    for fewer days than a warning's is not warned of by it.
    """
    if key.state is not KeyState.ACTIVE or key.expires_at_ms is None or key.injected_at_ms is None:
        return None
    life_ms, left_ms = key.expires_at_ms - key.injected_at_ms, key.expires_at_ms - now_ms
    due = min((days for days in warn_days if left_ms <= days * DAY_MS < life_ms), default=None)
    if due is None or (key.warned_days is not None and key.warned_days <= due):
        return None
    return due

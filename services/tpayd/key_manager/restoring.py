"""Makes a key store that comes from a backup safe to go on with. Nothing uses it meanwhile.

DUKPT counters that are not reserved in it may have been used since, so each key goes on far above. The audit chain says
that it was restored: it goes on verifiably, and heads that the lost store logged are known to be of another branch.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from msgspec import structs

from tpayd.crypto.dukpt import LAST_COUNTER
from tpayd.key_manager.audit import RESTORED
from tpayd.key_manager.errors import AuditBrokenError
from tpayd.key_manager.providers import KeyProvider
from tpayd.key_manager.store import KeyStore, Step
from tpayd_contracts.keys import KeyUsage

__all__ = ["COUNTER_SKIP", "EXCHANGE_SKIP", "make_safe"]

COUNTER_SKIP = 1 << 25
"""Of the 4.29 thousand million numbers that a key has: a year at 90,000 MACs a day, and enough for 120 restores."""
EXCHANGE_SKIP = 10_000
"""Key exchanges: their STANs."""


def make_safe(path: Path, provider: KeyProvider, at_ms: int, detail: str) -> int:
    """Skip counters and exchange numbers, and put it down. Returns the number of keys whose counters were skipped.

    Raises PassphraseError, StoreError, AuditBrokenError.
    """
    with closing(KeyStore.open(path, provider)) as store:
        loaded = store.load()
        if not loaded.audit.holds:
            raise AuditBrokenError(f"the audit chain of the key store does not hold: {loaded.audit.problem}")
        counting = {key.key_id: 0 for key in loaded.records if key.usage is KeyUsage.TERMINAL_MAC} | loaded.counters
        store.reserve_counters({key_id: min(limit + COUNTER_SKIP, LAST_COUNTER) for key_id, limit in counting.items()})
        ticks = structs.replace(loaded.ticks, exchanges=loaded.ticks.exchanges + EXCHANGE_SKIP)
        store.change(at_ms, Step(RESTORED, detail=detail), ticks=ticks)
    return len(counting)

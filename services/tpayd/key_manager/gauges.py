"""What of the keys is measured. Labels are states and usages, never an owner."""

from __future__ import annotations

import math
from collections import Counter as Tally

from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.trusted_time import TrustedTime
from tpayd.kit.metrics import Metrics
from tpayd_contracts.keys import KeyState, KeyUsage

__all__ = ["KeyGauges"]


class KeyGauges:
    """The key manager's metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._keys = metrics.gauge("keys", "Keys by usage and state", ("usage", "state"))
        self._expiry = metrics.gauge(
            "expiry_seconds", "Seconds until the first active key of a usage expires; below 0: it has", ("usage",)
        )
        self._soonest = metrics.gauge("soonest_expiry_seconds", "Seconds until the first of all active keys expires")
        self._machine = metrics.gauge(
            "machine_clock_ahead_seconds",
            "The machine's clock, ahead of the trusted time; NaN until a host has told its time since the start",
        )
        self._from_host = metrics.gauge("time_from_host", "1 once a host's MACed time has set the trusted time")
        self._audit = metrics.gauge("audit_entries", "Entries of the audit chain")
        self._holds = metrics.gauge("audit_holds", "1 while the audit chain holds")
        self._damaged = metrics.gauge("damaged_records", "Records of the key store that do not open")
        self.bad_macs = metrics.counter("bad_macs", "Answers of the host whose MAC is wrong")
        self.refused = metrics.counter("refused", "Messages that got no MAC, by reason", ("reason",))
        self.exchanges = metrics.counter("exchanges", "Key exchanges by their end and by who began them", ("end", "by"))
        self.reserve_waits = metrics.counter("reserve_waits", "Messages that waited for the disk to reserve counters")

    def show_store(self, entries: int, *, holds: bool, damaged: int) -> None:
        """The state of the store."""
        self._audit.set(entries)
        self._holds.set(holds)
        self._damaged.set(damaged)

    def show_time(self, time: TrustedTime) -> None:
        """The time that keys expire by."""
        ahead_ms = time.machine_ahead_ms()
        self._machine.set(math.nan if ahead_ms is None else ahead_ms / 1000)
        self._from_host.set(time.from_host)

    def show_keys(self, keyring: Keyring, now_ms: int) -> None:
        """The keys as they are now."""
        tally = Tally((key.usage, key.state) for key in keyring)
        active = [key.expires_at_ms or 0 for key in keyring if key.state is KeyState.ACTIVE]
        self._soonest.set((min(active) - now_ms) / 1000 if active else math.nan)
        for usage in KeyUsage:
            for state in KeyState:
                self._keys.labels(usage.value, state.value).set(tally[usage, state])
            ends = [key.expires_at_ms or 0 for key in keyring if (key.usage, key.state) == (usage, KeyState.ACTIVE)]
            if ends:
                self._expiry.labels(usage.value).set((min(ends) - now_ms) / 1000)
            else:
                # No sample is better than a number that looks like one.
                self._expiry.remove_by_labels({"usage": usage.value})

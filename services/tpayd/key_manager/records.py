"""What the store keeps of a key."""

from __future__ import annotations

from msgspec import Struct

from tpayd.key_manager.trusted_time import DAY_MS
from tpayd_contracts.keys import KeyInfo, KeyState, KeyUsage

__all__ = ["KeyRecord", "key_id_of"]


class KeyRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key, or with READER_DATA the facts about a key that only reader and host hold. Never shown: see `info`."""

    key_id: str
    usage: KeyUsage
    owner: str
    """Terminal id, or the reader's identity."""
    profile: str
    state: KeyState
    version: int
    """Grows with each change of this record; the audit chain knows the last one."""
    ikid: bytes
    """Initial key identifier, 8 bytes (X9.24-3)."""
    check_value: str
    initial_key: bytes = b""
    """The DUKPT initial key; empty for a reader's."""
    device: str | None = None
    injected_at_ms: int | None = None
    expires_at_ms: int | None = None
    retired_at_ms: int | None = None
    warned_days: int | None = None
    """Its owner was warned so many days ahead of its expiry, the last time."""

    def __repr__(self) -> str:
        return f"KeyRecord({self.key_id}, {self.state}, version={self.version})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("key_id", self.key_id), ("state", str(self.state)), ("version", self.version)]

    def days_left(self, now_ms: int) -> int | None:
        """Days until it expires, a begun one counted; None for a key that has no date, or is over."""
        if self.expires_at_ms is None or self.state is not KeyState.ACTIVE:
            return None
        return max(0, -((now_ms - self.expires_at_ms) // DAY_MS))

    def info(self, now_ms: int, note: str = "") -> KeyInfo:
        """The key without the key."""
        return KeyInfo(
            key_id=self.key_id, usage=self.usage, owner=self.owner, profile=self.profile, state=self.state,
            check_value=self.check_value, injected_at_ms=self.injected_at_ms, expires_at_ms=self.expires_at_ms,
            device=self.device, days_left=self.days_left(now_ms), note=note,
        )  # fmt: skip


def key_id_of(profile: str, owner: str, ikid: bytes) -> str:
    """A key's name in journals, logs and lists. The host never gives one IKID to two keys of an owner."""
    return f"{profile}:{owner}:{ikid.hex().upper()}"

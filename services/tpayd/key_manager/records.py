"""What the store keeps of a key."""

from __future__ import annotations

from msgspec import Struct

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

    def __repr__(self) -> str:
        return f"KeyRecord({self.key_id}, {self.state}, version={self.version})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("key_id", self.key_id), ("state", str(self.state)), ("version", self.version)]

    def info(self) -> KeyInfo:
        """The key without the key."""
        return KeyInfo(
            key_id=self.key_id, usage=self.usage, owner=self.owner, profile=self.profile, state=self.state,
            check_value=self.check_value, injected_at_ms=self.injected_at_ms, expires_at_ms=self.expires_at_ms,
            device=self.device,
        )  # fmt: skip


def key_id_of(profile: str, owner: str, ikid: bytes) -> str:
    """A key's name in journals, logs and lists. The host never gives one IKID to two keys of an owner."""
    return f"{profile}:{owner}:{ikid.hex().upper()}"

"""All keys as they are now, and which of them a message may use. Pure: no disk, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tpayd.key_manager.errors import NoUsableKeyError
from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.states import SETTLES, STARTS
from tpayd_contracts.keys import KeyState, KeyUsage

__all__ = ["Keyring"]

_CURRENT = frozenset({KeyState.ACTIVE, KeyState.EXPIRED})
_IN_DOUBT = (KeyUsage.READER_DATA, KeyState.STAGED)


class Keyring:
    """Keys by id, and the current one of each owner."""

    def __init__(self, records: Iterable[KeyRecord] = (), frozen: str | None = None) -> None:
        """`frozen`: why no payment may begin under any key, such as a broken audit chain."""
        self.frozen = frozen
        self._by_id: dict[str, KeyRecord] = {}
        self._current: dict[tuple[str, str, str], KeyRecord] = {}
        # Asked at every turn of a reader, so by reader: a store holds two keys for each of them.
        self._in_doubt: dict[tuple[str, str], dict[str, KeyRecord]] = {}
        for record in records:
            self.put(record)

    def __iter__(self) -> Iterator[KeyRecord]:
        return iter(tuple(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, key_id: str) -> KeyRecord | None:
        """The key of that id, in whatever state."""
        return self._by_id.get(key_id)

    def current(self, usage: KeyUsage, profile: str, owner: str) -> KeyRecord | None:
        """The owner's active key, or the expired one that no other has replaced yet."""
        return self._current.get((usage, profile, owner))

    def in_force(self, profile: str) -> list[KeyRecord]:
        """Every owner's current key."""
        return [key for key in self._current.values() if key.profile == profile]

    def in_doubt(self, profile: str, reader_id: str) -> tuple[KeyRecord, ...]:
        """A reader's keys that it was handed and has not confirmed."""
        return tuple(self._in_doubt.get((profile, reader_id), {}).values())

    def put(self, record: KeyRecord) -> None:
        """A key is new, or has changed."""
        self.remove(record.key_id)
        self._by_id[record.key_id] = record
        if record.state in _CURRENT:
            self._current[record.usage, record.profile, record.owner] = record
        if (record.usage, record.state) == _IN_DOUBT:
            self._in_doubt.setdefault((record.profile, record.owner), {})[record.key_id] = record

    def remove(self, key_id: str) -> None:
        """A key is gone."""
        old = self._by_id.pop(key_id, None)
        if old is None:
            return
        if self._current.get(at := (old.usage, old.profile, old.owner)) is old:
            del self._current[at]
        self._in_doubt.get((old.profile, old.owner), {}).pop(key_id, None)

    def for_new_payment(self, profile: str, terminal_id: str, reader_id: str | None, now_ms: int) -> KeyRecord:
        """The terminal's MAC key for a payment that begins now, if the reader's key is valid too.

        Raises:
            NoUsableKeyError: the terminal's or the named reader's key is missing, not active, or expired.
        """
        if self.frozen is not None:
            raise NoUsableKeyError("audit", f"no new payment: {self.frozen}; see docs/keys.md")
        if reader_id is not None:
            self._valid(KeyUsage.READER_DATA, profile, reader_id, now_ms)
        return self._valid(KeyUsage.TERMINAL_MAC, profile, terminal_id, now_ms)

    def for_settling(self, profile: str, terminal_id: str, key_id: str | None) -> KeyRecord:
        """The MAC key for what settles an earlier payment: the one it began under, whatever its age.

        Without a key id: the terminal's current key.

        Raises:
            NoUsableKeyError: no such key of this terminal and profile, or one that was never active.
        """
        record = self.current(KeyUsage.TERMINAL_MAC, profile, terminal_id) if key_id is None else self.get(key_id)
        if (
            record is None
            or record.usage is not KeyUsage.TERMINAL_MAC
            or (record.profile, record.owner) != (profile, terminal_id)
            or record.state not in SETTLES
        ):
            name = f"key {key_id}" if key_id else "MAC key"
            raise NoUsableKeyError("missing", f"terminal {terminal_id} has no {name} in profile {profile}")
        return record

    def _valid(self, usage: KeyUsage, profile: str, owner: str, now_ms: int) -> KeyRecord:
        record = self.current(usage, profile, owner)
        if record is not None and record.state in STARTS and (record.expires_at_ms or 0) > now_ms:
            return record
        what = f"terminal {owner}" if usage is KeyUsage.TERMINAL_MAC else f"reader {owner}"
        reason, fault = ("missing", "has no active key") if record is None else ("expired", "has an expired key")
        raise NoUsableKeyError(reason, f"{what} {fault} in profile {profile}: `tpayd keys exchange` brings a new one")

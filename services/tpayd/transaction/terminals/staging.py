"""Changes to the list that count only once they are committed. Pure; nothing of it is ever on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tpayd.transaction.terminals.register import ProfileRegister
from tpayd_contracts.terminal import TERMINALS_MAX, Terminal

__all__ = ["Staging"]


@dataclass(frozen=True)
class Staging:
    """One client's changes since it began."""

    by: str
    until_ms: int
    """CLOCK_BOOTTIME; dropped then."""
    opened: dict[str, Terminal] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()

    def room(self, register: ProfileRegister, wanted: Iterable[str]) -> int:
        """How many terminals may still be opened beyond `wanted`; below 0, `wanted` are too many."""
        after = (register.open_ids - self.deleted) | self.opened.keys() | set(wanted)
        return TERMINALS_MAX - len(after)

    def with_opened(self, terminals: Iterable[Terminal]) -> Staging:
        new = {terminal.terminal_id: terminal for terminal in terminals}
        return replace(self, opened={**self.opened, **new}, deleted=self.deleted - new.keys())

    def with_deleted(self, register: ProfileRegister, terminal_ids: Iterable[str]) -> Staging:
        """Without these: a staged opening is dropped, an open terminal is staged for deletion."""
        gone = set(terminal_ids)
        return replace(
            self,
            opened={name: terminal for name, terminal in self.opened.items() if name not in gone},
            deleted=self.deleted | (gone & register.open_ids),
        )

    def unknown(self, register: ProfileRegister, terminal_ids: Iterable[str]) -> list[str]:
        """Those of `terminal_ids` that are neither open nor staged, or are deleted already."""
        known = (register.open_ids - self.deleted) | self.opened.keys()
        return [terminal_id for terminal_id in terminal_ids if terminal_id not in known]

    def committed(self, register: ProfileRegister) -> ProfileRegister:
        """The list once all of this counts."""
        return register.changed(self.opened.values(), self.deleted)

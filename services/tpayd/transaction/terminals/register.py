"""The list of open terminals and their merchants. Pure.

Terminals belong to a host profile: what the test host opened is not open with the live one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from tpayd_contracts.terminal import TERMINALS_MAX, Merchant, Terminal

__all__ = ["ProfileRegister", "Register"]


class ProfileRegister(Struct, frozen=True, forbid_unknown_fields=True):
    """What one host has opened and told."""

    terminals: Annotated[tuple[Terminal, ...], Meta(max_length=TERMINALS_MAX)] = ()
    merchants: Annotated[tuple[Merchant, ...], Meta(max_length=TERMINALS_MAX)] = ()
    """One for each terminal at most; the newest stands last."""

    @property
    def open_ids(self) -> frozenset[str]:
        return frozenset(terminal.terminal_id for terminal in self.terminals)

    def merchant(self, terminal_id: str) -> Merchant | None:
        """Who is behind a terminal, if that was downloaded."""
        return next((merchant for merchant in self.merchants if merchant.terminal_id == terminal_id), None)

    def changed(self, opened: Iterable[Terminal], deleted: Iterable[str]) -> ProfileRegister:
        """With these terminals opened and those deleted; one opened anew keeps its place."""
        new = {terminal.terminal_id: terminal for terminal in opened}
        gone = set(deleted)
        kept = [new.pop(old.terminal_id, old) for old in self.terminals if old.terminal_id not in gone]
        return replace(self, terminals=(*kept, *new.values()))

    def with_merchant(self, merchant: Merchant) -> ProfileRegister:
        """With a merchant downloaded; beyond the bound, the one downloaded first is forgotten."""
        others = [other for other in self.merchants if other.terminal_id != merchant.terminal_id]
        return replace(self, merchants=(*others, merchant)[-TERMINALS_MAX:])


class Register(Struct, frozen=True, forbid_unknown_fields=True):
    """One instance's."""

    fraud_cancel_prevention: bool = True
    """On from the first install: an instance without a register refuses what it does not know."""
    profiles: dict[str, ProfileRegister] = {}

    def of(self, profile: str) -> ProfileRegister:
        return self.profiles.get(profile, ProfileRegister())

    def put(self, profile: str, register: ProfileRegister) -> Register:
        return replace(self, profiles={**self.profiles, profile: register})

    def switched(self, *, on: bool) -> Register:
        """With fraud-cancel prevention on or off."""
        return replace(self, fraud_cancel_prevention=on)

"""Keys that this host has given out: to whom, under which identity."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from tpayd.crypto.check_value import check_value
from tpayd.crypto.dukpt import IKID_BYTES, derive_initial_key
from tpayd.crypto.exchange import Role, accept, answer, owner_of
from tpayd.sandbox.secrets import BDK, sandbox_transport_key

__all__ = ["Issued", "Issuing"]

_BDK_ID = {Role.TERMINAL: b"SBXT", Role.READER: b"SBXR"}
"""The first half of an IKID names the base derivation key, the second the device (X9.24-3, key set identifiers)."""


class Issued(Struct, frozen=True):
    """The host's half of a key exchange, and what is told beside it."""

    blob: bytes
    ikid: bytes
    check_value: str


class Issuing:
    """Gives out initial keys; the record is part of the ledger's open transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        rows = database.execute("SELECT ikid, role, owner, sequence FROM issued_key ORDER BY number").fetchall()
        self._owners: dict[bytes, str] = {ikid: owner for ikid, _, owner, _ in rows}
        self._sequences: dict[tuple[Role, str], int] = {(Role[role], owner): seq for _, role, owner, seq in rows}
        self._number = len(rows)

    def owner(self, ikid: bytes) -> str | None:
        """Who got this key, or None if it was never given out."""
        return self._owners.get(ikid)

    def issue(self, role: Role, request: bytes, expected_owner: str | None = None) -> Issued:
        """Answer a key exchange. Raises ExchangeError: the request is not genuine, not new, or not this owner's."""
        owner = owner_of(request)
        transport = sandbox_transport_key(role, owner)
        accepted = accept(role, request, transport, self._sequences.get((role, owner), 0), expected_owner)
        self._number += 1
        ikid = _BDK_ID[role] + self._number.to_bytes(IKID_BYTES - len(_BDK_ID[role]))
        initial_key = derive_initial_key(BDK[role], ikid)
        self._database.execute(
            "INSERT INTO issued_key (ikid, role, owner, sequence) VALUES (?, ?, ?, ?)",
            (ikid, role.name, owner, accepted.sequence),
        )
        self._owners[ikid] = owner
        self._sequences[role, owner] = accepted.sequence
        return Issued(answer(accepted, transport, ikid, initial_key), ikid, check_value(initial_key))

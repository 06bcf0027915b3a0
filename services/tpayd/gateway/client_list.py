"""clients.toml as text: who stands in it, and the text with one client more, or less. Pure.

A list of 10,000 clients takes 0.7 s to parse and 7 s to edit with its comments, and the gateway reads it between two
sales. So the text is cut before each line that begins a table. Tables that were read before are known by their text,
those that `tpayd client add` wrote are read by a pattern, and only the others by a TOML parser. A text that cannot be
cut so (something before the first table, a table that is no client, a value over lines that look like tables) is read
and edited as a whole: what TOML says is what counts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct

from tpayd.kit.toml_edit import dumps, join, parsed
from tpayd_contracts.operation import Right
from tpayd_contracts.shapes import Lane, Name

__all__ = ["ALL_LANES", "HEAD", "Client", "ClientList", "Entry", "read", "with_client", "with_uid", "without"]

ALL_LANES = "*"
_LANE_OR_ALL = rf"^\*$(?!\n)|{get_args(Lane)[1].pattern}"
HEAD = """\
# Who may speak to this store, by `tpayd client add` and `tpayd client remove`. Changes count within a second.
# lanes: the lanes a client may act for, "*" (rights admin only) for all. right: "read_only", "pos" or "admin".
# public_key: of its CURVE key pair, for tcp. local_uid: the user that may use the name on this machine without a key.
"""
_TABLES = re.compile(r"^(?=\[)", re.MULTILINE)
_NOTHING = re.compile(r"(?:[ \t]*(?:#[^\n]*)?(?:\n|$))*")
_PLAIN = re.compile(
    r"\[clients\.([A-Za-z0-9_-]+)\]\n"
    r'lanes = \[((?:"[A-Za-z0-9_.*-]+"(?:, |(?=\])))*)\]\n'
    r'right = "([a-z_]+)"\n'
    r'public_key = "([!#-&(-+\--\[\]^_a-{}@]{40})"\n'
    r"(?:local_uid = ([1-9][0-9]{0,9}|0)\n)?\n*"
)
"""A table as `with_client` writes it. Whatever it takes means the same to a TOML parser."""


class Client(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One registered client."""

    lanes: tuple[Annotated[str, Meta(pattern=_LANE_OR_ALL)], ...]
    right: Right
    public_key: Annotated[str, Meta(min_length=40, max_length=40)]
    local_uid: Annotated[int, Meta(ge=0, lt=2**32)] | None = None

    def __post_init__(self) -> None:
        if self.every_lane and self.right is not Right.ADMIN:
            raise ValueError(f'lanes "*" are for clients with right = "admin" only, not "{self.right.value}"')

    @property
    def every_lane(self) -> bool:
        return ALL_LANES in self.lanes

    def may_act_for(self, lane: str) -> bool:
        return self.every_lane or lane in self.lanes


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    clients: dict[Name, Client] = {}


class Entry(NamedTuple):
    """What one table says."""

    name: str
    client: Client


class ClientList(NamedTuple):
    """What a text says."""

    clients: Mapping[str, Client]
    tables: Mapping[str, Entry]
    """By their text; empty: it was read as a whole."""


def read(text: str, before: ClientList | None = None) -> ClientList:
    """Who stands in a text. Raises ValueError, which names the place, and two clients that have one key."""
    found = _cut(text, {} if before is None else before.tables)
    if found is None:
        found = ClientList(msgspec.convert(tomllib.loads(text), _File).clients, {})
    owners: dict[str, str] = {}
    for name, client in found.clients.items():
        other = owners.setdefault(client.public_key, name)
        if other != name:
            raise ValueError(f"{name} and {other} have the same public_key")
    return found


def with_client(text: str, name: str, client: Client) -> str:
    """One more, at the end. Raises ValueError for a name that cannot be."""
    entry = msgspec.to_builtins(client)
    msgspec.convert({"clients": {name: entry}}, _File)
    lanes = ", ".join(f'"{lane}"' for lane in client.lanes)
    uid = "" if client.local_uid is None else f"local_uid = {client.local_uid}\n"
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    return (
        f"{text}{gap}[{join('clients', name)}]\nlanes = [{lanes}]\n"
        f'right = "{client.right.value}"\npublic_key = "{client.public_key}"\n{uid}'
    )


def without(text: str, name: str) -> str:
    """The text without a client that stands in it."""
    found = read(text)
    if found.tables:
        head, *tables = _TABLES.split(text)
        return head + "".join(table for table in tables if found.tables[table].name != name)
    document = parsed(text)
    del document["clients"][name]
    return dumps(document)


def with_uid(text: str, name: str, local_uid: int) -> str:
    """The text with another user for a client that stands in it."""
    table = next((table for table, entry in read(text).tables.items() if entry.name == name), text)
    document = parsed(table)
    document["clients"][name]["local_uid"] = local_uid
    return text.replace(table, dumps(document), 1)


def _cut(text: str, known: Mapping[str, Entry]) -> ClientList | None:
    """None: it must be read as a whole."""
    head, *texts = _TABLES.split(text)
    if not _NOTHING.fullmatch(head):
        return None
    tables: dict[str, Entry] = {}
    for table in texts:
        entry = known.get(table) or _plain(table) or _parsed(table)
        if entry is None:
            return None
        tables[table] = entry
    clients = dict(tables.values())
    # A name that stands there twice is TOML's to refuse.
    return ClientList(clients, tables) if len(clients) == len(texts) else None


def _plain(table: str) -> Entry | None:
    found = _PLAIN.fullmatch(table)
    if found is None:
        return None
    name, lanes, right, public_key, uid = found.groups()
    value = {"lanes": [lane.strip('"') for lane in lanes.split(", ") if lane], "right": right, "public_key": public_key}
    if uid is not None:
        value["local_uid"] = int(uid)
    return _entry({"clients": {name: value}})


def _parsed(table: str) -> Entry | None:
    try:
        return _entry(tomllib.loads(table)) if table.startswith("[clients.") else None
    except tomllib.TOMLDecodeError:
        return None


def _entry(value: object) -> Entry | None:
    try:
        clients = msgspec.convert(value, _File).clients
    except msgspec.ValidationError:
        return None
    return Entry(*clients.popitem()) if len(clients) == 1 else None

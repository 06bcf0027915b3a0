"""Where an instance's journal lies, and who the instance is to a journal that others can reach."""

from __future__ import annotations

import socket
import uuid

from msgspec import Struct

from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import Instance
from tpayd.transaction.journal.owning import Owner

__all__ = ["JournalPlace", "place_of"]

_ID_FILE = "instance_id"


class JournalPlace(Struct, frozen=True):
    """An URL, and whose journal is meant to be there."""

    url: str
    owner: Owner | None
    """None for the instance's own file: no other instance has it."""


def place_of(instance: Instance, journal_url: str) -> JournalPlace:
    """The place that the setting names; for an empty one data/journal.sqlite3. Raises OSError."""
    if journal_url:
        return JournalPlace(journal_url, Owner(_id_of(instance), f"{socket.gethostname()}:{instance.home}"))
    return JournalPlace(f"sqlite:///{instance.data / 'journal.sqlite3'}", None)


def _id_of(instance: Instance) -> str:
    """Made once, and kept as long as the instance. A backup of `data/` takes it along."""
    path = instance.data / _ID_FILE
    if not path.exists():
        replace_file(path, f"{uuid.uuid4()}\n".encode(), 0o640)
    return path.read_text(encoding="ascii").strip()

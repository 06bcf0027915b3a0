"""The journal: append-only, hash-chained events and the last value of each payment beside them."""

from tpayd.transaction.journal.entries import OPEN_STATES, StanBlock
from tpayd.transaction.journal.errors import (
    DoubtError,
    JournalDamagedError,
    JournalOwnedError,
    JournalUrlError,
    JournalVersionError,
    StorageError,
    UnreachableError,
)
from tpayd.transaction.journal.journal import Journal
from tpayd.transaction.journal.opening import Found
from tpayd.transaction.journal.owning import Owner
from tpayd.transaction.journal.place import JournalPlace, place_of
from tpayd.transaction.journal.reading import JournalReader, Recorded
from tpayd.transaction.journal.rebuilding import Damaged
from tpayd.transaction.journal.store import JournalStore, Store

__all__ = [
    "OPEN_STATES",
    "Damaged",
    "DoubtError",
    "Found",
    "Journal",
    "JournalDamagedError",
    "JournalOwnedError",
    "JournalPlace",
    "JournalReader",
    "JournalStore",
    "JournalUrlError",
    "JournalVersionError",
    "Owner",
    "Recorded",
    "StanBlock",
    "StorageError",
    "Store",
    "UnreachableError",
    "place_of",
]

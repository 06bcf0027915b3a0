"""The journal: append-only, hash-chained events and the last value of each payment beside them."""

from tpayd.transaction.journal.entries import OPEN_STATES, StanBlock
from tpayd.transaction.journal.errors import JournalVersionError, StorageError
from tpayd.transaction.journal.journal import Journal
from tpayd.transaction.journal.reading import JournalReader, Recorded
from tpayd.transaction.journal.store import Found, JournalStore, Store

__all__ = [
    "OPEN_STATES",
    "Found",
    "Journal",
    "JournalReader",
    "JournalStore",
    "JournalVersionError",
    "Recorded",
    "StanBlock",
    "Store",
    "StorageError",
]

"""The journal: append-only, hash-chained events and the last value of each payment beside them."""

from tpayd.transaction.journal.entries import OPEN_STATES, StanBlock
from tpayd.transaction.journal.journal import Journal, StorageError
from tpayd.transaction.journal.store import Found, JournalVersionError

__all__ = ["OPEN_STATES", "Found", "Journal", "JournalVersionError", "StanBlock", "StorageError"]

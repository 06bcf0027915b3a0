"""Reserved STANs are on disk, or whoever waits for them is told that they are not."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tpayd.transaction.journal import JournalStore, StanBlock, StorageError


def test_a_failed_commit_of_reserved_stans_alone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No event stands beside them by which the store could see what became of the commit."""
    url = f"sqlite:///{tmp_path / 'journal.sqlite3'}"
    block = StanBlock("test", "T0000001", 100)
    store = JournalStore(url)
    store.open()

    def fail(*_: Any) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    with monkeypatch.context() as patched:
        patched.setattr(store, "_insert", fail)
        with pytest.raises(StorageError):
            store.write([], [block])
    store.write([], [block])
    store.close()
    assert JournalStore(url).open().stan_blocks == {("test", "T0000001"): 100}

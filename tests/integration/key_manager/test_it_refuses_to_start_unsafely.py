"""The key manager does not run on a secret that others can read, nor on another's store; it says why in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import Store
from tests.integration.key_manager.macs import plant_key
from tpayd.key_manager.places import store_file


def _passphrase(store: Store) -> Path:
    return store.instance.secrets / "key_manager.passphrase"


def _other_passphrase(store: Store) -> None:
    path = _passphrase(store)
    path.write_text("another passphrase of many letters")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda store: _passphrase(store).chmod(0o640), "has mode 0640"),
        (lambda store: _passphrase(store).unlink(), "is missing"),
        (_other_passphrase, "made with another one"),
        (lambda store: store_file(store.instance.data).chmod(0o644), "has mode 0644"),
        (lambda store: store_file(store.instance.data).write_bytes(b"x" * 5000), "cannot be opened"),
    ],
    ids=["readable passphrase", "no passphrase", "other passphrase", "readable store", "foreign store"],
)
def test_refusal(tmp_path: Path, spoil: Callable[[Store], object], said: str) -> None:
    """It ends with status 70 and one line that names the file and the fault, never a secret."""
    store = Store(tmp_path, services=(), lanes=1, readers=1)
    plant_key(store)
    spoil(store)
    with store:
        store.start("key_manager")
        assert 70 == store["key_manager"].exit_status()
        (line,) = store["key_manager"].output.read_text().splitlines()
    assert said in line
    assert "letters" not in line

"""A key file that cannot be used is refused by name, and its keys are never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tpayd_client.errors import KeyFileError
from tpayd_client.key_file import read_key_file
from tpayd_client.plan import plan

SECRET = "s" * 40
GOOD = {
    "tpayd_key": 1, "client": "till-1", "endpoint": "tcp://127.0.0.1:7700", "server_public_key": "a" * 40,
    "client_public_key": "b" * 40, "client_secret_key": SECRET,
}  # fmt: skip


def write(tmp_path: Path, content: Any, mode: int = 0o600) -> Path:
    path = tmp_path / "till.key"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def test_a_good_one_is_all_that_a_client_needs(tmp_path: Path) -> None:
    """Endpoint and name come from it, and the secret shows in no repr."""
    where = plan(None, None, None, write(tmp_path, GOOD))
    assert ("tcp://127.0.0.1:7700", "till-1") == (where.endpoint, where.client)
    assert SECRET not in repr(where)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("not json", "not JSON"),
        ("[]", "not a key file"),
        ({**GOOD, "tpayd_key": 2}, "format 1"),
        ({**GOOD, "client": ""}, "`client`"),
        ({name: value for name, value in GOOD.items() if name != "endpoint"}, "`endpoint`"),
        ({**GOOD, "client_secret_key": "s" * 39}, "`client_secret_key`"),
        ({**GOOD, "server_public_key": 7}, "`server_public_key`"),
    ],
)
def test_a_bad_one_is_named(tmp_path: Path, content: Any, told: str) -> None:
    """The file, the field, and no key."""
    path = write(tmp_path, content)
    with pytest.raises(KeyFileError, match=told) as refusal:
        read_key_file(path)
    assert str(path) in str(refusal.value)
    assert "ssss" not in str(refusal.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_one_that_others_can_read_is_no_secret(tmp_path: Path, mode: int) -> None:
    """It says what to do."""
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key_file(write(tmp_path, GOOD, mode))


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(KeyFileError, match=r"gone\.key.*No such file"):
        read_key_file(tmp_path / "gone.key")


def test_tcp_without_keys_is_refused() -> None:
    """There is no plain tcp."""
    with pytest.raises(KeyFileError, match="always encrypted"):
        plan("tcp://127.0.0.1:7700", "till-1", None, None)


def test_somebody_and_somewhere_are_needed() -> None:
    """Name and endpoint, or a key file that holds both."""
    with pytest.raises(ValueError, match="endpoint and the client"):
        plan("ipc:///tmp/x", None, None, None)

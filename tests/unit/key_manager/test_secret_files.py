"""A secret file is read only if nobody else could have read it, and never quoted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tpayd.crypto.exchange import Role
from tpayd.key_manager.errors import SecretFileError
from tpayd.key_manager.secret_files import read_secret, read_transport_keys
from tpayd.key_manager.transport import transport_keys
from tpayd.kit.store_settings import LaneSettings, Merchant, StoreSettings
from tpayd.sandbox.secrets import sandbox_transport_key

SECRET = "correct horse battery staple"
KEY = "00112233445566778899AABBCCDDEEFF"


def _file(path: Path, content: str, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def _store(*, sandbox: bool) -> StoreSettings:
    merchant = Merchant(id="TPAYSANDBOX0001", name="Store", business_number="1234567891")
    lanes = (LaneSettings("1", "TPAY0001"),)
    return StoreSettings(merchant=merchant, lanes=lanes, sandbox=sandbox)


def test_private_file_is_read(tmp_path: Path) -> None:
    """Mode 0600 is what a secret has; 0400 does as well."""
    paths = [_file(tmp_path / "a", SECRET), _file(tmp_path / "b", SECRET, 0o400)]
    assert [SECRET.encode()] * 2 == [read_secret(path) for path in paths]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o700, 0o601])
def test_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    """Any right of another makes the secret no secret; the text names the mode and the way out."""
    with pytest.raises(SecretFileError, match=f"{mode:04o}.*chmod 600") as caught:
        read_secret(_file(tmp_path / "a", SECRET, mode))
    assert SECRET not in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A missing file's error says where it should be and what makes it."""
    with pytest.raises(SecretFileError, match="tpayd init"):
        read_secret(tmp_path / "none")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A link could lead anywhere; a directory, a pipe and a huge file are no secrets."""
    target = _file(tmp_path / "target", SECRET)
    link = tmp_path / "link"
    link.symlink_to(target)
    directory = tmp_path / "directory"
    directory.mkdir(mode=0o600)
    huge = _file(tmp_path / "huge", "x" * 300_000)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (link, directory, pipe, huge):
        with pytest.raises(SecretFileError):
            read_secret(path)


def test_another_users_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file must belong to the user that runs the service."""
    path = _file(tmp_path / "a", SECRET)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(SecretFileError, match="belongs to"):
        read_secret(path)


def test_transport_keys_are_read_by_profile(tmp_path: Path) -> None:
    """One table per profile; a terminal that is not there has none."""
    keys = read_transport_keys(_file(tmp_path / "keys", f'[live]\nTPAY0001 = "{KEY}"\n'))
    found = [keys.get("live", "TPAY0001"), keys.get("test", "TPAY0001"), keys.get("live", "TPAY0002")]
    assert [bytes.fromhex(KEY), None, None] == found
    assert KEY not in repr(keys)


@pytest.mark.parametrize(
    "content",
    [f'[live]\nTPAY0001 = "{KEY}00"', f"[live]\nTPAY0001 = {KEY}", f'live = "{KEY}"', f'[live]\nT = ["{KEY}"]', "\xff"],
)
def test_malformed_transport_keys_are_refused_unquoted(tmp_path: Path, content: str) -> None:
    """What is wrong is said without the key in it, in no link of the exception's chain."""
    with pytest.raises(SecretFileError) as caught:
        read_transport_keys(_file(tmp_path / "keys", content))
    assert KEY not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_sandbox_uses_its_public_keys(tmp_path: Path) -> None:
    """In the sandbox no file is needed."""
    public = sandbox_transport_key(Role.TERMINAL, "TPAY0001")
    assert public == transport_keys(_store(sandbox=True), tmp_path / "none").get("live", "TPAY0001")


def test_live_store_has_no_key_without_a_file(tmp_path: Path) -> None:
    """A live store never falls back to the sandbox's keys."""
    assert None is transport_keys(_store(sandbox=False), tmp_path / "none").get("live", "TPAY0001")


def test_live_store_refuses_the_sandboxs_keys(tmp_path: Path) -> None:
    """A public key in a live store's file stops the start."""
    public = sandbox_transport_key(Role.TERMINAL, "TPAY0001").hex()
    path = _file(tmp_path / "keys", f'[test]\nTPAY0001 = "{public}"\n')
    with pytest.raises(SecretFileError, match="sandbox"):
        transport_keys(_store(sandbox=False), path)

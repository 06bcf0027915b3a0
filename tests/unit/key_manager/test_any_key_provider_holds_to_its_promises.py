"""The key over the keys may come from any provider that holds to the checks; those find out one that does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.key_manager.setting import PASSPHRASE, PROVIDER, make_store
from tpayd.key_manager.errors import PassphraseError
from tpayd.key_manager.providers import KeyProvider, ProviderPlace, UnknownProviderError, load
from tpayd.key_manager.providers.checks import CHECKS, main, run
from tpayd.key_manager.providers.passphrase import PassphraseProvider, PassphraseSealing
from tpayd.key_manager.store import KeyStore


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_passphrase_is_one(check: Callable[[KeyProvider], None]) -> None:
    """The provider that comes with the daemon holds to every check."""
    check(PROVIDER)


class _Broken(PassphraseSealing):
    """Forgets the context, and signs with a constant."""

    def seal(self, clear: bytes, context: bytes) -> bytes:
        return super().seal(clear, b"")

    def open(self, sealed: bytes, context: bytes) -> bytes:
        return super().open(sealed, b"")

    def sign(self, data: bytes) -> bytes:
        return bytes(32)


class _BrokenProvider(PassphraseProvider):
    name = "broken"

    def create(self) -> tuple[bytes, PassphraseSealing]:
        kept, _ = super().create()
        return kept, self.unlock(kept)

    def unlock(self, kept: bytes) -> PassphraseSealing:
        sealing = super().unlock(kept)
        sealing.__class__ = _Broken
        return sealing


def test_a_broken_one_is_found_out() -> None:
    """What it does wrong is named, and what it does right is not."""
    faults = run(_BrokenProvider(PASSPHRASE))
    assert {"binds a record to its place", "parts one store from another", "signs"} == set(faults)


class _Renamed(PassphraseProvider):
    name = "token"


def test_a_store_knows_who_made_its_key(tmp_path: Path) -> None:
    """Another provider's store is refused by name, before anything is tried on it."""
    path = tmp_path / "keys.sqlite3"
    make_store(path)
    with pytest.raises(PassphraseError, match=r"'passphrase'.*'token'"):
        KeyStore.open(path, _Renamed(PASSPHRASE))


def test_an_unknown_provider_is_named(tmp_path: Path) -> None:
    """With those that there are."""
    with pytest.raises(UnknownProviderError, match=r"'pkcs11'.*passphrase"):
        load("pkcs11", ProviderPlace(tmp_path))


def test_anybody_can_run_the_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the command line: status 0 with each check `ok`; status 2 where the provider cannot be made."""
    secret = tmp_path / "phrase"
    secret.write_bytes(PASSPHRASE)
    secret.chmod(0o600)
    assert 0 == main(["passphrase", "--secrets", str(tmp_path), "--option", "file=phrase"])
    assert len(CHECKS) == capsys.readouterr().out.count(" ok\n")
    assert 2 == main(["passphrase", "--secrets", str(tmp_path), "--option", "file=nothing"])

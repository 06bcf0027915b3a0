"""A virtual reader's memory outlives its process, repeats no key, and shows none to whoever reads its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tpayd.crypto.dukpt import Derivation, Usage, derive_initial_key, split_ksn
from tpayd.crypto.errors import ExchangeError
from tpayd.crypto.exchange import Role, accept, answer
from tpayd.crypto.track import decrypt_track
from tpayd.sandbox.readers.vault import COUNTER_BLOCK, Vault, instance_secret
from tpayd.sandbox.readers.virtual import reader_id
from tpayd.sandbox.secrets import BDK, sandbox_transport_key

OWNER = reader_id("SBX0000001")
IKID = b"TESTIKID"
INITIAL_KEY = derive_initial_key(BDK[Role.READER], IKID)
TRACK = "4111111111111111D4912201"


@pytest.fixture
def secret(tmp_path: Path) -> bytes:
    return instance_secret(tmp_path / "secret")


def vault(tmp_path: Path, secret: bytes) -> Vault:
    return Vault(tmp_path / "reader.state", OWNER, secret)


def load_key(reader: Vault) -> str | None:
    key = sandbox_transport_key(Role.READER, OWNER)
    accepted = accept(Role.READER, reader.prepare(unix_ms=1), key, last_sequence=0, expected_owner=OWNER)
    return reader.inject(answer(accepted, key, IKID, INITIAL_KEY))


def test_a_track_can_be_read_by_the_host_alone(tmp_path: Path, secret: bytes) -> None:
    reader = vault(tmp_path, secret)
    load_key(reader)
    ksn, cipher = reader.encrypt(TRACK)
    ikid, counter = split_ksn(ksn)
    key = Derivation(INITIAL_KEY, ikid).working_key(counter, Usage.DATA_ENCRYPTION)
    assert (IKID, TRACK) == (ikid, decrypt_track(key, cipher))


def test_a_restart_keeps_the_key_and_skips_counters(tmp_path: Path, secret: bytes) -> None:
    first = vault(tmp_path, secret)
    load_key(first)
    used = {first.encrypt(TRACK)[0] for _ in range(COUNTER_BLOCK + 10)}
    again = vault(tmp_path, secret)
    assert again.key_loaded
    assert not used & {again.encrypt(TRACK)[0] for _ in range(10)}


def test_no_key_lies_in_clear_in_its_files(tmp_path: Path, secret: bytes) -> None:
    load_key(vault(tmp_path, secret))
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        for key in (INITIAL_KEY, sandbox_transport_key(Role.READER, OWNER)):
            assert key not in content
            assert key.hex().encode() not in content.lower()
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_another_instances_memory_is_no_memory(tmp_path: Path, secret: bytes) -> None:
    load_key(vault(tmp_path, secret))
    assert not vault(tmp_path, bytes(32)).key_loaded


def test_an_answer_that_was_not_asked_for_loads_no_key(tmp_path: Path, secret: bytes) -> None:
    reader = vault(tmp_path, secret)
    assert reader.inject(bytes(48)) is None
    reader.prepare(unix_ms=1)
    with pytest.raises(ExchangeError):
        reader.inject(bytes(48))
    assert not reader.key_loaded


def test_each_exchange_has_a_higher_number_even_if_the_clock_goes_back(tmp_path: Path, secret: bytes) -> None:
    reader = vault(tmp_path, secret)
    key = sandbox_transport_key(Role.READER, OWNER)
    first = accept(Role.READER, reader.prepare(unix_ms=1_000), key, last_sequence=0)
    assert accept(Role.READER, reader.prepare(unix_ms=500), key, first.sequence).sequence > first.sequence

"""A restored instance is whole and safe to go on with; a refused or interrupted one changes nothing that counts."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.postgres import PostgresServer
from tests.unit.backup.instances import LATER_MS, back_up, fill_disk, key_store, made, put_back
from tests.unit.key_manager.setting import key
from tpayd.backup.errors import BackupDamagedError, BackupRefusedError, BackupStorageError
from tpayd.key_manager.restoring import COUNTER_SKIP, EXCHANGE_SKIP
from tpayd.kit.instance import Instance
from tpayd.kit.settings import load
from tpayd.transaction.journal import JournalStore, place_of
from tpayd.transaction.journal.verifying import verify
from tpayd.transaction.settings import TransactionSettings


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return made(tmp_path / "store")


def test_it_goes_on_where_nothing_was_used(instance: Instance, tmp_path: Path) -> None:
    """STANs, DUKPT counters, numbers of key exchanges; and the audit chain says so, and holds."""
    file = back_up(instance, tmp_path / "to").file
    done = put_back(file, tmp_path / "new")
    new = Instance.open(tmp_path / "new", create=False)
    with closing(key_store(new)) as keys:
        loaded, entries = keys.load(), keys.entries()
    assert {key().key_id: 256 + COUNTER_SKIP} == loaded.counters
    assert (True, EXCHANGE_SKIP) == (loaded.audit.holds, loaded.ticks.exchanges)
    assert ("restored", LATER_MS) == (entries[-1].event, entries[-1].at_ms)
    with closing(JournalStore(f"sqlite:///{new.data / 'journal.sqlite3'}")) as store:
        blocks = store.open().stan_blocks
    assert 500_100 == blocks["test", "TPAY0001"]
    assert {("live", "TPAY0001"), ("live", "TPAY0002"), ("test", "TPAY0001"), ("test", "TPAY0002")} == blocks.keys()
    assert (1, 4) == (done.keys_skipped, done.journal and done.journal.terminals)


def test_the_instance_is_as_it_was(instance: Instance, tmp_path: Path) -> None:
    """Nothing of the restore is left beside it; a sandbox gets its test cards."""
    file = back_up(instance, tmp_path / "to").file
    put_back(file, tmp_path / "new")
    assert {"config", "clients.toml", "secrets", "data", "sandbox"} == {
        path.name for path in (tmp_path / "new").iterdir()
    }
    before, after = ((home / "config" / "store.toml").read_bytes() for home in (instance.home, tmp_path / "new"))
    assert before == after
    assert 0o700 == (tmp_path / "new" / "secrets").stat().st_mode & 0o777


def test_an_instance_is_never_written_over(instance: Instance, tmp_path: Path) -> None:
    """Not even one whose settings alone are left."""
    file = back_up(instance, tmp_path / "to").file
    with pytest.raises(BackupRefusedError, match="move these away"):
        put_back(file, instance.home)
    (tmp_path / "new" / "config").mkdir(parents=True)
    (tmp_path / "new" / "config" / "store.toml").write_text("mine")
    with pytest.raises(BackupRefusedError, match=r"\(config\)"):
        put_back(file, tmp_path / "new")
    assert ["config"] == [path.name for path in (tmp_path / "new").iterdir()]


def test_empty_directories_are_in_nobodys_way(instance: Instance, tmp_path: Path) -> None:
    """As an emptied instance has them; `data` may lie on another disk."""
    file = back_up(instance, tmp_path / "to").file
    new, disk = tmp_path / "new", tmp_path / "disk"
    disk.mkdir()
    for name in ("config", "secrets", "log", "sandbox"):
        (new / name).mkdir(parents=True)
    (new / "data").symlink_to(disk)
    put_back(file, new)
    assert (True, True) == ((disk / "journal.sqlite3").exists(), (new / "data").is_symlink())


def test_a_damaged_backup_restores_nothing(instance: Instance, tmp_path: Path) -> None:
    """The place is as empty as before."""
    file = back_up(instance, tmp_path / "to").file
    raw = file.read_bytes()
    file.write_bytes(raw[:-40])
    with pytest.raises(BackupDamagedError):
        put_back(file, tmp_path / "new")
    assert [] == list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("after", [1, 3])
def test_interrupted_it_can_be_begun_again(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Killed while it puts things into place, nothing starts that is half there."""
    file = back_up(instance, tmp_path / "to").file
    new, real = tmp_path / "new", Path.rename
    done: list[Path] = []

    def rename(path: Path, target: Path) -> Path:
        if path.parent.name == ".restoring":
            if len(done) == after:
                raise KeyboardInterrupt
            done.append(path)
        return real(path, target)

    with monkeypatch.context() as killed:
        killed.setattr(Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            put_back(file, new)
    assert not (new / "config").exists()
    put_back(file, new)
    assert (True, False) == ((new / "config" / "store.toml").exists(), (new / ".restoring").exists())


def test_a_full_disk_restores_nothing(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so."""
    file = back_up(instance, tmp_path / "to").file
    fill_disk(monkeypatch, "terminals.json")
    with pytest.raises(BackupStorageError, match="No space left"):
        put_back(file, tmp_path / "new")
    assert [] == list((tmp_path / "new").iterdir())


def test_where_nothing_was_sold_since_there_is_no_gap(instance: Instance, tmp_path: Path) -> None:
    """A store that moves to another machine."""
    file = back_up(instance, tmp_path / "to").file
    put_back(file, tmp_path / "new", sold_since=False)
    with closing(JournalStore(f"sqlite:///{tmp_path / 'new' / 'data' / 'journal.sqlite3'}")) as store:
        assert None is store.open().restored


class TestAJournalInADatabase:
    """It may be lost with the machine, or not."""

    def test_one_has_to_say_where_it_is_to_be(self, tmp_path: Path, postgres: PostgresServer) -> None:
        """The database may be there still, and knows more than the backup."""
        file = back_up(made(tmp_path / "store", journal_url=postgres.database()), tmp_path / "to").file
        with pytest.raises(BackupRefusedError, match="--journal keep"):
            put_back(file, tmp_path / "new")

    def test_it_goes_on_in_a_file(self, tmp_path: Path, postgres: PostgresServer) -> None:
        """With all that the database held."""
        file = back_up(made(tmp_path / "store", journal_url=postgres.database()), tmp_path / "to").file
        put_back(file, tmp_path / "new", journal="file")
        new = Instance.open(tmp_path / "new", create=False)
        assert "" == url_of(new)
        found = verify(place_of(new, "").url, lambda *_: None)
        assert (True, 3, 2) == (found.intact, found.events, found.payments)

    def test_it_goes_on_in_an_empty_database(self, tmp_path: Path, postgres: PostgresServer) -> None:
        """Which is the restored instance's from then on."""
        file = back_up(made(tmp_path / "store", journal_url=postgres.database()), tmp_path / "to").file
        target = postgres.database()
        put_back(file, tmp_path / "new", journal=target)
        new = Instance.open(tmp_path / "new", create=False)
        assert (target, True) == (url_of(new), verify(target, lambda *_: None).intact)
        place = place_of(new, target)
        with closing(JournalStore(place.url, place.owner)) as store:
            found = store.open()
        assert (True, 500_100) == (found.restored is not None, found.stan_blocks["test", "TPAY0001"])
        assert [] == list(new.data.glob("journal.sqlite3*"))

    def test_it_stays_where_it_is(self, tmp_path: Path, postgres: PostgresServer) -> None:
        """Nothing of it is put back; the keys are all the same."""
        url = postgres.database()
        file = back_up(made(tmp_path / "store", journal_url=url), tmp_path / "to").file
        done = put_back(file, tmp_path / "new", journal="keep")
        new = Instance.open(tmp_path / "new", create=False)
        assert (None, 1, url) == (done.journal, done.keys_skipped, url_of(new))
        place = place_of(new, url)
        with closing(JournalStore(place.url, place.owner)) as store:
            assert None is store.open().restored

    def test_a_database_with_another_journal_is_left_alone(self, tmp_path: Path, postgres: PostgresServer) -> None:
        """And nothing is restored."""
        url = postgres.database()
        file = back_up(made(tmp_path / "store", journal_url=url), tmp_path / "to").file
        with pytest.raises(Exception, match="another journal"):
            put_back(file, tmp_path / "new", journal=url)
        assert [] == list((tmp_path / "new").iterdir())


def url_of(instance: Instance) -> str:
    return load(instance.settings_file("transaction"), TransactionSettings).journal_url

"""What is in a backup comes out as it went in; what does not open or was touched is refused, and says why."""

from __future__ import annotations

import base64
import hmac
import io
import tarfile
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pyrage import x25519

from tests.unit.backup.instances import OWNER, back_up, fill_disk, made
from tpayd.backup import creating
from tpayd.backup.archive import read_archive
from tpayd.backup.contents import PARTS
from tpayd.backup.creating import backups_in, verified
from tpayd.backup.envelope import Head, Keys, Unlocker, identities_in, read_head
from tpayd.backup.errors import BackupDamagedError, BackupKeyError, BackupStorageError
from tpayd.backup.last import read_last
from tpayd.backup.manifest import MANIFEST, BackedUpFile, Manifest, checked
from tpayd.kit.instance import Instance

SECRET = "correct horse battery"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    return made(tmp_path_factory.mktemp("made") / "store")


@pytest.fixture(scope="module")
def raw(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole backup."""
    return back_up(instance, tmp_path_factory.mktemp("raw")).file.read_bytes()


def opened(file: Path, into: Path | None = None) -> Manifest:
    return verified(file, [OWNER], lambda *_: None, into)


def test_everything_comes_out_as_it_went_in(instance: Instance, tmp_path: Path) -> None:
    """Settings, clients, secrets and data, with their modes; no logs, no sandbox, nothing of a run."""
    (instance.data / "requests").mkdir(exist_ok=True)
    (instance.data / "requests" / "cli.jsonl").write_text("{}")
    backup = back_up(instance, tmp_path / "to")
    out = tmp_path / "out"
    out.mkdir()
    assert backup.manifest == opened(backup.file, out)
    assert set(PARTS) == {path.name for path in out.iterdir()}
    for name in ("config/store.toml", "secrets/key_manager.passphrase", "clients.toml", "data/terminals.json"):
        before, after = instance.home / name, out / name
        assert (before.read_bytes(), before.stat().st_mode) == (after.read_bytes(), after.stat().st_mode)
    assert not (out / "data" / "requests").exists()
    assert (1, 1, 0) == (
        backup.manifest.journal and backup.manifest.journal.events,
        backup.manifest.journal and backup.manifest.journal.payments,
        backup.manifest.journal and backup.manifest.journal.damages,
    )


def test_nothing_of_it_can_be_read_without_the_key(instance: Instance, tmp_path: Path) -> None:
    """The file is for its owner alone, and so are the copies it is made of."""
    backup = back_up(instance, tmp_path)
    raw = backup.file.read_bytes()
    assert 0o600 == backup.file.stat().st_mode & 0o777
    for secret in ((instance.secrets / "key_manager.passphrase").read_bytes().strip(), b"terminal_id", b"SQLite"):
        assert secret not in raw
    assert not (instance.data / ".backup").exists()


def test_a_passphrase_opens_it(instance: Instance, tmp_path: Path) -> None:
    """It is not in the file. (Each use of one takes a second, so that guessing takes long.)"""
    backup = back_up(instance, tmp_path, keys=Keys.made(SECRET, ()))
    with backup.file.open("rb") as file:
        head = read_head(file)
    assert SECRET.encode() not in backup.file.read_bytes()
    assert backup.manifest == verified(backup.file, Unlocker(SECRET).opens(head), lambda *_: None)
    with pytest.raises(BackupKeyError, match="passphrase"):
        Unlocker().opens(head)


def test_another_passphrase_does_not_open_it() -> None:
    """Nor does it open a key that age itself has encrypted, as the format's specification says; the right one does."""
    head = Head(
        backup_id="b", taken_at_ms=1, version="0.1.0", host="h", home="/h", sandbox=True,
        key=age_of(str(OWNER).encode(), SECRET),
    )  # fmt: skip
    assert [str(OWNER)] == [str(key) for key in Unlocker(SECRET).opens(head)]
    with pytest.raises(BackupKeyError, match="does not open"):
        Unlocker("another passphrase").opens(head)
    with pytest.raises((BackupDamagedError, BackupKeyError)):
        Unlocker(SECRET).opens(msgspec.structs.replace(head, key="nonsense"))


def test_another_key_does_not_open_it(instance: Instance, tmp_path: Path) -> None:
    """Nor is one guessed."""
    backup = back_up(instance, tmp_path)
    with pytest.raises(BackupKeyError, match="none of the keys"):
        verified(backup.file, [x25519.Identity.generate()], lambda *_: None)
    with backup.file.open("rb") as file, pytest.raises(BackupKeyError, match="--identity"):
        Unlocker(SECRET).opens(read_head(file))


@pytest.mark.parametrize(
    ("passphrase", "recipients", "why"),
    [
        (None, (), "name who may open it"),
        ("short", (), "fewer than 12"),
        (None, ("age1nonsense",), "age public key"),
        (None, (str(OWNER),), "age public key"),
    ],
)
def test_a_backup_that_nobody_or_anybody_could_open_is_not_made(
    passphrase: str | None, recipients: tuple[str, ...], why: str
) -> None:
    """A private key given for a public one is refused, too."""
    with pytest.raises(BackupKeyError, match=why):
        Keys.made(passphrase, recipients)


@pytest.mark.parametrize("text", ["", "# only a remark\n", "age1qqqq\n", "AGE-SECRET-KEY-1NONSENSE\n"])
def test_an_identity_file_that_holds_none_is_refused(text: str) -> None:
    """By what is wrong with it."""
    with pytest.raises(BackupKeyError):
        identities_in(text)


def test_an_identity_file_as_age_writes_it() -> None:
    """With its remarks."""
    assert [str(OWNER)] == [str(key) for key in identities_in(f"# created: today\n# public key: x\n{OWNER}\n")]


@pytest.mark.parametrize("part", [0.0, 0.02, 0.1, 0.3, 0.6, 0.999])
def test_a_cut_is_found(raw: bytes, tmp_path: Path, part: float) -> None:
    """Wherever it is."""
    file = tmp_path / "cut"
    file.write_bytes(raw[: int(len(raw) * part)])
    with pytest.raises(BackupDamagedError):
        opened(file)


@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.3, 0.6, 0.999])
def test_a_flipped_bit_is_found(raw: bytes, tmp_path: Path, part: float) -> None:
    """In the head it may make nonsense of who can open it."""
    file, flipped = tmp_path / "flipped", bytearray(raw)
    flipped[int(len(raw) * part)] ^= 0x10
    file.write_bytes(flipped)
    with pytest.raises((BackupDamagedError, BackupKeyError)):
        opened(file)


def test_a_file_that_grew_is_found(raw: bytes, tmp_path: Path) -> None:
    """Something behind the end."""
    file = tmp_path / "grown"
    file.write_bytes(raw + b"more")
    with pytest.raises(BackupDamagedError):
        opened(file)


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "config/../../up", "", "config//x", "./config/x"])
def test_a_manifest_names_nothing_outside(name: str) -> None:
    """Whoever has the key could have made it."""
    raw = msgspec.json.encode(manifest(BackedUpFile(name, 1, 0o600, "0" * 64)))
    with pytest.raises(BackupDamagedError, match="not below an instance"):
        checked(raw)


def test_a_newer_format_is_told() -> None:
    """With the way out."""
    raw = msgspec.json.encode(msgspec.structs.replace(manifest(), format=2))
    with pytest.raises(BackupDamagedError, match="version of tpayd that wrote it"):
        checked(raw)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_an_archive_brings_nothing_but_files(tmp_path: Path, kind: bytes) -> None:
    """No link by which a later file would land elsewhere."""
    raw = msgspec.json.encode(manifest(BackedUpFile("config/x", 0, 0o600, "0" * 64)))
    made_up = io.BytesIO()
    with tarfile.open(fileobj=made_up, mode="w:gz") as tar:
        first = tarfile.TarInfo(MANIFEST)
        first.size = len(raw)
        tar.addfile(first, io.BytesIO(raw))
        second = tarfile.TarInfo("config/x")
        second.type, second.linkname = kind, "/etc/passwd"
        tar.addfile(second)
    made_up.seek(0)
    with pytest.raises(BackupDamagedError, match="config/x"):
        read_archive(made_up, tmp_path, lambda *_: None)
    assert [] == list(tmp_path.rglob("x"))


def age_of(clear: bytes, passphrase: str) -> str:
    """Encrypted by a passphrase, armoured, with little work (age-encryption.org/v1, 'The scrypt recipient type')."""
    file_key, salt, nonce = bytes(range(16)), bytes(16), bytes(range(16))
    wrapping = Scrypt(salt=b"age-encryption.org/v1/scrypt" + salt, length=32, n=1 << 10, r=8, p=1)
    wrapped = ChaCha20Poly1305(wrapping.derive(passphrase.encode())).encrypt(bytes(12), file_key, None)
    stanza = f"-> scrypt {_plain64(salt)} 10\n{_plain64(wrapped)}\n"
    header = f"age-encryption.org/v1\n{stanza}---".encode()
    mac = hmac.digest(HKDF(SHA256(), 32, b"", b"header").derive(file_key), header, "sha256")
    payload = ChaCha20Poly1305(HKDF(SHA256(), 32, nonce, b"payload").derive(file_key))
    raw = header + b" " + _plain64(mac).encode() + b"\n" + nonce + payload.encrypt(bytes(11) + b"\x01", clear, None)
    text = base64.b64encode(raw).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN AGE ENCRYPTED FILE-----", *lines, "-----END AGE ENCRYPTED FILE-----", ""])


def _plain64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def manifest(*files: BackedUpFile) -> Manifest:
    return Manifest(
        backup_id="b", taken_at_ms=1, version="0.1.0", journal_schema="0003", host="h", home="/h", sandbox=True,
        host_profile="test", merchant="M", journal=None, files=files,
    )  # fmt: skip


def test_the_last_few_are_kept(instance: Instance, tmp_path: Path) -> None:
    """Of this instance; another's in the same directory, and other files, are none of its business."""
    other = made(tmp_path / "other")
    theirs = back_up(other, tmp_path / "to").file
    (tmp_path / "to" / "tpayd-notes.txt").write_text("mine")
    made_here = [back_up(instance, tmp_path / "to", keep=2).file for _ in range(3)]
    left = {path.name for path in (tmp_path / "to").iterdir()}
    assert {theirs.name, "tpayd-notes.txt", *(path.name for path in made_here[1:])} == left
    last = read_last(instance)
    assert last is not None
    assert str(made_here[-1]) == last.file


def test_what_was_written_badly_never_gets_its_name(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former ones stay, even with --keep 1."""
    before = back_up(instance, tmp_path, keep=1).file

    def damaged(*_: object) -> Manifest:
        raise BackupDamagedError("the disk lied")

    monkeypatch.setattr(creating, "verified", damaged)
    with pytest.raises(BackupDamagedError):
        back_up(instance, tmp_path, keep=1)
    assert [before] == list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_former_backups(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is seen before, or hits while it is written."""
    before = back_up(instance, tmp_path / "to").file
    with monkeypatch.context() as small:
        small.setattr(creating, "_MARGIN_BYTES", 1 << 60)
        with pytest.raises(BackupStorageError, match="--to"):
            back_up(instance, tmp_path / "to")
    fill_disk(monkeypatch, ".part")
    with pytest.raises(BackupStorageError, match="No space left"):
        back_up(instance, tmp_path / "to")
    assert [before] == list((tmp_path / "to").iterdir())
    assert not (instance.data / ".backup").exists()


def test_what_a_killed_backup_left_is_no_backup(instance: Instance, tmp_path: Path) -> None:
    """Its copies go with the next one."""
    (instance.data / ".backup").mkdir()
    (instance.data / ".backup" / "journal.sqlite3").write_text("half")
    (tmp_path / "tpayd-20260101T000000Z-00000000.tpayd-backup.part").write_text("half")
    backup = back_up(instance, tmp_path)
    assert [backup.file] == [path for path, _ in backups_in(tmp_path)]
    assert not (instance.data / ".backup").exists()


def test_a_head_is_read_without_a_key(instance: Instance, tmp_path: Path) -> None:
    """For people and scripts."""
    backup = back_up(instance, tmp_path)
    ((_, head),) = backups_in(tmp_path)
    assert isinstance(head, Head)
    assert (backup.manifest.backup_id, (str(OWNER.to_public()),)) == (head.backup_id, head.recipients)

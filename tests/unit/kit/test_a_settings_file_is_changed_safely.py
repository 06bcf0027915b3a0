"""A settings file after a change is the new one or the old one, and what it was can be had again."""

from __future__ import annotations

import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import pytest
import tomlkit
from msgspec import Meta, Struct

from tpayd.kit.settings import SettingsError
from tpayd.kit.settings_file import ChangedMeanwhileError, NoSuchVersionError, NotSavedError, Saved, SettingsFile
from tpayd.kit.settings_history import BY_HAND, VERSIONS_MAX, Changed
from tpayd.kit.toml_edit import put_value

TEXT = '# how long\nwait_s = 30.0  # seconds\nurl = "db://u:s3cret@h/d"\n'


class Shape(Struct, forbid_unknown_fields=True):
    wait_s: Annotated[float, Meta(gt=0, le=100)] = 30.0
    url: str = ""


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile[Shape]:
    path = tmp_path / "shop.toml"
    path.write_text(TEXT)
    path.chmod(0o640)
    return SettingsFile(path, Shape, tmp_path / "data" / "settings")


def set_wait(file: SettingsFile[Shape], value: object, **options: object) -> Saved[Shape]:
    def change(document: tomlkit.TOMLDocument) -> None:
        put_value(document, "wait_s", value)

    return file.edit(change, by="boss", why="slow customers", at_ms=1_000, **options)  # type: ignore[arg-type]


def test_a_change_is_saved_with_who_when_and_what(file: SettingsFile[Shape]) -> None:
    """The file keeps its comments and its mode; the history begins with what the file was."""
    saved = set_wait(file, 45.0)

    assert TEXT.replace("30.0", "45.0") == file.path.read_text()
    assert 0o640 == stat.S_IMODE(file.path.stat().st_mode)
    assert (45.0, 2) == (saved.settings.wait_s, saved.number)
    assert file.read().stamp == saved.stamp
    assert [
        (1, BY_HAND, ()), (2, "boss", (Changed("wait_s", "30.0", "45.0"),)),
    ] == [(version.number, version.by, version.changes) for version in file.history()]  # fmt: skip


def test_a_value_out_of_range_changes_nothing(file: SettingsFile[Shape]) -> None:
    """And the error names the setting."""
    with pytest.raises(SettingsError) as refused:
        set_wait(file, 500.0)

    assert ("wait_s", TEXT, []) == (refused.value.field, file.path.read_text(), file.history())


def test_a_dry_run_says_what_would_change(file: SettingsFile[Shape]) -> None:
    """And changes nothing."""
    saved = set_wait(file, 45.0, dry_run=True)

    assert ((Changed("wait_s", "30.0", "45.0"),), None) == (saved.changes, saved.number)
    assert (TEXT, []) == (file.path.read_text(), file.history())


def test_what_it_says_already_is_not_written_again(file: SettingsFile[Shape]) -> None:
    """No new version."""
    assert ((), None) == (set_wait(file, 30.0).changes, set_wait(file, 30.0).number)


def test_who_looked_at_an_older_file_is_refused(file: SettingsFile[Shape]) -> None:
    """Somebody else, or a person with an editor, was quicker."""
    seen = file.read().stamp
    file.path.write_text(TEXT + "# a note\n")

    with pytest.raises(ChangedMeanwhileError):
        set_wait(file, 45.0, expected=seen)

    assert TEXT + "# a note\n" == file.path.read_text()
    assert 45.0 == set_wait(file, 45.0, expected=file.read().stamp).settings.wait_s


def test_an_edit_by_hand_during_the_change_is_not_lost(file: SettingsFile[Shape]) -> None:
    """The person's text stands."""

    def change(document: tomlkit.TOMLDocument) -> None:
        put_value(document, "wait_s", 45.0)
        file.path.write_text(TEXT + "# by hand\n")

    with pytest.raises(ChangedMeanwhileError):
        file.edit(change, by="boss", why="", at_ms=0)

    assert TEXT + "# by hand\n" == file.path.read_text()
    assert [] == list(file.path.parent.glob(".*.new"))


def test_a_full_disk_leaves_the_old_file(file: SettingsFile[Shape]) -> None:
    """Nothing half written stays, and once there is room it works."""
    set_wait(file, 31.0)
    before = file.path.read_text()

    with no_room(), pytest.raises(NotSavedError) as refused:
        set_wait(file, 45.0)

    assert (before, [1, 2]) == (file.path.read_text(), [version.number for version in file.history()])
    assert "the old one stands" in str(refused.value)
    assert [] == [*file.path.parent.rglob(".*.new")]
    assert 45.0 == set_wait(file, 45.0).settings.wait_s


def test_an_edit_by_hand_becomes_a_version(file: SettingsFile[Shape]) -> None:
    """At the next start, or with the next change."""
    assert not file.note(1)
    file.path.write_text(TEXT.replace("30.0", "31.0"))
    assert file.note(2)
    assert not file.note(3)
    file.path.write_text(TEXT.replace("30.0", "32.0"))
    set_wait(file, 33.0)

    assert [
        (BY_HAND, ()), (BY_HAND, (Changed("wait_s", "30.0", "31.0"),)), (BY_HAND, (Changed("wait_s", "31.0", "32.0"),)),
        ("boss", (Changed("wait_s", "32.0", "33.0"),)),
    ] == [(version.by, version.changes) for version in file.history()]  # fmt: skip


def test_a_version_can_be_restored(file: SettingsFile[Shape]) -> None:
    """Comments and all; it becomes a version of its own. A password is not in the history, the present one stays."""
    set_wait(file, 45.0)
    file.path.write_text('# all new\nwait_s = 1.0\nurl = "db://u:other@h/d"\n')

    restored = file.restore(1, by="boss", at_ms=2_000)

    assert TEXT.replace("s3cret", "other") == file.path.read_text()
    assert 4 == restored.number
    history = (file.path.parent / "data" / "settings" / "shop.jsonl").read_text()
    assert (False, False) == ("s3cret" in history, "other@" in history)


def test_a_secret_that_is_not_kept_refuses_the_restore(file: SettingsFile[Shape]) -> None:
    """Another database since then: its password is nobody's guess."""
    set_wait(file, 45.0)
    file.path.write_text('wait_s = 1.0\nurl = "db://u@other/d"\n')

    with pytest.raises(SettingsError) as refused:
        file.restore(1, by="boss", at_ms=0)

    assert "url" == refused.value.field
    assert 30.0 == file.restore(1, by="boss", at_ms=0, keep=("url",)).settings.wait_s
    assert "db://u@other/d" == file.read().settings.url


def test_settings_that_are_to_stay_stay(file: SettingsFile[Shape]) -> None:
    """Such as where the journal is."""
    set_wait(file, 45.0)
    file.restore(1, by="boss", at_ms=0, keep=("wait_s",))
    assert 45.0 == file.read().settings.wait_s


def test_a_version_that_is_not_kept_is_refused(file: SettingsFile[Shape]) -> None:
    """By its number."""
    with pytest.raises(NoSuchVersionError):
        file.restore(7, by="boss", at_ms=0)


def test_the_history_is_bounded_and_survives_damage(file: SettingsFile[Shape]) -> None:
    """The last ones are kept; a damaged line costs what follows it, not the next change."""
    for value in range(1, VERSIONS_MAX + 6):
        set_wait(file, float(value))
    numbers = [version.number for version in file.history()]
    assert list(range(7, VERSIONS_MAX + 7)) == numbers
    history = file.path.parent / "data" / "settings" / "shop.jsonl"
    lines = history.read_bytes().splitlines(keepends=True)
    history.write_bytes(b"".join(lines[:2]) + b"{garbage\n" + b"".join(lines[3:]))

    set_wait(file, 99.0)

    assert [7, 8, 9, 10] == [version.number for version in file.history()]


def test_two_at_once_lose_nothing(file: SettingsFile[Shape]) -> None:
    """One after the other, by a lock that other processes heed too."""

    def change(number: int) -> None:
        for _ in range(5):
            set_wait(file, 50.0 + number)
            set_wait(file, 60.0 + number)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    versions = file.history()
    assert list(range(1, len(versions) + 1)) == [version.number for version in versions]
    assert file.read().stamp == versions[-1].stamp


@pytest.mark.parametrize("text", ["wait_s = ", "wait = 3.0", "wait_s = 'x'"])
def test_a_broken_file_is_not_changed(file: SettingsFile[Shape], text: str) -> None:
    """Whoever broke it by hand mends it by hand."""
    file.path.write_text(text)
    with pytest.raises(SettingsError):
        set_wait(file, "y" if "x" in text else 45.0)
    assert text == file.path.read_text()


@contextmanager
def no_room() -> Iterator[None]:
    """No file of this process may grow beyond some bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

"""Releases on disk: one link that is moved whole, one journal whose lines count once they are synced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tpayd.releases.book import Book, DamagedError
from tpayd.releases.journal import Event, OutOfTurnError, State
from tpayd.releases.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "store")
    layout.home.mkdir()
    return layout


def environment(place: Path) -> Path:
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").touch()
    return place


def test_where_tpayd_was_installed_is_the_first_release(layout: Layout, tmp_path: Path) -> None:
    """A link to that environment; nothing is copied."""
    root = environment(tmp_path / "opt")
    layout.note_installed("0.1.0", root)
    assert ("0.1.0", root, False) == (layout.current(), layout.environment("0.1.0"), layout.is_own("0.1.0"))
    assert root / "bin" / "python" == layout.python()


def test_another_version_in_the_same_environment_takes_the_place_of_the_first(layout: Layout, tmp_path: Path) -> None:
    """`pip install --upgrade` leaves one version where another was."""
    root = environment(tmp_path / "opt")
    layout.note_installed("0.1.0", root)
    layout.note_installed("0.2.0", root)
    assert ("0.2.0", ("0.2.0",)) == (layout.current(), layout.installed())


def test_the_link_moves_there_and_back(layout: Layout, tmp_path: Path) -> None:
    """What was there stays there."""
    layout.note_installed("0.1.0", environment(tmp_path / "opt"))
    environment(layout.place("0.2.0"))
    layout.use("0.2.0")
    assert (True, "0.2.0") == (layout.is_own("0.2.0"), layout.current())
    layout.use("0.1.0")
    assert ("0.1.0", "0.2.0") == (layout.current(), layout.installed()[1])


def test_half_of_an_environment_is_none(layout: Layout) -> None:
    """A release without an interpreter is not started."""
    (layout.place("0.2.0") / "lib").mkdir(parents=True)
    layout.use("0.2.0")
    assert (None, None) == (layout.environment("0.2.0"), layout.python())


@pytest.mark.parametrize("name", ["", "..", "0.2", "current", "../0.2.0", "0.2.0/..", "0.2.0\n", "x" * 40])
def test_a_place_is_a_versions(layout: Layout, name: str) -> None:
    """No name leads out of the directory."""
    if name == "0.2":
        assert layout.releases / name == layout.place(name)
    else:
        with pytest.raises(ValueError, match="is no version"):
            layout.place(name)


def test_two_who_write_see_each_other(layout: Layout) -> None:
    """The updater's book and the launcher's are one file; who comes second is refused."""
    updater, launcher = Book(layout), Book(layout)
    updater.write(Event.STAGED, "0.2.0")
    updater.write(Event.ORDERED, "0.2.0", before="0.1.0", ready_limit_ms=1000)
    launcher.write(Event.TRIAL, "0.2.0")
    launcher.write(Event.ROLLED_BACK, "0.2.0", text="it died")
    with pytest.raises(OutOfTurnError):
        updater.write(Event.READY, "0.2.0")
    attempt = updater.attempt()
    assert (State.ROLLED_BACK, "it died", "0.1.0") == (attempt.state, attempt.text, attempt.before)


def test_what_was_torn_is_written_over(layout: Layout) -> None:
    """A line without its end is as if it had never been begun."""
    book = Book(layout)
    book.write(Event.STAGED, "0.2.0")
    whole = layout.journal.read_bytes()
    layout.journal.write_bytes(whole + whole[:20])
    assert State.STAGED is Book(layout).attempt().state
    book.write(Event.ORDERED, "0.2.0", before="0.1.0")
    assert ["staged", "ordered"] == [each.event.value for each in book.records()]


def test_a_damaged_journal_names_itself(layout: Layout) -> None:
    """And what to do about it."""
    book = Book(layout)
    for event in (Event.STAGED, Event.STAGED, Event.STAGED):
        book.write(event, "0.2.0")
    layout.journal.write_bytes(layout.journal.read_bytes().replace(b"staged", b"stagex", 1))
    with pytest.raises(DamagedError, match="move it away"):
        Book(layout).attempt()

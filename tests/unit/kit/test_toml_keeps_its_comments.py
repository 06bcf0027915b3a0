"""A changed settings file is the file that a person wrote, with other values."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from tpayd.kit.toml_edit import (
    NoSuchPlaceError,
    as_toml,
    drop_entry,
    drop_value,
    dumps,
    flat,
    join,
    put_entry,
    put_value,
    split,
    value_at,
)
from tpayd.shipped import shipped

TEXT = """\
# what this file is for
wait_s = 30.0    # seconds
# empty: none
word = ""

[live]
# who answers
addresses = [
  "a:1",  # the first
]

# One table for each lane.
[[lanes]]
name = "1"  # the first lane
terminal_id = "TPAY0001"

# the kiosk
[[lanes]]
name = "kiosk.2"
terminal_id = "TPAY0002"
"""


def changed(path: str, value: object) -> str:
    document = tomlkit.parse(TEXT)
    put_value(document, path, value)
    return dumps(document)


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("wait_s", 45.0, "wait_s = 30.0    # seconds", "wait_s = 45.0    # seconds"),
        ("word", 'a "b" 한글', 'word = ""', 'word = "a \\"b\\" 한글"'),
        ("lanes.1.terminal_id", "TPAY0009", '"TPAY0001"', '"TPAY0009"'),
        ('lanes."kiosk.2".terminal_id', "TPAY0009", '"TPAY0002"', '"TPAY0009"'),
    ],
)
def test_only_the_value_differs(path: str, value: object, old: str, new: str) -> None:
    """Comments, order and spacing are those of whoever wrote the file."""
    assert TEXT.replace(old, new) == changed(path, value)


def test_a_setting_that_did_not_stand_there_is_added_where_it_counts() -> None:
    """Before the first table, or in its own one, which is made."""
    assert 5 == tomllib.loads(changed("new", 5))["new"]
    assert 5 == tomllib.loads(changed("live.tls.depth", 5))["live"]["tls"]["depth"]


def test_a_dropped_setting_is_gone() -> None:
    """So that its default counts; what never stood there is no fault."""
    document = tomlkit.parse(TEXT)
    for path in ("word", "live.nothing", "nowhere.at.all"):
        drop_value(document, path)
    assert TEXT.replace('word = ""\n', "") == dumps(document)


@pytest.mark.parametrize("path", ["wait_s.x", "lanes.9.terminal_id", "lanes.1.name.x"])
def test_a_place_that_is_not_there_is_named(path: str) -> None:
    """With the part of the path that leads nowhere."""
    with pytest.raises(NoSuchPlaceError):
        changed(path, 1)


@pytest.mark.parametrize("path", ["", ".", "a.", "a..b", 'a."b', "a b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    """Instead of being guessed at."""
    with pytest.raises(NoSuchPlaceError):
        split(path)


def test_entries_come_and_go_by_name() -> None:
    """An entry that is there keeps what it is not told, comments included; a new one goes to the end."""
    document = tomlkit.parse(TEXT)
    put_entry(document, "lanes", {"name": "1", "terminal_id": "TPAY0007"})
    put_entry(document, "lanes", {"name": "3", "terminal_id": "TPAY0003"})
    text = dumps(document)

    assert TEXT.replace("TPAY0001", "TPAY0007").strip() in text
    assert "TPAY0003" == value_at(tomllib.loads(text), "lanes.3.terminal_id")
    assert [True, True, False] == [drop_entry(document, "lanes", name) for name in ("3", "1", "1")]
    assert ["kiosk.2"] == [lane["name"] for lane in tomllib.loads(dumps(document))["lanes"]]
    assert drop_entry(document, "lanes", "kiosk.2")
    assert "lanes" not in tomllib.loads(dumps(document))


@pytest.mark.parametrize("name", ["device_broker", "transaction", "store", "host_link"])
def test_an_array_of_tables_fits_into_every_shipped_file(name: str) -> None:
    """Also where an empty list stood in the middle of it."""
    text = (shipped("config") / f"{name}.toml").read_text(encoding="utf-8")
    document = tomlkit.parse(text)
    for reader in ("reader-1", "reader.2"):
        put_entry(document, "devices", {"name": reader, "port": "/dev/ttyUSB0", "abilities": ["ic"]})
    found = tomllib.loads(dumps(document))

    expected = tomllib.loads(text)
    expected["devices"] = [
        {"name": reader, "port": "/dev/ttyUSB0", "abilities": ["ic"]} for reader in ("reader-1", "reader.2")
    ]
    assert expected == found


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    """Whatever text or number it is; and as one line of TOML it means the same."""
    assert value == tomllib.loads(changed("word", value))["word"]
    assert value == tomllib.loads(f"x = {as_toml(value)}")["x"]


@given(st.lists(st.text(st.characters(exclude_characters=chr(34) + chr(92), min_codepoint=32), min_size=1), min_size=1))
def test_a_path_finds_its_parts_again(parts: list[str]) -> None:
    """Dots and spaces in a name included."""
    assert tuple(parts) == split(join(*parts))


def test_two_versions_are_compared_value_by_value() -> None:
    """Entries of an array by their name."""
    found: dict[str, Any] = dict(flat(tomllib.loads(TEXT)))
    assert {
        "wait_s": "30.0", "word": '""', "live.addresses": '["a:1"]', "lanes.1.terminal_id": '"TPAY0001"',
        'lanes."kiosk.2".terminal_id': '"TPAY0002"',
    } == found  # fmt: skip

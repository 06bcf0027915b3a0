"""Settings are filled into the shipped models, and everything else in them stays as it is."""

from __future__ import annotations

import tomllib

import pytest

from tpayd.provision.model import NoSuchSettingError, fill

MODEL = """\
# What this file is for.
port = 7720              # TCP port. Default 7720
names = []

[profiles.test]
# Where it is.
address = "a:1"

# One table for each lane.
[[lanes]]
name = "1"
"""


def test_comments_stay() -> None:
    """A changed value keeps the comment beside it, and those above and below."""
    text = fill(MODEL, {"port": 1, "profiles.test.address": "b:2"})

    expected = MODEL.replace("port = 7720  ", "port = 1  ").replace('"a:1"', '"b:2"')
    assert expected.split() == text.split()


def test_tables_are_replaced_as_a_whole() -> None:
    """A list of tables becomes exactly what was given."""
    text = fill(MODEL, {"lanes": [{"name": "A"}, {"name": "B"}], "names": [{"x": 1}]})

    assert [{"name": "A"}, {"name": "B"}] == tomllib.loads(text)["lanes"]
    assert [{"x": 1}] == tomllib.loads(text)["names"]
    assert "a:1" == tomllib.loads(text)["profiles"]["test"]["address"]


@pytest.mark.parametrize("name", ["prt", "profiles.test.adress", "profiles.life.address", "port.x"])
def test_a_setting_that_the_model_lacks_is_named(name: str) -> None:
    """A renamed setting is found when an instance is made, not when a service starts."""
    with pytest.raises(NoSuchSettingError, match=name):
        fill(MODEL, {name: 1})

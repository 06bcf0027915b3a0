"""What a wish for a device changes in the settings file, and nothing else in it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomlkit

from tpayd.device_broker.fleet_edit import AssignmentError, assign, remove
from tpayd_contracts.device import Ability
from tpayd_contracts.fleet import AssignDevice

FILE = """\
# Kept.
lease_ttl_s = 15.0 # kept too

[[devices]]
name = "a"
port = "/dev/a" # the left one
pool = "counter"
baud = 9600

[[devices]]
name = "b"
port = "/dev/b"

[[lanes]]
name = "1"
devices = ["b"]
sign_pad = "b"
"""


def edited(*wishes: AssignDevice) -> tuple[dict[str, Any], str]:
    document = tomlkit.parse(FILE)
    for wish in wishes:
        assign(document, wish)
    text = tomlkit.dumps(document)
    return tomllib.loads(text), text


def test_only_what_is_named_changes_and_comments_stay() -> None:
    data, text = edited(AssignDevice("a", label="Left"))
    expected = tomllib.loads(FILE)
    expected["devices"][0]["label"] = "Left"
    assert expected == data
    assert [line for line in FILE.splitlines() if "#" in line] == [line for line in text.splitlines() if "#" in line]


def test_a_lane_takes_a_device_from_its_pool_and_from_other_lanes() -> None:
    data, _ = edited(AssignDevice("a", lane="2", baud=0), AssignDevice("b", lane="2"))
    assert [{"name": "a", "port": "/dev/a"}, {"name": "b", "port": "/dev/b"}] == data["devices"]
    assert [{"name": "1", "devices": [], "sign_pad": "b"}, {"name": "2", "devices": ["a", "b"]}] == data["lanes"]


def test_a_pool_takes_it_from_its_lane() -> None:
    data, _ = edited(AssignDevice("b", pool="counter"))
    assert ("counter", []) == (data["devices"][1]["pool"], data["lanes"][0]["devices"])


def test_pads_are_those_of_the_lanes_named_and_of_no_others() -> None:
    data, _ = edited(AssignDevice("b", sign_pad_for=("2",), number_pad_for=("1",)))
    assert [{"name": "1", "devices": ["b"], "number_pad": "b"}, {"name": "2", "sign_pad": "b"}] == data["lanes"]


def test_a_new_device_is_added_at_the_end() -> None:
    data, _ = edited(AssignDevice("c", "usb:1-1", abilities=(Ability.SIGN,), baud=9600))
    assert {"name": "c", "port": "usb:1-1", "abilities": ["sign"], "baud": 9600} == data["devices"][2]


def test_one_that_is_removed_is_named_nowhere_any_more() -> None:
    document = tomlkit.parse(FILE)
    assert remove(document, "b")
    assert not remove(document, "b")
    data = tomllib.loads(tomlkit.dumps(document))
    assert [{"name": "1", "devices": []}] == data["lanes"]
    assert ["a"] == [each["name"] for each in data["devices"]]


@pytest.mark.parametrize(
    ("wish", "field"),
    [(AssignDevice("c", label="x"), "port"), (AssignDevice("a", pool="counter", lane="1"), "lane")],
)
def test_a_wish_that_means_nothing_names_its_field(wish: AssignDevice, field: str) -> None:
    with pytest.raises(AssignmentError) as caught:
        edited(wish)
    assert field == caught.value.field

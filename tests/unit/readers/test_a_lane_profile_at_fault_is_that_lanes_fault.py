"""What is wrong in a lane's profile is named with its place and the way out, and touches no other lane (T5, T7)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tpayd.device_broker.profiles import Arrangement, Place, arrange
from tpayd.device_broker.settings import DeviceBrokerSettings

LANES = ("1", "2", "3")
IC, PAD = ("ic", "stripe"), ("sign", "pin")


def device(name: str, abilities: tuple[str, ...] = IC, **more: Any) -> dict[str, Any]:
    return {"name": name, "port": f"/dev/{name}", "abilities": abilities} | more


def lane(name: str, *devices: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "devices": devices} | more


def arranged(**tables: Any) -> Arrangement:
    return arrange(msgspec.convert(tables, DeviceBrokerSettings), LANES)


def test_without_profiles_all_lanes_share_one_pool() -> None:
    found = arranged(devices=[device("a"), device("b")])
    assert () == found.faults
    assert {"a": Place("shared"), "b": Place("shared")} == found.places
    assert {"shared": "shared"} == found.labels
    assert {("shared",)} == {profile.pools for profile in found.profiles.values()}


def test_a_lane_has_its_own_devices_and_its_pools_in_order() -> None:
    found = arranged(
        pools=[{"name": "counter", "label": "Counter"}, {"name": "garden", "lanes": ["2"]}],
        devices=[device("own"), device("pad", PAD), device("a", pool="counter"), device("b", pool="garden")],
        lanes=[lane("1", "own", "pad", sign_pad="pad", number_pad="screen"), lane("2", pools=["garden", "counter"])],
    )
    assert () == found.faults
    assert (Place(lane="1"), Place(lane="1")) == (found.places["own"], found.places["pad"])
    assert (Place("counter"), Place("garden")) == (found.places["a"], found.places["b"])
    assert ("counter", "shared") == found.profiles["1"].pools
    assert ("garden", "counter") == found.profiles["2"].pools
    assert ("counter", "shared") == found.profiles["3"].pools
    assert {"counter": "Counter", "garden": "garden"} == found.labels


@pytest.mark.parametrize(
    ("profile", "field", "text"),
    [
        (lane("1", "a", "b", "c", "d"), "devices", "has 4 devices of its own, and may have 3"),
        (lane("1", "nowhere"), "devices", "names 'nowhere', which is not among [[devices]]: known are a, b, c, d, "),
        (lane("1", "a", "a"), "devices", "names a 2 times"),
        (lane("1", "pooled"), "devices", "has pooled as its own, which is in pool counter"),
        (lane("1", pools=["nowhere"]), "pools", "names pool 'nowhere', which is not there: known are counter, closed,"),
        (lane("1", pools=["closed"]), "pools", "names pool closed, which does not admit it"),
        (lane("1", "pad", pools=[]), "devices", "reaches no reader of chip cards"),
        (lane("1", sign_pad="nowhere"), "sign_pad", "has its customers sign on 'nowhere', which is not among"),
        (lane("1", "a", sign_pad="a"), "sign_pad", "has its customers sign on a, whose abilities lack 'sign'"),
        (lane("1", "a", number_pad="a"), "number_pad", "enter numbers on a, whose abilities lack 'pin'"),
        (lane("1", pools=["counter"], sign_pad="pad"), "sign_pad", "sign on pad, which it may not use"),
    ],
)
def test_a_fault_names_its_place_and_the_way_out(profile: dict[str, Any], field: str, text: str) -> None:
    """The other lanes keep what they have."""
    found = arranged(
        pools=[{"name": "counter"}, {"name": "closed", "lanes": ["3"]}],
        devices=[
            *(device(name) for name in "abcd"), device("pad", PAD), device("pooled", pool="counter"),
            device("closed-1", pool="closed"),
        ],
        lanes=[profile],
    )  # fmt: skip
    [fault] = found.faults
    assert (f"lanes[0].{field}", "1") == (fault.field, fault.lane)
    assert fault.text.startswith("lane 1 ")
    assert text in fault.text
    assert fault == found.fault_of("1")
    assert found.fault_of("2") is None


def test_a_device_that_two_lanes_claim_goes_to_neither() -> None:
    found = arranged(devices=[device("a"), device("b")], lanes=[lane("1", "a"), lane("2", "a"), lane("3", "b")])
    assert ["1", "2"] == [fault.lane for fault in found.faults if fault.lane]
    assert Place() == found.places["a"]
    fault = found.fault_with("a")
    assert fault is not None
    assert "lanes 1, 2 each claim it" in fault.text
    assert found.fault_of("3") is None


def test_a_profile_of_no_lane_and_a_second_profile_are_told() -> None:
    found = arranged(devices=[device("a")], lanes=[lane("9"), lane("1"), lane("1")])
    assert ["lanes[0].name", "lanes[2].name"] == [fault.field for fault in found.faults]
    assert [None, "1"] == [fault.lane for fault in found.faults]


def test_a_device_in_no_pool_is_lent_to_nobody() -> None:
    found = arranged(devices=[device("a"), device("b", pool="nowhere")])
    fault = found.fault_with("b")
    assert fault is not None
    assert "devices[1].pool" == fault.field
    assert Place() == found.places["b"]
    assert found.fault_of("1") is None


def test_a_store_without_a_reader_of_chip_cards_names_every_lane() -> None:
    found = arranged(devices=[device("pad", PAD)])
    assert list(LANES) == [fault.lane for fault in found.faults]


def test_a_pool_that_admits_an_unknown_lane_is_told_and_works() -> None:
    found = arranged(pools=[{"name": "counter", "lanes": ["1", "7"]}], devices=[device("a", pool="counter")])
    assert ["pools[0].lanes", "lanes", "lanes"] == [fault.field for fault in found.faults]
    assert found.fault_of("1") is None

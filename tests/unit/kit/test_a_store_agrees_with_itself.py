"""config/store.toml: every lane has its own terminal, and the merchant can be printed and sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tpayd.kit.settings import SettingsError, parse
from tpayd.kit.store_settings import StoreSettings, business_number_fits, load_store

SHIPPED = Path("config/store.toml")


def changed(old: str, new: str) -> StoreSettings:
    text = SHIPPED.read_text()
    assert old in text
    return parse(text.replace(old, new), StoreSettings, SHIPPED)


def test_the_shipped_file_is_a_live_store_and_valid() -> None:
    """The file we ship can be read; it is no sandbox, and takes the live host (T1)."""
    store = load_store(SHIPPED)

    assert (False, "live") == (store.sandbox, store.host_profile)
    assert () == store.doubts()


SECOND_LANE = 'terminal_id = "TPAY0001"\n[[lanes]]\nname = "{}"\nterminal_id = "{}"'


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ('"000000000000000"', '"12345"', "merchant.id", "{15}"),
        ('"1234567891"', '"123-45-67891"', "merchant.business_number", "{10}"),
        ('host_profile = "live"', 'host_profile = "prod"', "host_profile", "prod"),
        ('"TPAY0001"', '"TPAY001"', "lanes[0].terminal_id", "{8}"),
        ('name = "1"', 'name = "lane 1"', "lanes[0].name", "{1,16}"),
        (
            'terminal_id = "TPAY0001"',
            SECOND_LANE.format(2, "TPAY0001"),
            "lanes",
            "terminal_id 'TPAY0001' is given to 2",
        ),
        ('terminal_id = "TPAY0001"', SECOND_LANE.format(1, "TPAY0002"), "lanes", "name '1' is given to 2"),
    ],
)
def test_a_store_that_contradicts_itself_is_refused(old: str, new: str, field: str, problem: str) -> None:
    """Two lanes on one terminal would mix their payments at the host."""
    with pytest.raises(SettingsError) as caught:
        changed(old, new)

    assert field == caught.value.field
    assert problem in caught.value.problem


def test_a_doubtful_business_number_is_told_and_allowed() -> None:
    """Test stores have made-up numbers."""
    doubts = changed('"1234567891"', '"1234567890"').doubts()

    assert 1 == len(doubts)
    assert doubts[0].startswith("merchant.business_number: ")


@pytest.mark.parametrize("number", ["1208800767", "2208162517", "1248100998"])
def test_known_business_numbers_fit(number: str) -> None:
    """Published numbers of well-known companies have a fitting check digit; every other last digit does not."""
    assert business_number_fits(number)
    assert 1 == sum(business_number_fits(f"{number[:9]}{last}") for last in range(10))


def test_a_lane_is_found_by_name() -> None:
    """The terminal of a lane is looked up here; an unknown lane has none."""
    store = load_store(SHIPPED)

    assert store.lanes[0] is store.lane("1")
    assert store.lane("2") is None

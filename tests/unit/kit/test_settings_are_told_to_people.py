"""Every setting says what it is, of what kind, within which limits; and what people write is read as they mean it."""

from __future__ import annotations

import re

import pytest
from msgspec import Struct

from tpayd.device_broker.settings import DeviceBrokerSettings
from tpayd.gateway.settings import GatewaySettings
from tpayd.host_link.settings import HostLinkSettings
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.kit.settings_desk import guide, leaves
from tpayd.kit.settings_desk.leaves import Leaf, UnknownSettingError, leaf_at, read_value
from tpayd.kit.store_settings import StoreSettings
from tpayd.log_shipper.settings import LogShipperSettings
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.terminals import PREVENTION
from tpayd.updater.settings import UpdaterSettings
from tpayd_contracts.settings import SETTINGS_FILES, SettingKind

FILES: dict[str, type[Struct]] = {
    "store": StoreSettings,
    "gateway": GatewaySettings,
    "transaction": TransactionSettings,
    "device_broker": DeviceBrokerSettings,
    "host_link": HostLinkSettings,
    "key_manager": KeyManagerSettings,
    "updater": UpdaterSettings,
    "log_shipper": LogShipperSettings,
}
ELSEWHERE = {("transaction", PREVENTION)}
ALL = [(file, leaf) for file, kind in FILES.items() for leaf in leaves(kind)]


def test_every_file_has_its_owner() -> None:
    """The contract's list is the whole list."""
    assert SETTINGS_FILES.keys() == FILES.keys()


@pytest.mark.parametrize(("file", "leaf"), ALL, ids=[f"{file}.{leaf.path}" for file, leaf in ALL])
def test_it_says_what_it_is(file: str, leaf: Leaf) -> None:
    """By the guide, or by the words at its declaration."""
    assert guide().note(file, leaf.path).en or leaf.doc
    assert leaf.kind in SettingKind


def test_the_guide_speaks_of_no_setting_that_is_gone() -> None:
    """A note whose setting was renamed would be lost in silence."""
    known = {(file, leaf.path) for file, leaf in ALL} | ELSEWHERE
    spoken = [(file, pattern) for file, notes in guide().files.items() for pattern in notes if file != "*"]
    gone = [
        (file, pattern)
        for file, pattern in spoken
        if not any(file == at and re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]+"), path) for at, path in known)
    ]
    assert [] == gone


@pytest.mark.parametrize("preset", guide().presets)
def test_a_preset_names_settings_that_are_there(preset: str) -> None:
    """And switches of them."""
    for file, values in guide().presets[preset].items():
        for path, value in values.items():
            assert (SettingKind.SWITCH, bool) == (leaf_at(FILES[file], path).kind, type(value))


def test_the_printed_preset_is_the_defaults() -> None:
    """What the manual prints is what a new instance has."""
    for file, values in guide().presets["printed"].items():
        assert values == {path: leaf_at(FILES[file], path).default for path in values}


@pytest.mark.parametrize(
    ("file", "path", "text", "value"),
    [
        ("transaction", "card_wait_s", "45", 45.0),
        ("transaction", "card_wait_s", "4.5e1", 45.0),
        ("transaction", "signature", "off", "off"),
        ("transaction", "signature", '"off"', "off"),
        ("transaction", "close_at", "22:30", "22:30"),
        ("transaction", "close_at", '""', ""),
        ("transaction", "standalone", "true", True),
        ("store", "merchant.business_number", "1048658278", "1048658278"),
        ("store", "merchant.name", "모퉁이 가게", "모퉁이 가게"),
        ("transaction", "reversal_waits_s", "[1, 2.5]", [1, 2.5]),
        ("store", "lanes.1.terminal_id", "TPAY0009", "TPAY0009"),
    ],
)
def test_a_value_is_read_as_it_is_meant(file: str, path: str, text: str, value: object) -> None:
    """TOML, or the bare text where a text is wanted."""
    found = read_value(leaf_at(FILES[file], path), text)
    assert (value, type(value)) == (found, type(found))


@pytest.mark.parametrize("text", ["maybe", "tru", "1\nlog_level = 1", "[", ""])
def test_what_is_no_value_is_refused(text: str) -> None:
    """Also what would smuggle a second setting in."""
    with pytest.raises(ValueError, match="TOML"):
        read_value(leaf_at(TransactionSettings, "standalone"), text)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("card_wiat_s", "card_wait_s"),
        ("addresses", "profiles.live.addresses"),
        ("profiles.live.tls.enable", "profiles.live.tls.enabled"),
        ("a..b", ""),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(path: str, hint: str) -> None:
    """Of the file that was asked."""
    kind = TransactionSettings if path == "card_wiat_s" else HostLinkSettings
    with pytest.raises(UnknownSettingError) as refused:
        leaf_at(kind, path)
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("file", "path", "limits", "unit"),
    [
        ("transaction", "card_wait_s", "above 0, up to 100", "s"),
        ("transaction", "journal_keep_days", "0 to 36,500", "days"),
        ("transaction", "no_signature_limit_minor", None, "KRW"),
        ("gateway", "tcp_port", "0 to 65,535", ""),
        ("store", "merchant.name", "1 to 40 characters", ""),
    ],
)
def test_limits_and_units_are_told(file: str, path: str, limits: str | None, unit: str) -> None:
    """As people read them."""
    leaf = leaf_at(FILES[file], path)
    assert (limits or leaf.limits, unit) == (leaf.limits, leaf.unit)

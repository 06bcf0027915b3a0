"""What fits which reader, what is asked, and what is refused and why: the table, row by row."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.harness.firmware import Firmware
from tpayd.kit.instance import Instance
from tpayd.updater.errors import DescriptionError, UpdateError
from tpayd.updater.firmware.choosing import (
    FAMILIES,
    Choice,
    ModeRefusedError,
    ReaderFacts,
    check_mode,
    choose,
    is_too_old,
)
from tpayd.updater.firmware.description import FirmwareDescription, version_key
from tpayd.updater.firmware.offers import Offers
from tpayd.updater.settings import UpdaterSettings
from tpayd.updater.source import repository
from tpayd_contracts.firmware import FirmwareVerdict

NEWEST, UPDATE, ASK, REFUSED = (
    FirmwareVerdict.NEWEST, FirmwareVerdict.UPDATE, FirmwareVerdict.ASK_MODE, FirmwareVerdict.REFUSED,
)  # fmt: skip
DAEMON = "0.1.0"


def offer(version: str, *, model: str = "SCSPRO-100", mode: str = "RS232", **changed: object) -> FirmwareDescription:
    vendor = model.partition("-")[0].lower()
    made = Firmware(version, model, mode)
    content = made.description(vendor=vendor, **changed)
    return FirmwareDescription.parse(content, f"firmware/{vendor}/{made.name}.json")


SCSPRO = (offer("01.01"), offer("01.02"), offer("01.02", mode="USB"))
DUALI = (offer("02.05", model="DUALI-77", mode="any"),)
ALL = (*SCSPRO, *DUALI)


def facts(firmware: str = "01.00", **more: Any) -> ReaderFacts:
    return ReaderFacts(**{"name": "front", "model": "SCSPRO-100", "firmware": firmware} | more)


def chosen(reader: ReaderFacts, *, daemon: str = DAEMON, **how: Any) -> Choice:
    return choose(reader, how.pop("offers", ALL), FAMILIES, daemon, **how)


def test_duali_and_titeng_are_not_asked() -> None:
    reader = facts(model="DUALI-77")
    choice = chosen(reader)
    assert (UPDATE, "02.05", "duali", ()) == (
        choice.verdict, choice.offer and choice.offer.version, choice.vendor, choice.modes,
    )  # fmt: skip
    titeng = (offer("02.05", model="TITENG-1", mode="any"),)
    assert UPDATE is choose(facts(model="TITENG-1"), titeng, FAMILIES, DAEMON).verdict


def test_scspro_is_asked_the_first_time_that_its_firmware_is_not_the_newest() -> None:
    assert NEWEST is chosen(facts("01.02")).verdict
    asked = chosen(facts("01.00", reported_mode="USB"))
    assert (ASK, ("RS232", "USB")) == (asked.verdict, asked.modes)
    assert "it says USB itself" in asked.text
    remembered = chosen(facts("01.00", remembered_mode="USB", reported_mode="USB"))
    assert (UPDATE, "USB") == (remembered.verdict, remembered.offer and remembered.offer.mode)


def test_a_mode_that_the_reader_denies_is_refused() -> None:
    choice = chosen(facts(remembered_mode="RS232", reported_mode="USB"))
    assert (REFUSED, None) == (choice.verdict, choice.offer)
    assert "it is in mode USB, and RS232 was told before" in choice.text
    assert REFUSED is chosen(facts(remembered_mode="RS232", reported_mode="USB", boot_loader=True)).verdict


@pytest.mark.parametrize(
    ("reader", "how", "verdict", "text"),
    [
        (facts(able=False), {}, REFUSED, "offers no firmware updates"),
        (facts(model="ACME-1"), {}, REFUSED, "no vendor is known for the model ACME-1"),
        (facts(model=""), {}, REFUSED, "(it tells none)"),
        (facts(model="SCSPRO-999"), {}, NEWEST, "no firmware is offered for SCSPRO-999"),
        (facts(), {"offers": ()}, NEWEST, "no firmware is offered"),
        (facts("01.03"), {}, NEWEST, "has the newest firmware, 01.03"),
        (facts(remembered_mode="BLE"), {}, REFUSED, "in mode BLE"),
        (facts("BOOT", boot_loader=True, model="SCSPRO-999"), {}, REFUSED, "ask its vendor"),
        (facts("BOOT", boot_loader=True, remembered_mode="USB"), {}, UPDATE, "only its boot loader; 01.02 is offered"),
        (facts("BOOT", boot_loader=True), {}, ASK, "tell first"),
        (facts(remembered_mode="RS232"), {"wanted": "01.01"}, UPDATE, "01.01 is offered"),
        (facts(remembered_mode="RS232"), {"wanted": "09.99"}, REFUSED, "09.99 is not offered"),
        (facts("01.02", remembered_mode="RS232"), {"wanted": "01.01"}, REFUSED, "takes no older firmware"),
        (facts("01.02", remembered_mode="RS232"), {"wanted": "01.02"}, NEWEST, "has 01.02 already"),
        (facts("01.02", remembered_mode="RS232"), {"wanted": "01.02", "again": True}, UPDATE, "01.02 is offered"),
        (facts("01.02", remembered_mode="RS232"), {"again": True}, UPDATE, "01.02 is offered"),
        (facts("01.02", remembered_mode="RS232"), {"again": True, "wanted": "01.01"}, REFUSED, "older"),
    ],
)
def test_the_table(reader: ReaderFacts, how: dict[str, Any], verdict: FirmwareVerdict, text: str) -> None:
    choice = chosen(reader, **how)
    assert verdict is choice.verdict
    assert text in choice.text
    assert (choice.verdict is UPDATE) <= (choice.offer is not None)


def test_an_image_that_needs_a_newer_daemon_waits_for_it() -> None:
    """What is older, and still newer than the reader's, is brought meanwhile."""
    young = offer("01.03", min_daemon="0.2.0")
    reader = facts(remembered_mode="RS232", reported_mode="RS232")
    before = chosen(reader, offers=(*SCSPRO, young))
    assert (UPDATE, "01.02") == (before.verdict, before.offer and before.offer.version)
    only = chosen(facts("01.02", remembered_mode="RS232"), offers=(*SCSPRO, young))
    assert (REFUSED, True) == (only.verdict, "01.03 needs tpayd 0.2.0, and 0.1.0 runs here" in only.text)
    after = chosen(reader, offers=(*SCSPRO, young), daemon="0.2.0")
    assert (UPDATE, "01.03") == (after.verdict, after.offer and after.offer.version)


def test_another_vendors_image_is_never_chosen() -> None:
    """The vendor's name in the description is that of the role that signed it: the path says so."""
    stranger = msgspec.structs.replace(offer("09.00"), vendor="duali")
    assert NEWEST is chosen(facts("01.02", remembered_mode="RS232"), offers=(*SCSPRO, stranger)).verdict


def test_scspro_gets_nothing_that_is_for_any_mode() -> None:
    loose = offer("01.09", mode="any")
    choice = chosen(facts(remembered_mode="RS232", reported_mode="RS232"), offers=(*SCSPRO, loose))
    assert (UPDATE, "01.02") == (choice.verdict, choice.offer and choice.offer.version)
    assert REFUSED is chosen(facts(model="DUALI-77"), offers=(offer("02.05", model="DUALI-77", mode="USB"),)).verdict


@pytest.mark.parametrize(
    ("reader", "mode", "text"),
    [
        (facts(reported_mode="USB"), "RS232", "says that it is in mode USB: firmware for RS232 would end it"),
        (facts(), "BLE", "no firmware for SCSPRO-100 is made for mode BLE; there is: RS232, USB"),
        (facts(model="DUALI-77"), "USB", "has but one communication mode"),
        (facts(model="ACME"), "USB", "has but one communication mode"),
    ],
)
def test_a_mode_is_checked_before_it_is_remembered(reader: ReaderFacts, mode: str, text: str) -> None:
    with pytest.raises(ModeRefusedError, match=text):
        check_mode(reader, FAMILIES, ("RS232", "USB"), mode)


def test_a_mode_that_agrees_is_taken() -> None:
    check_mode(facts(reported_mode="USB"), FAMILIES, ("RS232", "USB"), "USB")
    check_mode(facts(), FAMILIES, ("RS232", "USB"), "RS232")
    check_mode(facts(), FAMILIES, (), "RS232")


def test_versions_are_ordered_by_number() -> None:
    told = ["01.02", "1.9", "01.10", "2.0", "01.02"]
    assert ["01.02", "01.02", "1.9", "01.10", "2.0"] == sorted(told, key=version_key)
    assert (True, False, False) == (
        is_too_old("0.1.0", "0.1.1"), is_too_old("0.2.0.dev1", "0.2.0"), is_too_old("1.0.0", "0.9.9"),
    )  # fmt: skip


TARGET = "firmware/scspro/SCSPRO-100-RS232-01.02.json"


@pytest.mark.parametrize(
    "changed",
    [
        {"format": 2}, {"vendor": "duali"}, {"model": "SCSPRO-200"}, {"mode": "USB"}, {"version": "01.03"},
        {"image": "../../etc/passwd"}, {"image": "a/b.bin"}, {"size_bytes": 0}, {"size_bytes": 1 << 30},
        {"sha256": "00"}, {"sha256": "Z" * 64}, {"ticket": ""}, {"vendor_key": "00" * 31}, {"min_daemon": "new"},
        {"min_daemon": None}, {"version": "01.02.03"}, {"model": ""}, {"notes": {"en": "x" * 5000}}, {"notes": 1},
    ],
)  # fmt: skip
def test_a_description_that_does_not_fit_is_refused_by_name(changed: dict[str, object]) -> None:
    with pytest.raises(DescriptionError, match=TARGET):
        FirmwareDescription.parse(Firmware("01.02").description(**changed), TARGET)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"null", b"[" * 100_000, b"\xff", b'{"format": 1}'])
def test_what_is_no_description_is_refused(content: bytes) -> None:
    with pytest.raises(DescriptionError, match=TARGET):
        FirmwareDescription.parse(content, TARGET)


def test_a_field_of_a_later_publisher_is_left_aside() -> None:
    assert "01.02" == FirmwareDescription.parse(Firmware("01.02").description(colour="blue"), TARGET).version


def test_vendors_that_cannot_be_asked_leave_what_was_known(tmp_path: Path) -> None:
    """Without a repository in the settings, or without its root of trust, the reason says what to do."""
    instance = Instance.open(tmp_path / "store")
    for settings, text in (
        (UpdaterSettings(), "no repository of releases is set"),
        (UpdaterSettings(repository_url="http://127.0.0.1:1"), "cannot be read"),
    ):
        offers = Offers(partial(repository, instance, settings))
        with pytest.raises(UpdateError, match=text):
            offers.look(["scspro"])
        assert () == offers.known

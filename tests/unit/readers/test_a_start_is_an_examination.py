"""Whatever a reader says of itself at a start or a test ends in one result, told to whoever waits for it."""

from __future__ import annotations

from tests.harness.clock import FakeClock
from tests.unit.readers.answers import READER_ID
from tpayd.device_broker.drivers.events import CardInside, Clean, Event, Identified, Identity, SelfTested
from tpayd.device_broker.drivers.stx_messages import parse_info
from tpayd.device_broker.drivers.talk import LayoutError
from tpayd.device_broker.examination import Examination, Examiner
from tpayd_contracts.device import Ability

IDENTITY = Identity(READER_ID, "SBX0000001", "01.00", "TPAYD-SANDBOX-1", key_loaded=False)
INFO = f"{READER_ID}SBX000000101.0000".encode()


def examined(*events: Event, lost: str | None = None) -> list[Examination]:
    """What is told, first to who is always told, then to who waited."""
    told: list[Examination] = []
    examiner = Examiner(FakeClock(), told.append)
    examiner.wait(told.append)
    examiner.begin()
    for event in events:
        examiner.told(event)
    if lost is not None:
        examiner.lost(lost)
    assert not examiner.under_way
    assert examiner.last == told[0]
    return told


def test_a_clean_end_is_a_pass_and_a_card_left_inside_is_no_fault() -> None:
    at_ms = FakeClock().unix_ms()
    for end in (Clean(), CardInside()):
        expected = Examination(at_ms, passed=True, identity=IDENTITY)
        assert [expected] * 2 == examined(Identified(IDENTITY), SelfTested(), end)


def test_a_broken_reader_is_told_with_its_own_code() -> None:
    at_ms = FakeClock().unix_ms()
    expected = Examination(at_ms, passed=False, identity=IDENTITY, code="07", problem="broken")
    assert [expected] * 2 == examined(Identified(IDENTITY), SelfTested("07"), lost="broken")


def test_who_waits_for_a_reader_that_cannot_be_opened_is_told_why() -> None:
    told: list[Examination] = []
    examiner = Examiner(FakeClock(), lambda _: None)
    examiner.lost("nobody waits")
    assert examiner.last is None
    examiner.wait(told.append)
    examiner.lost("not there")
    examiner.lost("nobody waits any more")
    assert ["not there"] == [each.problem for each in told]


def test_a_reader_tells_its_abilities_or_keeps_silent_about_them() -> None:
    assert parse_info(INFO).abilities is None
    assert (Ability.IC, Ability.PIN) == parse_info(INFO + b"100001").abilities
    assert () == parse_info(INFO + b"000000").abilities
    for wrong in (INFO[:-1], INFO + b"1", INFO + b"1000010"):
        try:
            parse_info(wrong)
        except LayoutError:
            continue
        raise AssertionError(f"{len(wrong)} bytes were taken")

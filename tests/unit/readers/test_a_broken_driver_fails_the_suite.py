"""A driver with one fault fails the checks that are there for it: a suite that cannot fail proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tpayd.device_broker.drivers import conformance, driver_kind
from tpayd.device_broker.drivers.commands import Command
from tpayd.device_broker.drivers.conformance.__main__ import main
from tpayd.device_broker.drivers.driver import Driver, LineSettings, Turn
from tpayd.device_broker.drivers.events import CardRead, Down, Trouble
from tpayd.device_broker.drivers.neo_card import CardSteps
from tpayd.device_broker.drivers.talk import Talk
from tpayd.device_broker.drivers.talk_driver import TalkDriver


class Wrapped:
    """A driver that behaves, for whoever breaks one thing of it."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    @property
    def clean(self) -> bool:
        return self.driver.clean

    @property
    def busy(self) -> bool:
        return self.driver.busy

    @property
    def card_inside(self) -> bool | None:
        return self.driver.card_inside

    @property
    def deadline_us(self) -> int | None:
        return self.driver.deadline_us

    def ask(self, command: Command, now_us: int) -> Turn:
        return self.turned(self.driver.ask(command, now_us))

    def received(self, data: bytes, now_us: int) -> Turn:
        return self.turned(self.driver.received(data, now_us))

    def tick(self, now_us: int) -> Turn:
        return self.turned(self.driver.tick(now_us))

    def turned(self, turn: Turn) -> Turn:
        return turn


class AlwaysClean(Wrapped):
    @property
    def clean(self) -> bool:
        return self.driver.card_inside is False and not self.driver.busy


class CleanWhileBusy(Wrapped):
    @property
    def clean(self) -> bool:
        return self.driver.card_inside is False


class NeverClean(Wrapped):
    @property
    def clean(self) -> bool:
        return False


class WithoutDeadline(Wrapped):
    @property
    def deadline_us(self) -> int | None:
        return None


class WaitsForEver(Wrapped):
    @property
    def deadline_us(self) -> int | None:
        deadline_us = self.driver.deadline_us
        return None if deadline_us is None else deadline_us + 3_600_000_000


class TellsTwice(Wrapped):
    def turned(self, turn: Turn) -> Turn:
        return Turn(turn.out, [event for event in turn.events for _ in range(1 + isinstance(event, CardRead))])


class TellsText(Wrapped):
    def turned(self, turn: Turn) -> Turn:
        return Turn(turn.out, [*turn.events, "hello"] if turn.events else [])  # type: ignore[list-item]


class HidesTrouble(Wrapped):
    def turned(self, turn: Turn) -> Turn:
        return Turn(turn.out, [event for event in turn.events if not isinstance(event, Trouble)])


class NeverDown(Wrapped):
    def turned(self, turn: Turn) -> Turn:
        return Turn(turn.out, [event for event in turn.events if not isinstance(event, Down)])


class Hoards(Wrapped):
    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self.heard: list[bytes] = []

    def received(self, data: bytes, now_us: int) -> Turn:
        self.heard.append(bytes(bytearray(data)))
        return super().received(data, now_us)


class Stumbles(Wrapped):
    def received(self, data: bytes, now_us: int) -> Turn:
        if data.startswith(b"\xff"):
            raise ValueError("what is this?")
        return super().received(data, now_us)


class ShowsTheMaskedAway(Wrapped):
    def turned(self, turn: Turn) -> Turn:
        shown = [
            event if not isinstance(event, CardRead) else CardRead(
                event.entry_mode, "4761739001010119", event.ksn, event.cipher, event.emv, event.label, None
            )
            for event in turn.events
        ]  # fmt: skip
        return Turn(turn.out, shown)


@dataclass
class Kind:
    make: Callable[[], Driver]
    name: str = "broken"
    line: LineSettings = field(default_factory=LineSettings)

    def create(self) -> Driver:
        return self.make()


FAULTS = [
    (AlwaysClean, "garbage_makes_it_unclean"),
    (AlwaysClean, "a_chip_card_pulled_out_early_has_no_word"),
    (CleanWhileBusy, "cards_are_read"),
    (NeverClean, "it_starts"),
    (NeverClean, "clean_without_a_reset"),
    (WithoutDeadline, "silence_ends_in_down"),
    (WaitsForEver, "cards_are_read"),
    (TellsTwice, "cards_are_read"),
    (TellsText, "it_starts"),
    (HidesTrouble, "garbage_makes_it_unclean"),
    (NeverDown, "silence_ends_in_down"),
    (NeverDown, "a_reader_lost_in_the_middle"),
    (Hoards, "an_endless_frame_is_bounded"),
    (Stumbles, "frames_may_be_joined"),
    (ShowsTheMaskedAway, "cards_are_read"),
]


@pytest.mark.parametrize(("fault", "check"), FAULTS, ids=lambda each: each if isinstance(each, str) else each.__name__)
@pytest.mark.parametrize("name", ["stx", "neo"])
def test_a_fault_is_found(name: str, fault: type[Wrapped], check: str) -> None:
    seat = conformance.Seat(Kind(lambda: fault(driver_kind(name).create())), conformance.peer_factory(name))
    assert breaks(seat, check)


def breaks(seat: conformance.Seat, name: str) -> bool:
    [check] = [check for check in conformance.CHECKS if check.name == name]
    try:
        check.run(seat)
    except (conformance.BrokenPromiseError, ValueError):
        return True
    return False


def seat_of(name: str) -> conformance.Seat:
    return conformance.Seat(driver_kind(name), conformance.peer_factory(name))


def test_a_recovery_that_forgets_no_job_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was called off goes on, and takes the card."""
    monkeypatch.setattr(Talk, "stop", lambda self: None)
    assert breaks(seat_of("stx"), "a_recovery_at_every_point")
    assert breaks(seat_of("neo"), "a_recovery_at_every_point")


def test_an_answer_that_is_taken_without_its_number_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is what tells one customer's answer from another's."""
    steps = CardSteps._read

    def believing(self: CardSteps, command: object, frame: object) -> object:
        answer = steps(self, command, frame)  # type: ignore[arg-type]
        from tpayd.device_broker.drivers.neo_card_messages import sequence_of

        return type(answer)(sequence_of(self._known.nonce), answer.contact, answer.card)

    monkeypatch.setattr(CardSteps, "_read", believing)
    assert breaks(seat_of("neo"), "late_answers_reach_nobody")


def test_a_step_that_does_not_recover_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(self: TalkDriver, job: object) -> object:
        yield from job  # type: ignore[misc]

    monkeypatch.setattr(TalkDriver, "_step", leave)
    assert breaks(seat_of("stx"), "no_card_in_time")


def test_the_command_says_what_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    module = f"{__name__}:HIDES_TROUBLE"
    assert main(["--driver", module, "--peer", "stx", "--only", "garbage_makes_it_unclean"]) == 1
    out = capsys.readouterr().out
    assert "BROKEN  garbage_makes_it_unclean" in out
    assert "garbage is told as Trouble" in out
    assert "0 of 1 promises kept by hides-trouble in " in out


HIDES_TROUBLE = Kind(lambda: HidesTrouble(driver_kind("stx").create()), name="hides-trouble")

"""One reader at work: its port, the driver on the open line, and the step that is under way for a caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from msgspec import structs

from tpayd.device_broker import errors
from tpayd.device_broker.drivers.commands import Cancel, Check, Command, Recover, Start, StepCommand
from tpayd.device_broker.drivers.driver import (
    CommandInvalidError,
    Driver,
    DriverBusyError,
    DriverKind,
    LineSettings,
    Turn,
)
from tpayd.device_broker.drivers.events import (
    Answered,
    Cancelled,
    CardInside,
    CardPulled,
    CardSeen,
    ChoiceAsked,
    Clean,
    Down,
    Event,
    Failure,
    Identified,
    Identity,
    PadShown,
    PinAsked,
    Pulled,
    SlotChanged,
    Trouble,
)
from tpayd.device_broker.examination import Examination, Examiner, OnExamined
from tpayd.device_broker.finding.names import by_serial
from tpayd.device_broker.identity import mismatch
from tpayd.device_broker.port import Port
from tpayd.device_broker.reader_owner import ReaderOwner
from tpayd.device_broker.settings import DeviceBrokerSettings, DeviceSettings
from tpayd.device_broker.steps import Step
from tpayd.kit import crashpoints
from tpayd.kit.bus import CallError
from tpayd.kit.clock import Clock
from tpayd_contracts.device import Ability, DeviceState

__all__ = ["Reader"]

_ANSWERS: frozenset[type] = frozenset(get_args(Answered))
_OF_THE_STEP: frozenset[type] = frozenset({CardSeen, CardPulled, Pulled, PinAsked, ChoiceAsked, PadShown})
"""What happens on the way of a step, and concerns nobody else."""

_DOWN_TEXTS = {
    Failure.NO_ANSWER: "nobody answers on this port: is it the right port, speed and driver, and is the reader on?",
    Failure.REFUSED: "the reader refuses commands: wrong driver?",
    Failure.BAD_ANSWER: "the reader's answers cannot be understood: wrong driver?",
    Failure.NOISE: "noise on the line: check cable and speed",
    Failure.SELF_TEST: "the reader reports itself broken: have it serviced",
    Failure.BOOT_LOADER: "an update of its firmware was cut off, and only its boot loader is left: update it again",
}


class Reader:
    """See the module. Speaks of itself in `identity` and `detail`."""

    def __init__(
        self,
        settings: DeviceSettings,
        kind: DriverKind,
        url: str,
        broker: DeviceBrokerSettings,
        clock: Clock,
        owner: ReaderOwner,
        locate: Callable[[str], str] | None = None,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self.identity: Identity | None = None
        self.detail: str | None = None
        self.step: Step | None = None
        self.card_of = ""
        """The lease under which a card was asked for last."""
        self.kind = kind
        self.leaving = False
        """It is to be closed when its lease is over, and goes to nobody else."""
        self.handed_over = False
        """Its port belongs to an update of its firmware."""
        self.impostor = False
        """Another reader than the configured one answered at its port the last time."""
        self._clock = clock
        self._owner = owner
        self._examiner = Examiner(clock, lambda examination: owner.on_examined(self, examination))
        self._driver: Driver | None = None
        self._failed = False
        self._cancelling = False
        self._clean_wanted = False
        self._heard_us = 0
        self._idle_us = int(broker.idle_check_s * 1e6)
        line = kind.line
        if settings.baud is not None:
            line = LineSettings(settings.baud, line.parity, line.stop_bits)
        self.baud = line.baud
        self.port = Port(
            url, line, self, reopen_min_s=broker.reopen_min_s, reopen_max_s=broker.reopen_max_s, locate=locate
        )

    @property
    def expected_number(self) -> str:
        """The serial number that it must report; empty: any."""
        return self.settings.serial_number or by_serial(self.settings.port)

    @property
    def lacking(self) -> tuple[Ability, ...]:
        """Abilities that it is configured with and does not have, by its own word."""
        told = None if self.identity is None else self.identity.abilities
        return () if told is None else tuple(ability for ability in self.settings.abilities if ability not in told)

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What it is lent for: what it is configured with and has."""
        lacking = self.lacking
        return tuple(ability for ability in self.settings.abilities if ability not in lacking)

    @property
    def clean(self) -> bool:
        """Whether it may go to a new customer just as it is (see `drivers.driver`)."""
        return self._driver is not None and self._driver.clean and self.step is None and not self.leaving

    @property
    def card_inside(self) -> bool | None:
        """Whether a card is in the slot, by the reader's last word."""
        return None if self._driver is None else self._driver.card_inside

    @property
    def examined(self) -> Examination | None:
        """What came of its last start or test."""
        return self._examiner.last

    def start(self) -> None:
        self.port.start()

    def close(self) -> None:
        self.port.close()

    def step_aside(self) -> bool:
        """Leave the port to a search until `start`, unless the reader is in service or just starting."""
        if self.handed_over or (self._driver is not None and not self._failed):
            return False
        self._driver = None
        self.port.pause()
        return True

    def hand_over(self, why: str) -> None:
        """Leave the port to an update of the firmware until `take_back`, whatever state it is in; nobody has it."""
        self.handed_over = True
        self._driver = None
        self.port.pause()
        self.detail = why
        self._examiner.lost(why)
        self._owner.on_unclean(self, DeviceState.ABSENT)

    def take_back(self) -> None:
        """Open the port again and start the reader, as another one than it was."""
        self.handed_over = self._failed = False
        self.identity = None
        self._owner.on_unclean(self, DeviceState.ABSENT)
        self.port.start()

    def look(self) -> None:
        """To be called about once a second."""
        self.port.look()

    def tick(self, now_us: int, now_boot_ms: int) -> None:
        """To be called often: how late a wait may end. `now_boot_ms` is what requests' deadlines are told in."""
        driver = self._driver
        if driver is None:
            return
        deadline_us = driver.deadline_us
        if deadline_us is not None and now_us >= deadline_us:
            self._follow(driver.tick(now_us), now_us)
        step = self.step
        if step is None:
            return
        if step.can_be_abandoned and step.request.deadline_ms <= now_boot_ms:
            self.cancel(step)
        else:
            step.tick(now_us)

    def check_if_silent(self, now_us: int) -> None:
        """Ask a reader in the pool that has said nothing for long whether it is there."""
        driver = self._driver
        if driver is not None and now_us - self._heard_us >= self._idle_us and not driver.busy:
            self._ask(driver, Check(), now_us)

    def examine(self, on_examined: OnExamined) -> None:
        """Identify and test the reader now; one that is not there, as soon as its port is tried again.

        A reader that fails is lost, as at its start. Raises CallError (`busy`) while it has a step under way.
        """
        driver = self._driver
        if self.handed_over:
            raise errors.reader_busy(self.name)
        if driver is None or self._examiner.under_way:
            self._examiner.wait(on_examined)
            return
        if self.step is not None or driver.busy:
            raise errors.reader_busy(self.name)
        self._examiner.wait(on_examined)
        self._start(driver, self._clock.monotonic_us())

    # Steps

    def begin(self, step: Step, command: StepCommand, now_us: int) -> None:
        """Take the reader through a step; the step answers its request. Raises CallError."""
        driver = self._driver
        if driver is None:
            raise errors.reader_lost(self.name, step.outcome_if_lost)
        if self.step is not None:
            raise errors.reader_busy(self.name)
        self.step = step
        try:
            turn = driver.ask(command, now_us)
        except DriverBusyError:
            self.step = None
            raise errors.reader_busy(self.name) from None
        except CommandInvalidError as error:
            self.step = None
            raise errors.does_not_fit(error) from None
        self._follow(turn, now_us)

    def cancel(self, step: Step) -> None:
        """End this step, if it is under way, because its caller wants no more of it."""
        if step is not self.step:
            return
        if not step.is_aside:
            self.abandon(errors.cancelled())
            return
        self.step = None
        step.dropped(errors.cancelled())
        if self._driver is not None:
            self._cancelling = True
            self._ask(self._driver, Cancel(), self._clock.monotonic_us())

    def abandon(self, error: CallError) -> None:
        """End the step under way with an error, and bring the reader back to a known state."""
        step, self.step = self.step, None
        if step is None:
            return
        step.dropped(error)
        if self._driver is not None:
            self._ask(self._driver, Recover(), self._clock.monotonic_us())

    def make_clean(self) -> None:
        """Bring an unclean reader back, if that is not under way already; `on_clean` follows."""
        driver = self._driver
        if self.leaving:
            return
        if self._cancelling:
            self._clean_wanted = True
        elif driver is not None and not driver.busy:
            self._ask(driver, Check(), self._clock.monotonic_us())

    def key_in_doubt(self) -> None:
        """A key is being handed to it."""
        if self.identity is not None:
            self.identity = structs.replace(self.identity, key_check_value=None)

    def holds_key(self, check_value: str | None) -> None:
        """A key was confirmed by the reader; its check value, where it told one."""
        if self.identity is not None:
            self.identity = structs.replace(self.identity, key_loaded=True, key_check_value=check_value)

    # What the port tells

    def on_open(self) -> None:
        now_us = self._clock.monotonic_us()
        self._heard_us = now_us
        self._driver = driver = self.kind.create()
        self._cancelling = self._clean_wanted = False
        if not self._failed:
            # One that failed to start stays absent until it has started, instead of changing at every try.
            self._owner.on_unclean(self, DeviceState.STARTING)
        self._start(driver, now_us)

    def on_data(self, data: bytes) -> None:
        driver = self._driver
        if driver is None:
            return
        crashpoints.passing("port.after_read")
        now_us = self._heard_us = self._clock.monotonic_us()
        self._follow(driver.received(data, now_us), now_us)

    def on_lost(self, why: str) -> None:
        self.detail = f"{self.settings.port}: {why}"
        self._driver = None
        self._examiner.lost(self.detail)
        step, self.step = self.step, None
        if step is not None:
            step.dropped(errors.reader_lost(self.name, step.outcome_if_lost))
        self._owner.on_unclean(self, DeviceState.ABSENT)

    # How

    def _start(self, driver: Driver, now_us: int) -> None:
        self._examiner.begin()
        self._ask(driver, Start(local_time(self._clock)), now_us)

    def _ask(self, driver: Driver, command: Command, now_us: int) -> None:
        self._follow(driver.ask(command, now_us), now_us)

    def _follow(self, turn: Turn, now_us: int) -> None:
        if turn.out:
            self.port.write(turn.out)
        driver = self._driver
        for event in turn.events:
            if self._driver is not driver:
                return  # an event before this one has ended the line
            kind = type(event)
            if kind in _ANSWERS:
                self._take_answer(event, now_us)  # type: ignore[arg-type]  # just found to be one
            elif (kind in _OF_THE_STEP or self._heed(event)) and self.step is not None:
                self.step.told(event, now_us)
            if self._examiner.under_way:
                self._examiner.told(event)

    def _heed(self, event: Event) -> bool:
        """What concerns the reader itself; False: the line has been closed for it."""
        match event:
            case Cancelled():
                self._cancelled()
            case Clean():
                self._clean_again()
            case CardInside():
                self.detail = "a card is inside: take it out"
                self._owner.on_unclean(self, DeviceState.QUARANTINE)
            case SlotChanged(occupied=True):
                self._owner.on_unclean(self, DeviceState.QUARANTINE)
            case Identified():
                self._identified(event.identity)
            case Down():
                self._failed = True
                text = _DOWN_TEXTS[event.why]
                self.port.drop(f"{text} ({event.detail})" if event.detail else text)
                return False
            case Trouble():
                self._owner.on_trouble(self, event.kind)
            case _:
                pass
        return True

    def _clean_again(self) -> None:
        self._cancelling = self._clean_wanted = False
        self.detail = None
        self._failed = False
        self.port.settled()
        if not self.leaving:
            self._owner.on_clean(self)

    def _identified(self, identity: Identity) -> None:
        self.identity = identity
        wrong = mismatch(self.settings, self.expected_number, identity)
        self.impostor = wrong is not None
        if wrong is not None:
            self._failed = True
            self.port.drop(wrong)
            return
        self._owner.on_identified(self)

    def _cancelled(self) -> None:
        wanted, self._cancelling, self._clean_wanted = self._clean_wanted, False, False
        if wanted:
            self.make_clean()

    def _take_answer(self, event: Answered, now_us: int) -> None:
        step, self.step = self.step, None
        if step is not None:
            crashpoints.passing("reader.before_answer")
            step.ended(event, now_us)


def local_time(clock: Clock) -> str:
    """The store's local time as readers want it."""
    return clock.local().strftime("%Y%m%d%H%M%S")

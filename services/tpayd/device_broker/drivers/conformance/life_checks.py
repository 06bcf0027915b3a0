"""Checks of a driver's life: start, silence, recovery, one command at a time, time."""

from __future__ import annotations

from tpayd.device_broker.drivers.commands import Cancel, Check, Recover, Start
from tpayd.device_broker.drivers.conformance.bench import Bench, promised
from tpayd.device_broker.drivers.conformance.suite import AT, FINISH, Seat, check, read_command, told
from tpayd.device_broker.drivers.driver import CommandInvalidError, DriverBusyError
from tpayd.device_broker.drivers.events import (
    CardInside,
    CardRead,
    CardTimedOut,
    Clean,
    Down,
    Failure,
    Identified,
    SelfTested,
)

__all__: list[str] = []

_READER_ID_MAX = 32


@check
def it_starts(seat: Seat) -> None:
    """A start identifies the reader, tells its self-test, and ends clean."""
    bench = seat.fresh()
    promised(not bench.driver.clean, "on a line just opened nothing is known, so it is not clean")
    events = bench.ask(Start(AT))
    kinds = [type(event) for event in events]
    promised(kinds == [Identified, SelfTested, Clean], f"a start tells Identified, SelfTested, Clean, not {events}")
    [identified] = [event for event in events if isinstance(event, Identified)]
    identity = identified.identity
    promised(0 < len(identity.reader_id) <= _READER_ID_MAX, "reader_id has 1 to 32 characters")
    promised(bool(identity.serial_number and identity.firmware and identity.model), "identity says who the reader is")
    promised(identity.key_loaded, "the peer has a key, and identity says so")
    promised(bench.driver.card_inside is False, "the reader has said that its slot is empty")


@check
def it_starts_again(seat: Seat) -> None:
    """A reader that is examined again comes to the same end."""
    bench = seat.started()
    promised(Clean() in bench.ask(Start(AT)), "a second start ends with Clean")


@check
def silence_ends_in_down(seat: Seat) -> None:
    """A reader that says nothing is down after bounded waits and tries, and then left alone."""
    for command in (Start(AT), Recover(), Check()):
        bench = seat.fresh()
        bench.deaf = True
        began_us = bench.now_us
        bench.ask(command)
        events = bench.pass_time()
        downs = [event for event in events if isinstance(event, Down)]
        promised([event.why for event in downs] == [Failure.NO_ANSWER], f"silence ends with Down, not {events}")
        promised(not bench.driver.busy, "after Down it waits for nothing")
        promised(bench.now_us - began_us <= 60_000_000, "a silent reader is given up within a minute")
        sent = bench.sent
        bench.pass_time()
        promised(bench.sent == sent, "after Down it sends nothing by itself")


@check
def it_comes_back_from_silence(seat: Seat) -> None:
    """After Down a recovery brings the reader back as soon as it answers."""
    bench = seat.fresh()
    bench.deaf = True
    bench.ask(Start(AT))
    bench.pass_time()
    bench.deaf = False
    promised(Clean() in bench.ask(Recover()) + bench.pass_time(), "a recovery ends with Clean")


@check
def an_idle_reader_is_checked(seat: Seat) -> None:
    """A check of a clean reader ends with Clean, and of one that fell silent with Down."""
    bench = seat.started()
    promised([Clean()] == bench.ask(Check()), "a check of a clean reader tells Clean")
    bench.deaf = True
    bench.ask(Check())
    promised(any(isinstance(event, Down) for event in bench.pass_time()), "a check of a silent reader ends with Down")


@check
def ticks_are_harmless(seat: Seat) -> None:
    """Before its deadline a tick changes nothing, busy or idle."""
    bench = seat.started()
    for busy in (False, True):
        if busy:
            bench.ask(read_command(1))
        deadline_us, clean = bench.driver.deadline_us, bench.driver.clean
        for _ in range(3):
            turn = bench.driver.tick(bench.now_us)
            promised(turn.out == b"" and not turn.events, "a tick before the deadline gives nothing")
        promised((deadline_us, clean) == (bench.driver.deadline_us, bench.driver.clean), "and changes nothing")


@check
def one_command_waits(seat: Seat) -> None:
    """Behind the command under way one may wait, a further one is refused, and a recovery ends both."""
    bench = seat.started()
    bench.deaf = True
    bench.ask(Check())
    bench.ask(read_command(1))
    try:
        bench.driver.ask(read_command(2), bench.now_us)
    except DriverBusyError:
        pass
    else:
        promised(False, "a second waiting command raises DriverBusyError")
    bench.deaf = False
    promised(Clean() in bench.ask(Recover()) + bench.pass_time(), "a recovery ends both and comes back clean")
    _nothing_answers(bench)


@check
def a_card_belongs_to_the_command_that_waits(seat: Seat) -> None:
    """A card that a check finds inside is left to the read that waits behind it."""
    if "ic" not in seat.ways:
        return
    bench = seat.started()
    bench.ask(read_command(1))
    bench.present("ic", stays=True)
    bench.ask(FINISH)
    promised(not bench.driver.clean, "with the last customer's card still inside it is not clean")
    began = len(bench.events)
    out = bench.begin(Check())
    promised(bench.begin(read_command(2)) == b"", "a waiting command sends nothing yet")
    bench.carry(out)
    events = bench.events[began:]
    promised(CardInside() not in events, "nobody is told to take the card out")
    told(events, CardRead)


@check
def no_card_in_time(seat: Seat) -> None:
    """A customer who presents nothing is given up after his time, and the reader is reset and clean."""
    bench = seat.started()
    bench.ask(read_command(1))
    began_us = bench.now_us
    events = bench.pass_time()
    promised([CardTimedOut(), Clean()] == events, f"it tells CardTimedOut and Clean, not {events}")
    waited_s = (bench.now_us - began_us) // 1_000_000
    promised(29 <= waited_s <= 60, f"he has the time that the command gives him, not {waited_s} s of 30")
    promised(bench.driver.clean, "and it is clean")


@check
def a_card_left_inside_is_waited_for(seat: Seat) -> None:
    """With a card inside it tells CardInside and is not clean; Clean comes when the reader says that it is out."""
    if "ic" not in seat.ways:
        return
    bench = seat.started()
    bench.ask(read_command(1))
    bench.present("ic", stays=True)
    events = bench.ask(Recover()) + bench.pass_time(5_000_000)
    promised(CardInside() in events and Clean() not in events, f"it tells CardInside and no Clean, not {events}")
    promised(not bench.driver.clean and bench.driver.card_inside is True, "it is not clean, and knows of the card")
    bench.take_out()
    bench.pass_time(5_000_000)
    promised(Clean() in bench.events[-3:] and bench.driver.clean, "with the card out it is clean")


@check
def the_last_word_needs_a_card(seat: Seat) -> None:
    """Without a chip card that waits for it a last word is refused, and nothing is sent."""
    bench = seat.started()
    sent = bench.sent
    try:
        bench.driver.ask(FINISH, bench.now_us)
    except CommandInvalidError:
        pass
    else:
        promised(False, "a FinishCard without a card raises CommandInvalidError")
    promised(bench.sent == sent and bench.driver.clean, "nothing was sent, and it is as clean as before")


@check
def a_cancel_without_an_entry_is_over_at_once(seat: Seat) -> None:
    """A cancel with nothing to cancel comes to an end, and the reader is usable."""
    bench = seat.started()
    bench.ask(Cancel())
    bench.pass_time()
    promised(not bench.driver.busy, "it is over")
    promised(Clean() in bench.ask(Check()) + bench.pass_time(), "and the reader is well")


def _nothing_answers(bench: Bench) -> None:
    sent, events = bench.sent, len(bench.events)
    bench.pass_time()
    promised(sent == bench.sent and events == len(bench.events), "and nothing of them comes later")

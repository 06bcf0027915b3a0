"""Checks of what the money depends on: whose card it is, and that nothing of a customer is left."""

from __future__ import annotations

from tpayd.device_broker.drivers.commands import (
    Cancel,
    EnterNumber,
    EnterPin,
    InjectKey,
    PadCommand,
    PrepareKey,
    ReadCode,
    Recover,
    ShowMessage,
    Sign,
)
from tpayd.device_broker.drivers.commands import Check as CheckCommand
from tpayd.device_broker.drivers.conformance.bench import ANSWERS, Bench, promised
from tpayd.device_broker.drivers.conformance.suite import AT, CARD_WAIT_US, FINISH, Seat, check, read_command, told
from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import (
    CardFinished,
    CardRead,
    CardSeen,
    Down,
    Failed,
    KeyInjected,
    KeyPrepared,
)
from tpayd_contracts.payment import EntryMode

__all__: list[str] = []

_MODES = {"ic": EntryMode.IC, "contactless": EntryMode.CONTACTLESS, "stripe": EntryMode.STRIPE}
_NONCE = "0123456789ABCDEF" * 2
_PAD_COMMANDS: tuple[PadCommand, ...] = (
    Sign(1000, ("sign",), _NONCE, CARD_WAIT_US),
    EnterNumber(("number",), 4, 11, _NONCE, CARD_WAIT_US),
    EnterPin(("PIN",), 4, 6, _NONCE, CARD_WAIT_US),
    ReadCode(or_card=False, nonce=_NONCE, wait_us=CARD_WAIT_US),
    ShowMessage(("hello",)),
)
_POINTS = 100
"""How many moments of a conversation are tried."""


def _points(size: int) -> range:
    return range(0, size + 1, max(1, size // _POINTS))


def _sale(bench: Bench, customer: int, way: str, *, stays: bool = False) -> CardRead:
    """A card read to its end: with the last word for a chip card."""
    began = len(bench.events)
    bench.ask(read_command(customer))
    bench.present(way, stays=stays)
    card = told(bench.events[began:], CardRead)
    if card.entry_mode is EntryMode.IC:
        bench.ask(FINISH)
    return card


@check
def cards_are_read(seat: Seat) -> None:
    """A card is read in each way that the reader has: seen first, masked for people, encrypted for the host."""
    for way in seat.ways:
        bench = seat.started()
        bench.ask(read_command(1))
        events = bench.present(way)
        card = told(events, CardRead)
        promised(CardSeen() in events[: events.index(card)], "CardSeen comes before the card")
        promised(card.entry_mode is _MODES[way], f"a card by {way} is told as that, not as {card.entry_mode}")
        promised(card.masked_pan.strip("0123456789") != "", "the card number is masked")
        promised(sum(char.isdigit() for char in card.masked_pan) <= 10, "at most BIN6 and the last four show")
        promised(bool(card.ksn and card.cipher), "it has a key serial number and a cipher")


@check
def clean_without_a_reset(seat: Seat) -> None:
    """After a card that needs no word, and after a chip card's last word, the next customer may come at once."""
    for way in seat.ways:
        bench = seat.started()
        _sale(bench, 1, way)
        promised(bench.driver.clean, f"after a card by {way} it is clean by itself")


@check
def a_chip_card_waits_for_its_word(seat: Seat) -> None:
    """Between a chip card and its last word it is not clean; the word is told once."""
    if "ic" not in seat.ways:
        return
    for approved in (True, False):
        bench = seat.started()
        bench.ask(read_command(1))
        bench.present("ic")
        promised(not bench.driver.clean, "before its last word it is not clean")
        word = FINISH if approved else type(FINISH)(False, "51", b"", b"", AT)
        finished = [event for event in bench.ask(word) if isinstance(event, CardFinished)]
        promised(len(finished) == 1 and finished[0].accepted, "the card does as the host says, and that is told once")
        promised(bench.driver.clean, "then it is clean")


@check
def a_chip_card_pulled_out_early_has_no_word(seat: Seat) -> None:
    """A chip card that is pulled out before its word leaves the reader unclean, and no word is told for it."""
    if "ic" not in seat.ways:
        return
    bench = seat.started()
    bench.ask(read_command(1))
    bench.present("ic", stays=True)
    bench.take_out()
    promised(not bench.driver.clean, "it is not clean: nobody has told the card how it ended")
    events = bench.ask(FINISH) + bench.pass_time()
    answers = [event for event in events if type(event) in ANSWERS]
    words = [event for event in answers if isinstance(event, CardFinished) and event.accepted]
    promised(len(answers) == 1 and not words, f"a card that is gone has accepted nothing, but it told {events}")
    _is_well_again(bench)


@check
def a_last_word_that_does_not_come(seat: Seat) -> None:
    """A reader that falls silent at the last word is told as Failed, and never as a word."""
    if "ic" not in seat.ways:
        return
    bench = seat.started()
    bench.ask(read_command(1))
    bench.present("ic")
    bench.deaf = True
    events = bench.ask(FINISH) + bench.pass_time()
    kinds = [type(event) for event in events if type(event) in ANSWERS]
    promised(kinds == [Failed], f"it tells Failed alone, not {events}")
    promised(not bench.driver.clean, "and it is not clean")


@check
def a_reader_lost_in_the_middle(seat: Seat) -> None:
    """A reader that falls silent with a card is told as Failed, then Down."""
    for way in seat.ways:
        bench = seat.started()
        bench.ask(read_command(1))
        bench.line = lambda _: ()
        bench.present(way)
        bench.deaf = True
        events = bench.pass_time()
        promised(isinstance(events[-1], Down), f"it ends with Down, not {events}")
        promised(CardRead not in [type(event) for event in events], "no card was read")


@check
def a_recovery_at_every_point(seat: Seat) -> None:
    """Called off at any byte of its conversation, a card reaches nobody, and the next customer's is his own."""
    for way in seat.ways:
        whole = seat.started()
        began = len(whole.said)
        first = _sale(whole, 1, way)
        for point in _points(len(whole.said) - began):
            bench = seat.started()
            _cut_off(bench, point, way)
            _is_well_again(bench)
            before = bench.said
            second = _sale(bench, 2, way)
            promised(second.ksn not in before and first.masked_pan == second.masked_pan, "the next card is his own")


def _cut_off(bench: Bench, point: int, way: str) -> None:
    """Recover when `point` bytes of the reader's side of a card read have arrived; the rest comes late."""
    said = bench.peer.received(bench.begin(read_command(1))) + bench.peer.present(way)
    bench.arrive_only(said[:point])
    answered = bench.peer.received(bench.begin(Recover()))
    bench.said += said + answered
    late = [event for event in bench.arrive(said[point:] + answered) if type(event) in ANSWERS]
    promised(late == [], f"after a recovery nothing of the step is told, not {late}")


def _is_well_again(bench: Bench) -> None:
    bench.take_out()
    bench.pass_time(60_000_000)
    if not bench.driver.clean:
        bench.ask(CheckCommand())
        bench.take_out()
        bench.pass_time(60_000_000)
    promised(bench.driver.clean, f"after a recovery it comes back clean; it told {bench.events[-4:]}")


@check
def late_answers_reach_nobody(seat: Seat) -> None:
    """All that was said for an earlier customer, said again: nobody takes it, idle or in the middle of the next."""
    for way in seat.ways:
        bench = seat.started()
        began = len(bench.said)
        first = _sale(bench, 1, way)
        late = bench.said[began:]
        _arrives_late(bench, late, "an idle driver takes no late answer")
        _is_well_again(bench)
        bench.ask(read_command(2))
        _arrives_late(bench, late, "the next customer's read takes no late answer")
        if not bench.driver.busy:
            continue
        began = len(bench.events)
        bench.present(way)
        card = told(bench.events[began:], CardRead)
        promised(card.ksn != first.ksn, "the next customer gets his own card")


def _arrives_late(bench: Bench, late: bytes, what: str) -> None:
    events = bench.arrive(late)
    # What can be told by a late frame is at most that something failed; never a result.
    taken = [event for event in events if type(event) in ANSWERS and not isinstance(event, Failed)]
    promised(taken == [], f"{what}, and this one has taken {taken}")


@check
def a_doubled_answer_is_taken_once(seat: Seat) -> None:
    """An answer that comes twice is one answer."""
    for way in seat.ways:
        bench = seat.started()
        bench.line = lambda data: (data, data)
        bench.ask(read_command(1))
        bench.present(way)
        promised(len([each for each in bench.events if isinstance(each, CardRead)]) == 1, "one card was read")


@check
def pads_end_cleanly(seat: Seat) -> None:
    """What is asked for beside the slot ends by its own answer, or is refused; a cancel ends it, a recovery too."""
    for command in _PAD_COMMANDS:
        for end in (_let_be, _cancel, _recover):
            bench = seat.started()
            began = len(bench.events)
            try:
                bench.ask(command)
            except CommandInvalidError:
                continue
            end(bench)
            bench.pass_time(120_000_000)
            promised(not bench.driver.busy, f"{type(command).__name__} comes to an end")
            answers = [event for event in bench.events[began:] if type(event) in ANSWERS]
            expected = 1 if end is _let_be else len(answers)
            promised(len(answers) == expected <= 1, f"it ends with one answer, not {answers}")
            _is_well_again(bench)


def _let_be(bench: Bench) -> None:
    bench.pass_time(120_000_000)


def _cancel(bench: Bench) -> None:
    bench.ask(Cancel())


def _recover(bench: Bench) -> None:
    bench.ask(Recover())


@check
def keys_are_exchanged(seat: Seat) -> None:
    """A key exchange begins, or fails and says so; an answer that is none is not confirmed."""
    bench = seat.started()
    events = bench.ask(PrepareKey()) + bench.pass_time()
    kinds = [type(event) for event in events if type(event) in ANSWERS]
    promised(kinds in ([KeyPrepared], [Failed]), f"it tells KeyPrepared or Failed, not {events}")
    _is_well_again(bench)
    try:
        events = bench.ask(InjectKey(AT, bytes(48))) + bench.pass_time()
    except CommandInvalidError:
        return
    answers = [event for event in events if type(event) in ANSWERS]
    bad = [event for event in answers if isinstance(event, KeyInjected) and event.confirmed]
    promised(len(answers) == 1 and not bad, f"a key from nobody is not confirmed, but {events}")


@check
def card_data_is_in_no_repr(seat: Seat) -> None:
    """What is told of a card shows nothing of it in a repr."""
    for way in seat.ways:
        bench = seat.started()
        card = _sale(bench, 1, way)
        text = repr(bench.events) + str(card)
        for secret in (card.cipher, card.ksn, card.emv):
            shown = secret.hex() in text.lower() or repr(secret)[2:-1] in text
            promised(not secret or not shown, "no secret shows")

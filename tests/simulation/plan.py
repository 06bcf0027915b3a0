"""What happens in a run: who buys what, how POS, card, reader and host behave, and what breaks when.

A plan is data made from the seed. Whatever is left out of it (see `shrink`) leaves the rest as it was.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tests.simulation.card_host import Manner
from tpayd.sandbox.card_list import CardKind
from tpayd_contracts.payment import PaymentKind
from tpayd_contracts.sandbox import Keying, Signing

__all__ = ["ACTIVE_S", "TAKES_BACK", "Fault", "Plan", "Trouble", "Visit", "plan_of"]

T = TypeVar("T")

ACTIVE_S = 40.0
"""How long things go wrong. After it everything heals."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One customer at one lane."""

    name: str
    lane: str
    begin_s: float
    kind: PaymentKind = PaymentKind.SALE
    amount_minor: int
    """What the display shows; an order that takes something back has its original's."""
    of: str | None = None
    """The visit that is taken back."""
    by_receipt: bool = False
    """The original is named as its receipt shows it, not by its request id."""
    typed: bool = False
    """The number or code comes with the request; no reader is needed."""
    card: CardKind | None
    """None: the customer never presents one."""
    card_after_s: float
    card_stays_ms: int = 0
    host: Manner = Manner.PROPER
    reversals: tuple[Manner, ...] = ()
    """What the host does with the first, second, … reversal of it."""
    inquiries: tuple[Manner, ...] = ()
    keying: Keying = Keying.RIGHT
    signing: Signing = Signing.SIGNS
    confirms: bool | None = True
    """The cashier's answer if it looks like an earlier one; None: he says nothing."""

    # The POS
    wait_s: float = 60.0
    """How long the POS waits for the answer to its sale before it asks for the status."""
    asks_before: bool = False
    """A status query overtakes the sale."""
    doubled_after_s: float | None = None
    """The same sale is sent again while the first is under way."""
    aborted_after_s: float | None = None
    left_after_s: float | None = None
    """The POS takes its request back (CANCEL)."""
    crash_after_s: float | None = None
    """The POS dies so long after it began, and comes back with what it had saved."""
    crash_saved: bool = True
    """Whether it had saved the request id when it died."""
    sends_again: bool = False
    """After a crash it sends the sale again under its id, instead of asking for the status."""
    repeats: bool = False
    """The same sale is sent again after its verdict."""
    repeats_after_s: float = 0.0
    conflicts: bool = False
    """Another sale is sent under the same id."""
    reinstalled: bool = False
    """The POS was installed anew and counts its requests from 1 again."""
    acknowledgements: int = 1
    gives_up: bool = False
    """It never asks again after an answer that it did not get."""


class Trouble(enum.StrEnum):
    """What can break."""

    KILL = "kill"
    POWER_CUT = "power_cut"
    FREEZE = "freeze"
    UPDATE = "update"
    """The transaction process drains, stops and starts again."""
    BUS_CUT = "bus_cut"
    """A connection between two processes is lost; both live on."""
    UNPLUG = "unplug"
    NOISE = "noise"
    LINE_DOWN = "line_down"
    LINE_BREAK = "line_break"
    LINE_DARK = "line_dark"
    DISK_FULL = "disk_full"
    SYNC_FAILS = "sync_fails"
    DISK_SLOW = "disk_slow"
    CLOCK_STEP = "clock_step"
    CUT_AT_TELL = "cut_at_tell"
    """The power fails just after a POS was told a verdict."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that breaks."""

    kind: Trouble
    at_s: float
    for_s: float = 0.0
    target: str = ""
    steps: int = 0
    """Callbacks of the target between `at_s` and the fault: so a process dies at any await."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole run."""

    seed: int
    visits: tuple[Visit, ...]
    faults: tuple[Fault, ...]
    lanes: tuple[str, ...]
    readers: int
    lines: int
    answer_wait_s: float
    host_max_processing_s: float
    remembers_orphans: bool
    stans_left: int | None
    """STANs before the wrap; None: far away."""
    stan_last: int | None
    """A small STAN space, so that a wrap meets open payments; None: the real one."""
    midnight_in_s: float | None
    bus_losses: float
    slow_bus: float
    key_refusals: float
    signs: bool
    """Whether customers have to sign."""

    def without(self, visits: frozenset[str] = frozenset(), faults: frozenset[int] = frozenset()) -> Plan:
        """The plan less some visits, by name, and some faults, by place."""
        return replace(
            self,
            visits=tuple(visit for visit in self.visits if visit.name not in visits),
            faults=tuple(fault for place, fault in enumerate(self.faults) if place not in faults),
        )


_SALE_MANNERS = (
    (Manner.PROPER, 40), (Manner.DECLINE, 7), (Manner.SILENT, 9), (Manner.DEAF, 5), (Manner.LATE, 6),
    (Manner.TWICE, 4), (Manner.GARBLED, 4), (Manner.BAD_MAC, 4), (Manner.FORGED, 3), (Manner.HANG_UP, 4),
    (Manner.HANG_UP_DEAF, 2), (Manner.SLOW, 8), (Manner.WRONG_AMOUNT, 2),
)  # fmt: skip
_REVERSAL_MANNERS = (
    (Manner.PROPER, 8), (Manner.SILENT, 8), (Manner.DEAF, 4), (Manner.LATE, 3), (Manner.GARBLED, 2),
    (Manner.BAD_MAC, 2), (Manner.HANG_UP, 2), (Manner.HANG_UP_DEAF, 1), (Manner.REFUSE, 1), (Manner.TWICE, 1),
)  # fmt: skip
_CARDS = (
    (CardKind.IC, 40), (CardKind.CONTACTLESS, 25), (CardKind.STRIPE, 10), (CardKind.IC_BROKEN, 5),
    (CardKind.IC_DECLINES, 8), (CardKind.IC_UNKNOWN, 4), (CardKind.IC_REFUSED, 3), (None, 5),
)  # fmt: skip
_KINDS = (
    (PaymentKind.SALE, 50), (PaymentKind.VOID, 16), (PaymentKind.CASH_RECEIPT, 6), (PaymentKind.CASH_RECEIPT_VOID, 4),
    (PaymentKind.CASH_IC_SALE, 10), (PaymentKind.CASH_IC_REFUND, 5), (PaymentKind.CASH_IC_BALANCE, 2),
    (PaymentKind.SIMPLE_PAY, 7),
)  # fmt: skip
TAKES_BACK = {
    PaymentKind.VOID: (PaymentKind.SALE, PaymentKind.SIMPLE_PAY),
    PaymentKind.CASH_RECEIPT_VOID: (PaymentKind.CASH_RECEIPT,),
    PaymentKind.CASH_IC_REFUND: (PaymentKind.CASH_IC_SALE,),
}
_BANK = (PaymentKind.CASH_IC_SALE, PaymentKind.CASH_IC_REFUND, PaymentKind.CASH_IC_BALANCE)
_TROUBLES = (
    (Trouble.KILL, 30), (Trouble.POWER_CUT, 10), (Trouble.FREEZE, 8), (Trouble.UPDATE, 3), (Trouble.BUS_CUT, 8),
    (Trouble.UNPLUG, 8), (Trouble.NOISE, 6), (Trouble.LINE_DOWN, 7), (Trouble.LINE_BREAK, 4), (Trouble.LINE_DARK, 5),
    (Trouble.DISK_FULL, 5), (Trouble.SYNC_FAILS, 5), (Trouble.DISK_SLOW, 5), (Trouble.CLOCK_STEP, 5),
    (Trouble.CUT_AT_TELL, 6),
)  # fmt: skip
_KILLED = ("transaction", "transaction", "transaction", "transaction", "device_broker", "host_link", "key_manager")
_CUT = (
    ("transaction", "device_broker"), ("key_manager", "host_link"), ("transaction", "key_manager"),
)  # fmt: skip


def plan_of(seed: int) -> Plan:
    """The plan of a seed. Most are of everything; some look closely at what chance alone seldom brings about."""
    chance = random.Random(f"{seed}:plan")
    theme = chance.choices(list(_THEMES), list(_THEMES.values()))[0]
    few_stans = theme is _Theme.FEW_STANS
    lanes = tuple(f"lane-{number}" for number in range(1, 2 if few_stans else chance.choice((1, 2, 2, 3)) + 1))
    readers = chance.choice((1, 1, 2))
    visits: list[Visit] = []
    for number in range(1, 10 if few_stans else chance.randrange(3, 9)):
        visits.append(_visit(chance, number, lanes, visits))
    faults = [_fault(chance, lanes, readers) for _ in range(chance.choice((0, 1, 2, 2, 3, 4)))]
    if few_stans:
        faults = []  # more reversals at once would need more numbers than there are
        visits = [_long_open(visits[0]), *(_quick(visit, place) for place, visit in enumerate(visits[1:]))]
    elif theme is _Theme.VOIDS:
        visits = _voids(chance, lanes[0])
    elif theme is _Theme.CLOCK:
        visits, faults = _slow_sale(chance, lanes[0]), _set_clock(chance)
    elif theme is _Theme.INQUIRY:
        visits = [replace(_bank_sale(chance, lanes[0]), host=Manner.SILENT, inquiries=(Manner.DEAF,) * 40)]
    elif theme is _Theme.FENCE:
        lanes, readers = ("lane-1", "lane-2"), 1
        visits = [
            replace(_bank_sale(chance, lane), name=f"v{lane[-1]}", begin_s=1.0 + 0.3 * place)
            for place, lane in enumerate(lanes)
        ]
        visits = [replace(visit, amount_minor=1_000 + place, card_after_s=2.0) for place, visit in enumerate(visits)]
        faults = [
            Fault(kind=Trouble.FREEZE, at_s=chance.uniform(1.4, 4), for_s=chance.uniform(4, 8), target="transaction")
        ]
    return Plan(
        seed=seed,
        visits=tuple(visits),
        faults=tuple(faults),
        lanes=lanes,
        readers=readers,
        lines=chance.choice((1, 2)),
        answer_wait_s=chance.choice((1.5, 3.0)),
        host_max_processing_s=chance.choice((4.0, 6.0)),
        remembers_orphans=chance.random() < 0.5,
        stans_left=chance.randrange(1, 8) if chance.random() < 0.2 else None,
        stan_last=9 if few_stans else None,
        midnight_in_s=chance.uniform(1, ACTIVE_S) if chance.random() < 0.2 else None,
        bus_losses=0.01 if chance.random() < 0.15 else 0.0,
        slow_bus=chance.choice((0.0, 0.01, 0.05)),
        key_refusals=0.1 if chance.random() < 0.1 else 0.0,
        signs=chance.random() < 0.2,
    )


class _Theme(enum.Enum):
    EVERYTHING = enum.auto()
    FEW_STANS = enum.auto()
    """A wrap of the STANs meets a payment that is still being reversed."""
    VOIDS = enum.auto()
    """One sale, and several who take it back."""
    CLOCK = enum.auto()
    """A slow host, and somebody who sets the clock meanwhile."""
    INQUIRY = enum.auto()
    """A host that says nothing, not even when it is asked."""
    FENCE = enum.auto()
    """Two lanes, one reader, and a process that sleeps for longer than its lease lives."""


_THEMES = {
    _Theme.EVERYTHING: 82, _Theme.FEW_STANS: 4, _Theme.VOIDS: 5, _Theme.CLOCK: 3, _Theme.INQUIRY: 3, _Theme.FENCE: 3,
}  # fmt: skip


def _long_open(visit: Visit) -> Visit:
    """It is sent early, and its reversal goes unanswered for long."""
    return replace(
        _plain(visit), begin_s=0.5, host=Manner.DEAF, reversals=(Manner.DEAF,) * 5, card=CardKind.CONTACTLESS
    )


def _quick(visit: Visit, place: int) -> Visit:
    return replace(_plain(visit), begin_s=2 + place, card=CardKind.CONTACTLESS)


def _plain(visit: Visit) -> Visit:
    """A sale that goes well."""
    return Visit(
        name=visit.name, lane=visit.lane, begin_s=visit.begin_s, amount_minor=visit.amount_minor,
        card=CardKind.CONTACTLESS, card_after_s=0.1,
    )  # fmt: skip


def _voids(chance: random.Random, lane: str) -> list[Visit]:
    sale = Visit(
        name="v1", lane=lane, begin_s=0.5, amount_minor=chance.randrange(1_000, 2_000), card=CardKind.CONTACTLESS,
        card_after_s=0.1,
    )  # fmt: skip
    first = replace(
        sale, name="v2", begin_s=2, kind=PaymentKind.VOID, of="v1",
        host=chance.choice((Manner.SILENT, Manner.SLOW, Manner.LATE, Manner.DECLINE)),
        reversals=(Manner.DEAF,) * chance.randrange(7),
    )  # fmt: skip
    others = (
        replace(first, name=f"v{number}", begin_s=3 + chance.uniform(0, 9), host=Manner.PROPER, reversals=())
        for number in (3, 4)
    )
    return [sale, first, *others]


def _bank_sale(chance: random.Random, lane: str) -> Visit:
    return Visit(
        name="v1", lane=lane, begin_s=1, kind=PaymentKind.CASH_IC_SALE, amount_minor=chance.randrange(1_000, 2_000),
        card=CardKind.CASH_IC, card_after_s=0.2,
    )  # fmt: skip


def _slow_sale(chance: random.Random, lane: str) -> list[Visit]:
    kind, card = chance.choice(((PaymentKind.SALE, CardKind.CONTACTLESS), (PaymentKind.CASH_IC_SALE, CardKind.CASH_IC)))
    return [
        Visit(
            name="v1", lane=lane, begin_s=1, kind=kind, amount_minor=chance.randrange(1_000, 2_000), card=card,
            card_after_s=0.2, host=Manner.SLOW,
        )
    ]  # fmt: skip


def _set_clock(chance: random.Random) -> list[Fault]:
    at_s = chance.uniform(2.5, 5)
    step = Fault(kind=Trouble.CLOCK_STEP, at_s=at_s, for_s=chance.choice((5.0, 7.0, 9.0, 7_200.0, -7_200.0)))
    kill = Fault(
        kind=Trouble.KILL, at_s=at_s + chance.uniform(0, 1), for_s=0.2, target="transaction", steps=chance.randrange(40)
    )
    return [step, kill][: chance.choice((1, 2, 2))]


def _visit(chance: random.Random, number: int, lanes: tuple[str, ...], before: list[Visit]) -> Visit:
    kind = _one_of(chance, _KINDS)
    lane, begin_s = chance.choice(lanes), chance.uniform(0, ACTIVE_S * 0.7)
    amount_minor = 1_000 * number + chance.randrange(1, 1_000)
    card = _one_of(chance, _CARDS)
    if kind in _BANK and card is not None:
        card = CardKind.CASH_IC
    elif kind is PaymentKind.SIMPLE_PAY and card is not None:
        card = CardKind.WALLET
    rare = chance.random
    of = by_receipt = None
    if kind in TAKES_BACK:
        fitting = [visit for visit in before if visit.kind in TAKES_BACK[kind]]
        if not fitting:
            return _visit(chance, number, lanes, before)
        original = chance.choice(fitting)
        of, by_receipt, amount_minor = original.name, rare() < 0.25, original.amount_minor
        if rare() < 0.8:
            lane = original.lane
        begin_s = min(ACTIVE_S * 0.8, original.begin_s + chance.uniform(0.5, 12))
    elif before and kind is PaymentKind.SALE and rare() < 0.12:
        twin = chance.choice(before)
        if twin.kind is PaymentKind.SALE:
            amount_minor, lane = twin.amount_minor, twin.lane
    return Visit(
        name=f"v{number}",
        lane=lane,
        begin_s=begin_s,
        kind=kind,
        amount_minor=amount_minor,
        of=of,
        by_receipt=bool(by_receipt),
        typed=kind in (PaymentKind.CASH_RECEIPT, PaymentKind.SIMPLE_PAY) and rare() < 0.5,
        card=card,
        card_after_s=chance.uniform(0.05, 7) if rare() < 0.1 else chance.uniform(0.05, 1.5),
        card_stays_ms=chance.randrange(200, 6_000) if rare() < 0.2 else 0,
        host=_one_of(chance, _SALE_MANNERS),
        reversals=tuple(_one_of(chance, _REVERSAL_MANNERS) for _ in range(chance.choice((0, 0, 1, 2, 3, 8)))),
        inquiries=tuple(_one_of(chance, _REVERSAL_MANNERS) for _ in range(chance.choice((0, 1, 2, 4, 30)))),
        keying=chance.choice(list(Keying)) if rare() < 0.1 else Keying.RIGHT,
        signing=chance.choice(list(Signing)) if rare() < 0.15 else Signing.SIGNS,
        confirms=chance.choice((True, True, False, None)),
        wait_s=chance.uniform(0.3, 6) if rare() < 0.2 else 60.0,
        asks_before=rare() < 0.08,
        doubled_after_s=chance.uniform(0, 4) if rare() < 0.1 else None,
        aborted_after_s=chance.uniform(0, 4) if rare() < 0.12 else None,
        left_after_s=chance.uniform(0, 4) if rare() < 0.06 else None,
        crash_after_s=chance.uniform(0, 5) if rare() < 0.15 else None,
        crash_saved=rare() < 0.9,
        sends_again=rare() < 0.4,
        repeats=rare() < 0.2,
        repeats_after_s=chance.uniform(0, 5),
        conflicts=rare() < 0.08,
        reinstalled=rare() < 0.06,
        acknowledgements=chance.choice((0, 1, 1, 1, 2)),
        gives_up=rare() < 0.1,
    )


def _fault(chance: random.Random, lanes: tuple[str, ...], readers: int) -> Fault:
    kind = _one_of(chance, _TROUBLES)
    at_s, for_s = chance.uniform(0.2, ACTIVE_S * 0.85), chance.uniform(0.3, 8)
    match kind:
        case Trouble.KILL:
            target = chance.choice((*_KILLED, *lanes))
            return Fault(kind=kind, at_s=at_s, for_s=chance.uniform(0.1, 3), target=target, steps=chance.randrange(60))
        case Trouble.POWER_CUT:
            return Fault(
                kind=kind, at_s=at_s, for_s=chance.uniform(1, 4), target="transaction", steps=chance.randrange(60)
            )
        case Trouble.CUT_AT_TELL:
            return Fault(kind=kind, at_s=at_s, for_s=chance.uniform(1, 4), steps=chance.randrange(200))
        case Trouble.FREEZE:
            return Fault(kind=kind, at_s=at_s, for_s=chance.uniform(0.3, 12), target=chance.choice(_KILLED))
        case Trouble.BUS_CUT:
            caller, peer = chance.choice((*_CUT, (chance.choice(lanes), "transaction")))
            return Fault(kind=kind, at_s=at_s, target=f"{caller}>{peer}")
        case Trouble.UNPLUG | Trouble.NOISE:
            return Fault(kind=kind, at_s=at_s, for_s=for_s, target=f"reader-{chance.randrange(readers) + 1}")
        case Trouble.CLOCK_STEP:
            return Fault(kind=kind, at_s=at_s, for_s=chance.choice((-1, 1)) * chance.choice((2.0, 60.0, 7_200.0)))
        case _:
            return Fault(kind=kind, at_s=at_s, for_s=for_s)


def _one_of(chance: random.Random, weighted: Sequence[tuple[T, int]]) -> T:
    things, weights = zip(*weighted, strict=True)
    chosen: T = chance.choices(things, weights)[0]
    return chosen

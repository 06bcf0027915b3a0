"""An answer reaches the one request that it belongs to, or nobody."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tpayd.host_link.errors import KeyOpenError
from tpayd.host_link.matching import InFlight, Stray
from tpayd.hosts import MatchKey, TypeClass

SALE = MatchKey(TypeClass.FINANCIAL, "TPAY0001", "000001")
REVERSAL = SALE._replace(type_class=TypeClass.REVERSAL)


def test_an_answer_goes_to_its_request_once() -> None:
    """A second answer is a duplicate, and dropped."""
    in_flight: InFlight[str] = InFlight()
    in_flight.open(SALE, "a", "cashier")
    assert ["cashier", Stray.DUPLICATE] == [in_flight.answered(SALE, "a"), in_flight.answered(SALE, "a")]


def test_two_open_requests_with_one_key_are_refused() -> None:
    """Their answers could not be told apart, on whatever lines they left."""
    in_flight: InFlight[str] = InFlight()
    in_flight.open(SALE, "a", "first")
    with pytest.raises(KeyOpenError):
        in_flight.open(SALE, "b", "second")
    assert "first" == in_flight.answered(SALE, "a")


def test_a_sale_and_its_reversal_are_apart() -> None:
    """Same terminal, same number, another class."""
    in_flight: InFlight[str] = InFlight()
    in_flight.open(SALE, "a", "sale")
    in_flight.open(REVERSAL, "a", "reversal")
    assert ["reversal", "sale"] == [in_flight.answered(REVERSAL, "a"), in_flight.answered(SALE, "a")]


def test_an_answer_after_the_wait_is_late() -> None:
    """It is told from one that nobody ever asked for."""
    in_flight: InFlight[str] = InFlight()
    in_flight.open(SALE, "a", "cashier")
    in_flight.give_up(SALE)
    assert [Stray.LATE, Stray.UNKNOWN] == [in_flight.answered(SALE, "a"), in_flight.answered(REVERSAL, "a")]


def test_an_answer_on_another_line_reaches_nobody() -> None:
    """The request stays open: its own line may still bring the answer."""
    in_flight: InFlight[str] = InFlight()
    in_flight.open(SALE, "a", "cashier")
    assert [Stray.UNKNOWN, "cashier"] == [in_flight.answered(SALE, "b"), in_flight.answered(SALE, "a")]


def test_a_lost_line_names_all_who_waited_on_it() -> None:
    """And nobody else."""
    in_flight: InFlight[str] = InFlight()
    in_flight.open(SALE, "a", "on a")
    in_flight.open(REVERSAL, "b", "on b")
    assert (["on a"], 0, 1) == (in_flight.lose("a"), in_flight.on("a"), in_flight.on("b"))
    assert Stray.LATE is in_flight.answered(SALE, "a")


def test_a_number_used_again_is_open_again() -> None:
    """After a wrap of the STAN the old answer's memory does not shadow the new request."""
    in_flight: InFlight[str] = InFlight()
    for cashier in ("morning", "evening"):
        in_flight.open(SALE, "a", cashier)
        assert cashier == in_flight.answered(SALE, "a")


def test_memory_of_closed_requests_is_bounded() -> None:
    """The oldest is forgotten first."""
    in_flight: InFlight[str] = InFlight(remembered=2)
    keys = [SALE._replace(stan=f"{number:06d}") for number in range(3)]
    for key in keys:
        in_flight.open(key, "a", "x")
        in_flight.give_up(key)
    assert [Stray.UNKNOWN, Stray.LATE, Stray.LATE] == [in_flight.answered(key, "a") for key in keys]


class Anything(RuleBasedStateMachine):
    """Requests, answers, timeouts and lost lines in any order: nobody gets another's answer, nobody is forgotten."""

    keys = st.sampled_from([SALE._replace(stan=f"{number:06d}") for number in range(4)])
    lines = st.sampled_from(["a", "b"])

    def __init__(self) -> None:
        super().__init__()
        self.in_flight: InFlight[int] = InFlight(remembered=2)
        self.model: dict[MatchKey, tuple[str, int]] = {}
        self.number = 0

    @rule(key=keys, line=lines)
    def request(self, key: MatchKey, line: str) -> None:
        self.number += 1
        if key in self.model:
            with pytest.raises(KeyOpenError):
                self.in_flight.open(key, line, self.number)
        else:
            self.in_flight.open(key, line, self.number)
            self.model[key] = (line, self.number)

    @rule(key=keys, line=lines)
    def answer(self, key: MatchKey, line: str) -> None:
        found = self.in_flight.answered(key, line)
        if key in self.model and self.model[key][0] == line:
            assert self.model.pop(key)[1] == found
        else:
            assert isinstance(found, Stray)

    @rule(key=keys)
    def timeout(self, key: MatchKey) -> None:
        self.in_flight.give_up(key)
        self.model.pop(key, None)

    @rule(line=lines)
    def lose(self, line: str) -> None:
        expected = [number for on, number in self.model.values() if on == line]
        assert sorted(expected) == sorted(self.in_flight.lose(line))
        self.model = {key: value for key, value in self.model.items() if value[0] != line}

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.model) == len(self.in_flight)
        for line in ("a", "b"):
            assert sum(on == line for on, _ in self.model.values()) == self.in_flight.on(line)


Anything.TestCase.settings = settings(max_examples=60, deadline=None)
TestAnything = Anything.TestCase

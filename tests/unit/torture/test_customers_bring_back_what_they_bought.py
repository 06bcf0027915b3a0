"""Every kind of payment is drawn, and only what was paid, once, is brought back."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from tests.torture.orders import EVERYTHING, Customers
from tests.torture.told import Told
from tpayd_client.types import PaymentResult

ROUNDS = 3_000


def test_every_kind_is_drawn_and_nothing_is_given_back_twice() -> None:
    """In the long run what was taken back never exceeds what was paid."""
    chance = random.Random(7)
    customers = Customers("1", chance, itertools.count(1).__next__, EVERYTHING, (0,))
    kinds: Counter[str] = Counter()
    balance: Counter[int] = Counter()
    for number in range(ROUNDS):
        wish = customers.next()
        verdict = chance.choice(("PAID", "NOT_PAID"))
        kinds[wish.kind] += 1
        balance[wish.amount_minor] += Told("1", "a", wish.amount_minor, verdict, "", kind=wish.kind).effect_minor
        customers.learn(wish, result(number, wish.amount_minor, verdict))
    assert set(EVERYTHING) == set(kinds)
    assert {True} == {left in (0, amount) for amount, left in balance.items()}


def result(number: int, amount_minor: int, verdict: str) -> PaymentResult:
    body = {
        "lane": "1", "request_id": str(number), "verdict": verdict, "state": "approved", "message": "",
        "message_ko": "",
        "amount": {"total_minor": amount_minor}, "approval_code": f"{number:06d}", "approved_at_ms": 1_770_000_000_000,
    }  # fmt: skip
    return PaymentResult.from_wire(body)

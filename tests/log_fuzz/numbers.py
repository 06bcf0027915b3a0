"""Card numbers that exist nowhere, and ways to put them where nobody expects them. No I/O."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tpayd.kit.redaction import passes_luhn

__all__ = ["BODIES", "DISGUISES", "OPS", "new_card", "track2"]

_LENGTHS = (13, 15, 16, 16, 16, 19)
_PREFIXES = ("4", "51", "37", "62", "35", "9")


def new_card(chance: random.Random) -> str:
    """13 to 19 digits, the last of them the check digit (ISO/IEC 7812-1)."""
    length = chance.choice(_LENGTHS)
    head = chance.choice(_PREFIXES)
    body = head + "".join(chance.choices("0123456789", k=length - len(head) - 1))
    return next(body + digit for digit in "0123456789" if passes_luhn(body + digit))


def track2(card: str) -> str:
    """What a stripe has on its second track."""
    return f";{card}=49122010000012300000?"


def _grouped(card: str, mark: str) -> str:
    return mark.join(card[at : at + 4] for at in range(0, len(card), 4))


DISGUISES: tuple[Callable[[str], Any], ...] = (
    str,
    int,
    track2,
    lambda card: _grouped(card, " "),
    lambda card: _grouped(card, "-"),
    lambda card: _grouped(card, "\u00a0"),
    lambda card: f"%B{card}^KIM/MINSU^49122010000000000?",
    lambda card: f"card {card} of the customer",
    lambda card: [card, {"pan": card}],
    lambda card: {card: card},
    lambda card: card.encode(),
    lambda card: "x" * 300 + card,
    lambda card: f"pin={card[:6]} pan={card}",
)
"""How a number, a track or a PIN may turn up in a request."""

OPS = (
    "payment.sale", "payment.status", "payment.abort", "payment.void", "membership.read", "simple_pay.sale",
    "cash_receipt.issue", "records.last", "settings.change", "events.subscribe", "device.show", "terminal.open",
    "ability.show", "logs.ship", "payment.explain", "no.such.op",
)  # fmt: skip

BODIES: tuple[Callable[[Any], dict[str, Any]], ...] = (
    lambda value: {"lane": value},
    lambda value: {"lane": "1", "amount": {"total_minor": value}},
    lambda value: {"lane": "1", "amount": {"total_minor": 1000}, "note": value},
    lambda value: {"lane": "1", "request_id": value},
    lambda value: {"lane": "1", str(value)[:60]: 1},
    lambda value: {"file": "store", "changes": [{"path": "merchant.tel", "value": str(value)}], "expected": "0" * 16},
    lambda value: {"file": "store", "changes": [{"path": str(value), "value": "1"}]},
    lambda value: {"topics": [value]},
    lambda value: {"device": value},
    lambda value: {"reason": value, "wait": False},
    lambda value: {"lane": "1", "lines": [value]},
    lambda value: {"deep": {"deeper": [value, [value, {"deepest": value}]]}},
)
"""Where it may turn up."""

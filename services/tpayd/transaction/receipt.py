"""The receipt's fields, from the payment and the store. Pure, so a reprint is the same as the first print."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from tpayd.kit.store_settings import Merchant
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import Receipt

__all__ = ["RECEIPT_TAGS", "receipt_of", "receipt_tags"]

_LABEL = 0x50
RECEIPT_TAGS = {0x84: "84", _LABEL: "50", 0x95: "95", 0x9F26: "9F26"}
"""EMV tags that a receipt prints: AID, label, TVR, application cryptogram. None of them holds card data."""


def receipt_of(payment: Payment, merchant: Merchant) -> Receipt | None:
    """The receipt of an approved payment; None before approval, and once nothing of it is kept (see `standalone`)."""
    if payment.approved_ms is None or (payment.standalone and payment.acknowledged_ms is not None):
        return None
    return Receipt(
        merchant_id=merchant.id,
        merchant_name=merchant.name,
        business_number=merchant.business_number,
        terminal_id=payment.terminal_id,
        printed_at=_local(payment.approved_ms // 1000),
        installments=payment.ordered.installments,
        emv=payment.emv,
    )


@lru_cache(maxsize=64)
def _local(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).astimezone().isoformat()


def receipt_tags(emv: bytes) -> dict[str, str]:
    """The receipt's tags out of a reader's EMV data (BER-TLV, EMV Book 3 annex B). Others are left where they are.

    Damaged data gives what was read before the damage: a receipt must not stop a payment.
    """
    shape = _shapes.get(len(emv))
    same = shape.pattern.fullmatch(emv) if shape is not None else None
    if shape is not None and same is not None:
        return {RECEIPT_TAGS[tag]: _printed(tag, value) for tag, value in zip(shape.tags, same.groups(), strict=True)}
    objects, whole = _objects(emv)
    if whole and shape is None and len(_shapes) < _SHAPES_MAX:
        _shapes[len(emv)] = _shape_of(objects)
    return {RECEIPT_TAGS[tag]: _printed(tag, value) for tag, _, value in objects if tag in RECEIPT_TAGS}


class _Shape(NamedTuple):
    """How EMV data is built: which tags and lengths, in which order."""

    pattern: re.Pattern[bytes]
    """Matches all data of this shape, and no other; its groups are the values of `tags`."""
    tags: tuple[int, ...]


_SHAPES_MAX = 64
# A reader sends the same tags in the same places, sale after sale: to match them takes a fifth of a walk through them.
_shapes: dict[int, _Shape] = {}
"""By the length of the data: the shape that was met first."""


def _shape_of(objects: list[tuple[int, bytes, bytes]]) -> _Shape:
    parts = [
        re.escape(head) + (b"(.{%d})" if tag in RECEIPT_TAGS else b".{%d}") % len(value) for tag, head, value in objects
    ]
    return _Shape(
        re.compile(b"".join(parts), re.DOTALL), tuple(tag for tag, _, _ in objects if tag in RECEIPT_TAGS)
    )  # fmt: skip


def _objects(emv: bytes) -> tuple[list[tuple[int, bytes, bytes]], bool]:
    """Each data object's tag, its bytes before the value, and its value; False where the data is damaged after them."""
    objects: list[tuple[int, bytes, bytes]] = []
    at, end = 0, len(emv)
    try:
        while at < end:
            start, tag = at, emv[at]
            if tag & 0x1F == 0x1F:
                at += 1
                tag = tag << 8 | emv[at]
            length = emv[at + 1]
            at += 2
            if length & 0x80:
                size = length & 0x7F
                length = int.from_bytes(emv[at : at + size], "big")
                at += size
            if at + length > end:
                return objects, False
            objects.append((tag, emv[start:at], emv[at : at + length]))
            at += length
    except IndexError:
        return objects, False  # it ends within a tag or its length
    return objects, True


def _printed(tag: int, value: bytes) -> str:
    return value.decode("ascii", "replace") if tag == _LABEL else value.hex().upper()

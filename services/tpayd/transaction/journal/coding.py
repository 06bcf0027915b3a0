"""How payments and events are written: as MessagePack arrays, each field at its place.

The names of the fields were a quarter of what a sale wrote. A journal from before schema 0005 holds maps with those
names, and keeps them: the first byte tells the one from the other. So whatever a version adds to a payment or an event
goes behind what was there, with a default, and nothing is ever taken out or moved.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Union, get_args

import msgspec
from msgspec.structs import asdict, astuple

from tpayd.transaction.events import FIRST, Event
from tpayd.transaction.payment import Payment

__all__ = ["decode_event", "decode_payment", "encode_event", "encode_payment"]

_encoder = msgspec.msgpack.Encoder()
_payments = msgspec.msgpack.Decoder(Payment)
_events: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)
_MAPS = frozenset(bytes([first]) for first in (*range(0x80, 0x90), 0xDE, 0xDF))
"""What a MessagePack map may begin with."""

encode_event: Callable[[Event], bytes] = _encoder.encode
encode_payment: Callable[[Payment], bytes] = _encoder.encode


def decode_payment(record: bytes) -> Payment:
    """A payment as the journal holds it. Raises msgspec.MsgspecError if it is damaged."""
    if record[:1] in _MAPS:
        return _unnamed(_named_payments().decode(record))
    return _payments.decode(record)


def decode_event(payload: bytes) -> Event:
    """An event as the journal holds it. Raises msgspec.MsgspecError if it is damaged, or of an unknown kind."""
    if payload[:1] not in _MAPS:
        return _events.decode(payload)
    named = _named_events().decode(payload)
    kind, values = type(named).__mro__[1], list(astuple(named))
    if kind in FIRST:
        values[0] = _unnamed(values[0])
    event: Event = kind(*values)
    return event


class _NamedPayment(Payment, frozen=True, omit_defaults=True, array_like=False, gc=False):
    """As it was written before schema 0005."""


def _unnamed(named: _NamedPayment) -> Payment:
    return Payment(**asdict(named))


@cache
def _named_payments() -> msgspec.msgpack.Decoder[_NamedPayment]:
    return msgspec.msgpack.Decoder(_NamedPayment)


@cache
def _named_events() -> msgspec.msgpack.Decoder[Any]:
    """Made when the first such event is read: it takes milliseconds, and a journal may hold none."""
    kinds = [
        msgspec.defstruct(
            kind.__name__,
            [("payment", _NamedPayment)] if kind in FIRST else [],
            bases=(kind,),
            tag=kind.__struct_config__.tag,
            frozen=True,
            array_like=False,
        )
        for kind in get_args(Event)
    ]
    return msgspec.msgpack.Decoder(Union[tuple(kinds)])  # noqa: UP007  no other way to make one of a list

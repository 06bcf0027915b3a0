"""HELLO and the operations that the gateway answers itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.health import Health
from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.settings import ClientOptions
from tpayd_contracts.shapes import Lane, Name

__all__ = [
    "EVENTS_SUBSCRIBE",
    "STORE_STATUS",
    "Hello",
    "StoreStatus",
    "Subscribe",
    "Subscribed",
    "Welcome",
]


class Hello(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The first message on a connection."""

    client: Name
    """The client's name as registered; on tcp it must be the one of the CURVE key."""
    contract: Annotated[str, Meta(max_length=16)]
    """`major.minor` of the contract that the client speaks."""
    software: Annotated[str, Meta(max_length=64)] = ""
    """Product and version, for the log."""
    incarnation: Annotated[str, Meta(max_length=64)] = ""
    """New at each start of the client's process."""


class Welcome(Struct, frozen=True, omit_defaults=True):
    """The answer to HELLO."""

    session: str
    contract: str
    server: str
    version: str
    lanes: tuple[Lane, ...] = ()
    """Lanes this client may act for; empty for services, and for clients of every lane."""
    right: Right = Right.READ_ONLY
    max_frame_bytes: int = 0
    max_in_flight: int = 0
    max_ttl_ms: int = 0
    sandbox: bool = False
    """True: a sandbox stands behind; no real money moves."""


class Subscribe(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for events on this connection; the list replaces the one before. An empty list ends it."""

    topics: Annotated[tuple[Name, ...], Meta(max_length=32)]


class Subscribed(Struct, frozen=True):
    """EVENTs carry `id` = sequence per connection, from `sequence` + 1 without a gap; a gap means: ask again."""

    topics: tuple[str, ...]
    sequence: int


class StoreStatus(Struct, frozen=True, omit_defaults=True):
    """The health of every process, as the gateway sees it, and what the store tells its clients."""

    services: tuple[Health, ...]
    missing: tuple[str, ...]
    """Processes on the way of a payment that do not answer."""
    options: ClientOptions | None = None
    operations_missing: tuple[str, ...] = ()
    """Processes that updates and logs need, and payments do not, that do not answer."""


EVENTS_SUBSCRIBE = Op("events.subscribe", Subscribe, Subscribed, right=Right.READ_ONLY)
STORE_STATUS = Op("store.status", Empty, StoreStatus, right=Right.READ_ONLY)

"""A connection to a service that stays open, as the services of the house have them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import structlog
import zmq

from tests.harness.base import StoreBase
from tpayd.kit.bus import Caller
from tpayd.kit.clock import SystemClock

__all__ = ["caller"]


@contextlib.asynccontextmanager
async def caller(store: StoreBase, service: str, name: str = "transaction") -> AsyncIterator[Caller]:
    """A connection to `service`, as `name` has it."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made = Caller(
        name, service, store.instance.rpc(service), context=context, clock=SystemClock(),
        log=structlog.get_logger(), software="test", incarnation="test",
    )  # fmt: skip
    made.start()
    try:
        yield made
    finally:
        await made.close()
        context.destroy(linger=0)

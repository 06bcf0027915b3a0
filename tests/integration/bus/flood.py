"""A process that serves and calls at once: `python -m tests.integration.bus.flood <own> <peer> <calls>`.

Prints `ready` when bound, and when its own calls are done the number of answers and of PROGRESS it got. It serves on
until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

import structlog
import zmq

from tests.integration.bus.ops import TALK, Count, OpenDoor, Turns
from tests.integration.bus.rig import serve_test_ops, until
from tpayd.kit.bus import Caller, Server
from tpayd.kit.clock import SystemClock
from tpayd.kit.linux import end_with_parent

IN_FLIGHT = 64


async def _main(own: str, peer: str, calls: int) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    clock = SystemClock()
    server = Server("server", own, context=context, clock=clock, log=log, admission=OpenDoor(), software="0")
    serve_test_ops(server)
    server.start()
    caller = Caller("cli", "server", peer, context=context, clock=clock, log=log, software="0", incarnation="0")
    caller.start()
    print("ready", flush=True)
    await until(lambda: caller.connected)
    numbers, heard = count(), [0, 0]

    def on_progress(_: object) -> None:
        heard[1] += 1

    async def call_on() -> None:
        for _ in iter(lambda: next(numbers) < calls, False):
            # Long enough that a lost wake-up shows as a failure instead of being healed by the deadline.
            assert Count(1) == await caller.call(TALK, Turns(1), ttl_s=60.0, on_progress=on_progress)
            heard[0] += 1

    await asyncio.gather(*(call_on() for _ in range(IN_FLIGHT)))
    print(*heard, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    end_with_parent()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

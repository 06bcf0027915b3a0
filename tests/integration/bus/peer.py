"""A server in a process of its own, to be stopped and killed.

`python -m tests.integration.bus.peer <endpoint> [<limit of its address space in MiB>]`
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
import zmq

from tests.integration.bus.ops import HANG, OpenDoor, Turns
from tests.integration.bus.rig import serve_test_ops
from tpayd.kit.bus import Request, Server
from tpayd.kit.clock import SystemClock
from tpayd.kit.linux import end_with_parent
from tpayd_contracts.operation import Empty

__all__ = ["ServerProcess"]

ROOT = Path(__file__).parents[3]


class ServerProcess:
    """Serves the test operations on an endpoint."""

    def __init__(self, *arguments: str, module: str = "tests.integration.bus.peer") -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._child: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def start(self) -> Self:
        """Start it and wait until it is bound."""
        path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        self._child = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}
        )
        assert "ready" == self.line()
        return self

    def line(self) -> str:
        """The next line it prints."""
        assert self._child is not None
        assert self._child.stdout is not None
        return self._child.stdout.readline().rstrip("\n")

    def send_signal(self, number: signal.Signals) -> None:
        assert self._child is not None
        self._child.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        if self._child is None:
            return
        self._child.kill()
        self._child.wait(10.0)
        assert self._child.stdout is not None
        self._child.stdout.close()
        self._child = None

    def exit_code(self, timeout_s: float) -> int:
        assert self._child is not None
        return self._child.wait(timeout_s)

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.kill()


def serve(server: Server) -> None:
    """The test operations, and those that only a process of its own can offer."""
    serve_test_ops(server)

    def hang(_request: Request, body: Turns) -> Empty:
        time.sleep(body.steps / 1000)
        return Empty()

    server.handle(HANG, hang)


async def _main(endpoint: str) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    server = Server(
        "server", endpoint, context=context, clock=SystemClock(), log=log, admission=OpenDoor(), software="0"
    )
    serve(server)
    server.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    end_with_parent()
    for mebibytes in sys.argv[2:]:
        resource.setrlimit(resource.RLIMIT_AS, (int(mebibytes) << 20, int(mebibytes) << 20))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(_main(sys.argv[1]))

"""The client needs pyzmq and msgpack and nothing else, and no call that Windows lacks."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
import zmq

import tpayd_client
from tpayd.kit.bus import Admitted, Peer, Server
from tpayd.kit.clock import SystemClock
from tpayd_client.request_log import OpenRequest
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.health import HEALTH, Health, Readiness

SOURCES = sorted(Path(tpayd_client.__file__).parent.glob("*.py"))
ALLOWED = {"msgpack", "zmq", "tpayd_client"}
POSIX_ONLY = {
    "fork", "getuid", "geteuid", "getgid", "fdatasync", "fchmod", "chown", "kill", "O_DIRECTORY", "O_NOFOLLOW",
    "O_CLOEXEC", "clock_gettime", "CLOCK_BOOTTIME", "add_signal_handler", "uname",
}  # fmt: skip
POSIX_MODULES = {"fcntl", "pwd", "grp", "resource", "termios", "pty", "syslog"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_a_module_asks_for_nothing_that_a_lane_pc_lacks(source: Path) -> None:
    """Imports and names, read from the source."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    modules = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    imported = {module.split(".")[0] for module in modules}
    assert set() == imported - ALLOWED - sys.stdlib_module_names
    assert set() == imported & POSIX_MODULES
    assert set() == {node.attr for node in nodes if isinstance(node, ast.Attribute)} & POSIX_ONLY


def test_it_imports_without_the_daemons_packages() -> None:
    """msgspec, structlog and the contracts are made impossible to import."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['msgspec', 'structlog', 'tpayd_contracts', 'tpayd']));"
        "import tpayd_client; print(tpayd_client.connect.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ("connect\n", "") == (done.stdout, done.stderr)


class WindowsLoop(asyncio.SelectorEventLoop):
    """Like the Proactor loop: no add_reader for those who come from outside."""

    def add_reader(self, fd: object, callback: object, *args: object) -> None:
        raise NotImplementedError


class AnyClient:
    def admit(self, peer: Peer, hello: Hello) -> Admitted:
        return Admitted(hello.client, frozenset({HEALTH.name}))

    def welcome(self, welcome: Welcome) -> Welcome:
        return welcome


class NoLog:
    def begin(self, lane: str, request_id: str) -> None: ...
    def end(self, request_id: str, verdict: str) -> None: ...
    def unresolved(self) -> tuple[OpenRequest, ...]:
        return ()

    def close(self) -> None: ...


def test_the_async_client_works_where_the_loop_watches_no_sockets(tmp_path: Path) -> None:
    """As on Windows, where the default loop cannot."""
    endpoint = f"ipc://{tmp_path}/gateway"
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    log = NoLog()

    async def serve(ready: asyncio.Event, done: asyncio.Event) -> None:
        server = Server(
            "gateway", endpoint, context=context, clock=SystemClock(), log=structlog.get_logger(),
            admission=AnyClient(), software="test", deadline_is_ttl=True,
        )  # fmt: skip
        server.handle(HEALTH, lambda *_: Health("gateway", Readiness.READY, "1", 1, 0.0, 0.0))
        server.start()
        ready.set()
        await done.wait()
        await server.close()

    async def both() -> str:
        loop = asyncio.get_running_loop()
        ready, done = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(serve(ready, done))
        await ready.wait()
        loop.add_reader = WindowsLoop.add_reader.__get__(loop)  # type: ignore[method-assign]
        async with tpayd_client.connect_async(endpoint, "till-1", request_log=log) as pos:
            health = await asyncio.wait_for(pos.health(), 5.0)
        done.set()
        await serving
        return health.service

    try:
        assert "gateway" == asyncio.run(both())
    finally:
        context.destroy(linger=0)


def test_two_threads_on_one_client_are_told_apart(tmp_path: Path) -> None:
    """A ZeroMQ socket used by two threads at once would end the process."""
    with tpayd_client.connect(f"ipc://{tmp_path}/none", "till-1", request_log=NoLog()) as pos, pos._one_thread():

        def other() -> str:
            try:
                pos.listen(0)
            except RuntimeError as error:
                return str(error)
            return "no error"

        async def in_thread() -> str:
            return await asyncio.to_thread(other)

        assert "make one for each thread" in asyncio.run(in_thread())

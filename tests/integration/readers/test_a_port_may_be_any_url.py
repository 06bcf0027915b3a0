"""A reader may hang on anything that pyserial opens: with a file descriptor or without, and it is found again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integration.readers.scripted import ScriptedReader
from tpayd.device_broker.drivers.driver import LineSettings
from tpayd.device_broker.port import Port


class Owner:
    """Keeps what a port tells, in order."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes | str] = asyncio.Queue()

    def on_open(self) -> None:
        self.heard.put_nowait("open")

    def on_data(self, data: bytes) -> None:
        self.heard.put_nowait(data)

    def on_lost(self, why: str) -> None:
        self.heard.put_nowait(f"lost: {why}")

    async def next(self) -> bytes | str:
        return await asyncio.wait_for(self.heard.get(), 10)

    async def until(self, beginning: str) -> str:
        while not (isinstance(heard := await self.next(), str) and heard.startswith(beginning)):
            pass
        return heard


def port(url: str, owner: Owner) -> Port:
    return Port(url, LineSettings(), owner, reopen_min_s=0.01, reopen_max_s=0.05)


def test_a_port_without_a_file_descriptor_is_polled() -> None:
    async def talk() -> None:
        owner = Owner()
        looped = port("loop://", owner)
        looped.start()
        assert await owner.next() == "open"
        looped.write(b"there and back")
        heard = b""
        while len(heard) < len(b"there and back"):
            part = await owner.next()
            assert isinstance(part, bytes)
            heard += part
        assert heard == b"there and back"
        looped.close()

    asyncio.run(talk())


def test_a_network_port_is_opened_again_when_its_server_comes_back() -> None:
    async def talk() -> None:
        arrived: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

        async def arrive(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await arrived.put(writer)

        server = await asyncio.start_server(arrive, "127.0.0.1", 0)
        number = server.sockets[0].getsockname()[1]
        owner = Owner()
        network = port(f"socket://127.0.0.1:{number}", owner)
        network.start()
        assert await owner.next() == "open"
        for _ in range(2):
            writer = await asyncio.wait_for(arrived.get(), 10)
            writer.write(b"hello")
            assert await owner.next() == b"hello"
            writer.close()
            assert (await owner.until("lost")).startswith("lost: ")
            await owner.until("open")
        network.close()
        last = await asyncio.wait_for(arrived.get(), 10)
        last.close()
        server.close()
        await server.wait_closed()

    asyncio.run(talk())


def test_a_path_that_leads_elsewhere_is_followed(tmp_path: Path) -> None:
    """The old device is still there and silent; the name now means another one."""

    async def talk() -> None:
        owner = Owner()
        with ScriptedReader(tmp_path / "line") as old, ScriptedReader(tmp_path / "new") as new:
            serial = port(str(tmp_path / "line"), owner)
            serial.start()
            assert await owner.next() == "open"
            (tmp_path / "new").rename(tmp_path / "line")
            serial.look()
            assert await owner.next() == "lost: unplugged"
            await owner.until("open")
            old.send(b"old")
            new.send(b"new")
            assert await owner.next() == b"new"
            serial.close()
            (tmp_path / "new").symlink_to("nowhere")

    asyncio.run(talk())


def test_a_missing_port_and_an_unknown_url_are_told_and_tried_again(tmp_path: Path) -> None:
    async def talk() -> None:
        for url, why in ((str(tmp_path / "none"), "lost: not there"), ("carrier-pigeon://x", "lost: invalid URL")):
            owner = Owner()
            missing = port(url, owner)
            missing.start()
            for _ in range(3):
                assert (await owner.until("lost")).startswith(why)
            missing.close()

    asyncio.run(talk())

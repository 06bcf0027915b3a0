"""A bundle to deliver, and what every delivery test says of its destination."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.harness.log_servers import PASSWORD, LogServer, SshServer
from tpayd.log_shipper.delivery import DestinationSettings, Progress, Receipt, Stage, deliver

SIZE_BYTES = 1_500_000


@dataclass
class Shipment:
    """One bundle, and all that was told of its deliveries."""

    home: Path
    bundle: Path
    content: bytes
    told: list[Progress] = field(default_factory=list)
    sending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first bytes have arrived."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    async def to(self, destination: DestinationSettings) -> Receipt:
        """One try."""
        return await deliver(self.bundle, self.sha256, destination, home=self.home, on_progress=self._note)

    def _note(self, progress: Progress) -> None:
        self.told.append(progress)
        if progress.stage is Stage.SENDING and progress.done_bytes:
            self.sending.set()

    def arrived(self, server: LogServer) -> dict[str, bytes]:
        """What lies at the vendor's."""
        return {file.name: file.read_bytes() for file in server.incoming.iterdir()}

    def whole(self) -> dict[str, bytes]:
        """What shall lie there in the end."""
        line = f"{self.sha256}  {self.bundle.name}\n".encode()
        return {self.bundle.name: self.content, f"{self.bundle.name}.sha256": line}

    def over_ssh(self, server: SshServer, *, port: int = 0, **changed: object) -> DestinationSettings:
        host = f"[{server.address}]" if ":" in server.address else server.address
        settings = {
            "url": f"sftp://{host}:{port or server.port}{server.incoming}", "user": server.user,
            "key_file": str(server.client_key), "host_key": (server.host_key,), "answer_s": 20.0,
        } | changed  # fmt: skip
        return DestinationSettings(**settings)  # type: ignore[arg-type]

    def over_ftp(self, server: LogServer, user: str, **changed: object) -> DestinationSettings:
        (self.home / "password").write_text(f"{PASSWORD}\n")
        settings = {
            "url": f"ftp://127.0.0.1:{server.port}/incoming", "user": user, "password_file": "password",
            "allow_plain_ftp": True, "answer_s": 20.0,
        } | changed  # fmt: skip
        return DestinationSettings(**settings)  # type: ignore[arg-type]


@pytest.fixture
def shipment(tmp_path: Path) -> Shipment:
    home = tmp_path / "home"
    home.mkdir()
    content = os.urandom(SIZE_BYTES)
    bundle = home / "store-cafe-20261122T120000Z-0b9a7a52-0000-4000-8000-3f6f1b1d2c3e.tar.zst.age"
    bundle.write_bytes(content)
    return Shipment(home, bundle, content)

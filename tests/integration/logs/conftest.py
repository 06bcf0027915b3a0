"""A store with a log_shipper, and a vendor: a real SFTP server, and the key that opens bundles."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import pyrage
import pytest
import zstandard

from tests.harness import Store, eventually
from tests.harness.log_servers import SshServer
from tpayd_contracts.logs import LOGS_SHIP, LOGS_STATUS, Bundle, LogsStatus, ShipLogs
from tpayd_contracts.operation import Empty


class Vendor:
    """His server and his key. Use it by `with`."""

    def __init__(self, directory: Path) -> None:
        self.server = SshServer(directory / "vendor")
        self.identity = pyrage.x25519.Identity.generate()

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        self.server.__exit__(*details)

    @property
    def recipient(self) -> str:
        return str(self.identity.to_public())

    def settings(self, *, port: int = 0, **changed: object) -> dict[str, object]:
        """What a store's log_shipper is told of him."""
        server = self.server
        return {
            "recipients": [self.recipient],
            "destination.url": f"sftp://127.0.0.1:{port or server.port}{server.incoming}",
            "destination.user": server.user,
            "destination.key_file": str(server.client_key),
            "destination.host_key": [server.host_key],
            "destination.answer_s": 20.0,
        } | changed

    def arrived(self) -> dict[str, bytes]:
        """What lies there."""
        return {path.name: path.read_bytes() for path in self.server.incoming.iterdir()}

    def opened(self, bundle: Bundle) -> dict[str, bytes]:
        """A bundle's files, proven whole by what lies beside it and by its own manifest."""
        arrived = self.arrived()
        content = arrived[bundle.name]
        assert bundle.sha256 == hashlib.sha256(content).hexdigest()
        assert f"{bundle.sha256}  {bundle.name}\n".encode() == arrived[f"{bundle.name}.sha256"]
        return unpacked(content, self.identity)


def unpacked(content: bytes, identity: Any) -> dict[str, bytes]:
    """Files by name. Fails where the manifest does not agree with them."""
    plain = io.BytesIO(zstandard.ZstdDecompressor().stream_reader(pyrage.decrypt(content, [identity])).read())
    with tarfile.open(fileobj=plain) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    manifest = json.loads(files["manifest.json"])
    listed = {f"log/{each['name']}": (each["size_bytes"], each["sha256"]) for each in manifest["files"]}
    found = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items() if name in listed}
    assert listed == found
    return files


class Shipping:
    """A store of which log_shipper alone runs, and what is asked of it."""

    def __init__(self, directory: Path, settings: Mapping[str, object]) -> None:
        self.store = Store(directory, services=("log_shipper",), settings={"log_shipper": dict(settings)})

    def __enter__(self) -> Self:
        self.store.__enter__()
        self.store.wait_ready("log_shipper")
        return self

    def __exit__(self, *details: Any) -> None:
        self.store.__exit__(*details)

    @property
    def outbox(self) -> Path:
        return self.store.instance.data / "outbox"

    def ship(self, *, timeout_s: float = 60.0, **body: Any) -> Bundle:
        """One request, and how it ended."""
        return self.store.ask("log_shipper", LOGS_SHIP, ShipLogs(**body), name="gateway", timeout_s=timeout_s)

    def status(self) -> LogsStatus:
        return self.store.ask("log_shipper", LOGS_STATUS, Empty(), name="gateway")

    def wait_for(self, identity: str, reached: Callable[[Bundle], bool]) -> Bundle:
        """Wait until a bundle is so far; also across deaths of the process."""

        def look() -> Bundle | None:
            try:
                status = self.status()
            except Exception:
                return None
            return next((one for one in (*status.open, *status.ended) if one.id == identity and reached(one)), None)

        found = eventually(look, timeout_s=60, what=f"bundle {identity} so far")
        assert isinstance(found, Bundle)
        return found

    def write_log(self, name: str, *lines: str) -> Path:
        """A log file as a process of the store would have left it."""
        path = self.store.instance.log / name
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        return path


@pytest.fixture
def vendor(tmp_path: Path) -> Any:
    with Vendor(tmp_path) as running:
        yield running


@pytest.fixture
def shipping(tmp_path: Path, vendor: Vendor) -> Any:
    with Shipping(tmp_path, vendor.settings()) as running:
        yield running

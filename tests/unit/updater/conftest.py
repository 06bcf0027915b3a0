"""A publisher, a server that fails on demand, and a store that trusts the publisher's root alone."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.releases import Publisher
from tpayd.sandbox.updates.server import UpdateServer
from tpayd.updater.patience import Limits
from tpayd.updater.trusted import TrustedRepository
from tpayd_contracts.sandbox_updates import UpdatesBehaviour, UpdatesFault

QUICK = Limits(connect_s=30.0, metadata_s=60.0, file_s=60.0, tries=2, busy_wait_s=0.0, retry_wait_s=0.01)
"""As in a store, but for the waits between two tries."""


@dataclasses.dataclass
class Scene:
    """All three."""

    publisher: Publisher
    server: UpdateServer
    directory: Path

    def client(self, limits: Limits = QUICK, root: bytes | None = None) -> TrustedRepository:
        """The store's side; each is what a process is after its start."""
        return TrustedRepository(self.directory, self.server.url, root or self.publisher.root, limits)

    def fail(self, fault: UpdatesFault, only: str = "*", *, at_bytes: int = 0, times: int = 0) -> None:
        """Have the server fail from now on."""
        self.server.behaviour = UpdatesBehaviour(fault, only, at_bytes, 20, times)

    def heal(self) -> None:
        """Have it serve well."""
        self.server.behaviour = UpdatesBehaviour()

    def trusted(self) -> dict[str, bytes]:
        """The metadata that the store keeps, by file."""
        return {path.name: path.read_bytes() for path in (self.directory / "metadata").glob("*.json")}

    def fetched(self) -> list[str]:
        """Names of the files that lie there whole."""
        return sorted(path.name for path in (self.directory / "files").glob("*/*") if path.name != ".part")

    def asked_for(self, part: str) -> list[tuple[str, str]]:
        """Requests so far whose path has this in it, with their Range header."""
        return [asked for asked in self.server.asked if part in asked[0]]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A repository without a release, and a store that has not looked yet.

    Nothing waits for the disk: these tests lose no power, and dozens of small files for each would wait for seconds.
    """
    monkeypatch.setattr(os, "fsync", lambda _: None)
    publisher = Publisher(tmp_path / "publisher")
    with UpdateServer(publisher.directory) as server:
        yield Scene(publisher, server, tmp_path / "updates")

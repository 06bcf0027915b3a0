"""Whatever becomes of another release, the version that ran before runs on and sells, and the reason is told."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomlkit

from ops.release.releasing import describe_release
from tests.harness.base import ALL_SERVICES
from tests.harness.next_release import dies_on_trial, hangs_at_start, released_wheel, staged_release
from tests.harness.releases import Publisher
from tests.harness.supervised import SupervisedStore
from tests.harness.waiting import eventually
from tpayd.kit.crashpoints import STAGING, VARIABLE, Switchboard
from tpayd.releases.book import Book
from tpayd.releases.journal import State
from tpayd.releases.layout import Layout
from tpayd.sandbox.updates.server import UpdateServer
from tpayd_client import TpaydError
from tpayd_client.types import ErrorCode, Verdict
from tpayd_contracts.updates import UpdateHistory, UpdateRecord, UpdateStatus, UpdateStep

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

OLD = "0.1.0"
LIMIT_BYTES = 2_000_000
"""More than the wheel with the large file has, and less than the file."""


class Shop:
    """A store that sells, and whoever publishes releases for it."""

    def __init__(self, store: SupervisedStore, publisher: Publisher, server: UpdateServer, wheel: Path) -> None:
        self.store = store
        self.publisher = publisher
        self.server = server
        self.layout = Layout(store.instance.home)
        self.release = describe_release([wheel], min_from=OLD, changelog={}, published_at=datetime.now(UTC))
        publisher.put("releases", {self.release.wheels[0].target: wheel.read_bytes()})
        publisher.put("releases", {f"releases/{self.release.version}.json": self.release.encode()})
        publisher.publish("releases")

    def ask(self, op: str, **body: object) -> Any:
        """As any client. Raises TpaydError."""
        with self.store.client() as pos:
            return pos.call(op, body, ttl_s=60)

    def status(self) -> UpdateStatus:
        return msgspec.convert(self.ask("update.status"), UpdateStatus)

    def last(self) -> UpdateRecord:
        """Of the history."""
        return msgspec.convert(self.ask("update.history", limit=1), UpdateHistory).records[0]

    def sells(self) -> tuple[str, str]:
        """The version in use, and what a customer hears."""
        self.store.wait_ready(timeout_s=60, degraded=False)
        self.store.hold_cards("visa-tap")
        with self.store.client() as pos:
            return self.layout.current(), pos.sale("1", 11_000).verdict.value

    def taken_back(self) -> None:
        """Have what is staged gone over to, and wait until it is gone."""
        self.ask("update.apply", now=True)
        book = Book(self.layout)
        eventually(lambda: book.attempt().state is State.ROLLED_BACK, timeout_s=120, what=lambda: f"{book.attempt()}")

    def restart_updater(self, **settings: float) -> None:
        """With other settings."""
        path = self.store.instance.settings_file("updater")
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
        document.update(settings)
        path.write_text(tomlkit.dumps(document), encoding="utf-8")
        self.store.wait_restarted("updater", self.store.kill("updater", signal.SIGTERM))
        self.store.wait_ready("updater")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("updates")
    publisher = Publisher(directory / "publisher")
    wheel = released_wheel(directory, "9.5.0", dies_on_trial("transaction"))
    with UpdateServer(publisher.directory) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "1")
        updater = {"repository_url": server.url, "check_every_h": 0, "window": "", "trial_s": 60.0}
        services = (*ALL_SERVICES, "updater")
        store = SupervisedStore(directory, services=services, lanes=1, readers=1, settings={"updater": updater})
        (store.instance.config / "updates_root.json").write_bytes(publisher.root)
        with store:
            store.open_shop(card="visa-tap")
            yield Shop(store, publisher, server, wheel)


def refused(shop: Shop, op: str, version: str) -> TpaydError:
    """What is said of it."""
    with pytest.raises(TpaydError) as refusal:
        shop.ask(op, version=version)
    return refusal.value


def test_a_downgrade_is_refused(shop: Shop) -> None:
    """An older number, and a newer one that could not read what is on disk: both by name, and nothing is fetched."""
    shop.publisher.release("0.0.9")
    shop.publisher.release("9.1.0", journal_revision="0000")
    older = refused(shop, "update.apply", "0.0.9")
    assert (ErrorCode.NOT_FOUND, "0.0.9 is not newer than 0.1.0, which runs") == (older.code, older.body.message)
    unreadable = refused(shop, "update.apply", "9.1.0")
    assert ErrorCode.UPDATE_FAILED is unreadable.code
    assert unreadable.body.message.startswith("9.1.0 cannot be gone over to: its journal has schema 0000, older than ")
    assert [] == [path for path in (shop.layout.updates / "files").glob("*/*") if path.suffix == ".whl"]
    assert (OLD, "PAID") == shop.sells()


def test_a_disk_that_fills_while_it_is_installed(shop: Shop, tmp_path: Path) -> None:
    """Not a byte of a half installed release stays. The kernel says EFBIG here, where a full disk says ENOSPC."""

    def grows(site: Path) -> None:
        (site / "tpayd" / "large.bin").write_bytes(bytes(2 * LIMIT_BYTES))

    wheel = released_wheel(tmp_path, "9.2.0", grows)
    assert wheel.stat().st_size < LIMIT_BYTES
    release = shop.release
    shop.publisher.release(
        "9.2.0", own=wheel.read_bytes(), journal_revision=release.journal_revision,
        keystore_version=release.keystore_version,
    )  # fmt: skip
    pid = shop.store.pid("updater")
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (LIMIT_BYTES, before[1]))
    try:
        full = refused(shop, "update.download", "9.2.0")
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    assert ErrorCode.STORAGE_FAILED is full.code
    assert full.body.message.startswith("9.2.0 could not be installed: ")
    assert full.body.message.endswith("; free some space, then try again")
    assert full.body.message == shop.status().text
    assert [] == [path.name for path in shop.layout.releases.glob("*9.2.0")]
    assert (OLD, "PAID") == shop.sells()


def test_a_release_that_hangs(shop: Shop) -> None:
    """A process that runs and never says a word: the limit for being ready is what ends it."""
    shop.restart_updater(ready_limit_s=5.0)
    staged_release(shop.layout.home, "9.3.0", hangs_at_start("transaction"))
    shop.taken_back()
    assert (OLD, "PAID") == shop.sells()
    told = shop.last()
    assert ("9.3.0", "rolled_back", "it was not ready within 5 s") == (told.version, told.outcome.value, told.text)


def test_a_death_while_it_is_installed_and_one_on_trial(shop: Shop) -> None:
    """kill -9 of the updater at each step of the installing; the next try goes on from what was fetched.

    What it installs is healthy, and dies once all was ready: taken back as well.
    """
    shop.restart_updater(ready_limit_s=120.0)
    board = Switchboard.of(shop.store.instance)
    for point in STAGING:
        shop.store.forgive_crashes()
        pid = shop.store.pid("updater")
        board.arm((point, 1))
        refused(shop, "update.download", "9.5.0")
        shop.store.wait_restarted("updater", pid)
        shop.store.wait_ready("updater")
        assert (([], UpdateStep.IDLE, OLD)) == (board.armed(), shop.status().step, shop.layout.current())
    assert Verdict.PAID.value == shop.sells()[1]

    shop.ask("update.download", version="9.5.0")
    fetched = [path for path, _ in shop.server.asked if path.endswith("tpayd-9.5.0-py3-none-any.whl")]
    assert ("9.5.0", 1) == (shop.status().staged, len(fetched))

    shop.taken_back()
    assert (OLD, "PAID") == shop.sells()
    told = shop.last()
    assert ("9.5.0", "rolled_back") == (told.version, told.outcome.value)
    assert "transaction died" in told.text

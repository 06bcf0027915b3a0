"""T19, reader firmware update: asked and checked, brought into the reader, tested after, remembered; nobody pays at it.

Through the real processes: updater, broker, key manager, gateway, a repository over HTTP, and the command line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness import Said, Store, eventually, tpayd
from tests.harness.firmware import MODEL, Firmware
from tests.harness.releases import Publisher
from tpayd.kit.bus import CallError
from tpayd.sandbox.updates.server import UpdateServer
from tpayd_client import Pos, TpaydError, Verdict
from tpayd_client.types import DeviceState, ErrorCode

pytestmark = pytest.mark.timeout(300)

SERVICES = ("sandbox_host", "sandbox_readers", "host_link", "device_broker", "key_manager", "transaction", "gateway")
READERS = [
    {"name": "reader-1", "model": MODEL, "mode": "RS232", "flash_ms": 0, "auto_card": "visa-tap", "auto_delay_ms": 0},
    {"name": "reader-2", "model": "DUALI-77", "flash_ms": 0, "auto_card": "visa-tap", "auto_delay_ms": 0},
]
LIMIT_S = 60.0


@dataclass
class Shop:
    """A store with one reader of SCSpro's make and one of DUALi's, and the vendors' repository."""

    store: Store
    publisher: Publisher
    server: UpdateServer
    pos: Pos

    def publish(self, *images: Firmware, vendor: str = "scspro") -> None:
        """Offer these from now on."""
        files = {}
        for image in images:
            files[f"{image.name}.bin"] = image.content
            files[f"{image.name}.json"] = image.description(vendor=vendor)
        self.publisher.firmware(vendor, files)

    def run(self, *arguments: str) -> Said:
        return tpayd("firmware", *arguments, home=self.store.instance.home)

    def check(self, name: str) -> dict[str, Any]:
        told = self.pos.call("firmware.check", {"device": name}, ttl_s=LIMIT_S)
        [standing] = told["readers"]
        found: dict[str, Any] = standing
        return found

    def refusal(self, op: str, body: dict[str, Any]) -> TpaydError:
        with pytest.raises(TpaydError) as caught:
            self.pos.call(op, body, ttl_s=LIMIT_S)
        return caught.value

    def is_free(self, name: str) -> bool:
        """Whether payments get it; False while nobody can tell."""
        try:
            found = [each for each in self.pos.devices().devices if each.name == name]
        except TpaydError:
            return False
        return bool(found) and found[0].state is DeviceState.READY and not found[0].bars

    def wait_free(self, name: str) -> None:
        eventually(lambda: self.is_free(name), timeout_s=LIMIT_S, what=f"{name} serves payments")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("t19")
    publisher = Publisher(directory)
    with UpdateServer(publisher.directory) as server:
        settings: dict[str, dict[str, object]] = {
            "sandbox_readers": {"readers": READERS},
            "updater": {"repository_url": server.url},
        }
        store = Store(directory, services=(*SERVICES, "updater"), lanes=1, settings=settings)
        (store.instance.config / "updates_root.json").write_bytes(publisher.root)
        with store:
            store.open_shop()
            with store.client() as pos:
                eventually(lambda: _answers(pos), timeout_s=LIMIT_S, what="the updater answers")
                yield Shop(store, publisher, server, pos)


def _answers(pos: Pos) -> bool:
    try:
        pos.call("firmware.history", {})
    except TpaydError:
        return False
    return True


def test_with_nothing_offered_everybody_has_the_newest(shop: Shop) -> None:
    listed = shop.run("check", "--json")
    assert 0 == listed.status
    assert ["newest", "newest"] == [each["verdict"] for each in listed.json["readers"]]


def test_scspro_is_asked_once_checked_and_updated(shop: Shop) -> None:
    """Asked, checked against its own report, confirmed, remembered; then updated, tested, and a test sale advised."""
    shop.publish(Firmware("01.02"), Firmware("01.02", mode="USB"))
    standing = shop.check("reader-1")
    assert ("ask_mode", "RS232", ["RS232", "USB"], "01.02") == (
        standing["verdict"], standing["reported_mode"], standing["modes"], standing["target"],
    )  # fmt: skip
    assert "리더기를 분리하지 마십시오." == standing["notes_ko"]

    unasked = shop.refusal("firmware.update", {"device": "reader-1"})
    assert (ErrorCode.INVALID_BODY, "ask_mode") == (unasked.code, unasked.detail)
    wrong = shop.run("mode", "reader-1", "USB", "--confirm")
    assert (2, True) == (wrong.status, "firmware for USB would end it" in wrong.out + wrong.err), wrong
    unconfirmed = shop.refusal("firmware.mode", {"device": "reader-1", "mode": "RS232"})
    assert "$.confirm" == unconfirmed.field
    assert 0 == shop.run("mode", "reader-1", "RS232", "--confirm").status

    heard: list[Any] = []
    shop.pos.subscribe(["firmware.state"], lambda _, event: heard.append(event))
    done = shop.run("update", "reader-1")
    assert 0 == done.status, done
    assert "reader-1 has firmware 01.02 (before: 01.00)" in done.out
    assert "its self-test passed, and its key is in force" in done.out
    assert "do a test payment" in done.out
    shop.wait_free("reader-1")
    eventually(lambda: _heard(shop, heard), timeout_s=LIMIT_S, what=lambda: f"the end as an event; {heard}")
    assert {"fetching", "transferring", "restarting", "checking"} <= {each.progress.step.value for each in heard}

    assert "01.00 -> 01.02" in shop.run("history").out
    assert ("newest", "RS232") == (shop.check("reader-1")["verdict"], shop.check("reader-1")["mode"])
    paid = shop.pos.sale("1", 11_000)
    assert Verdict.PAID == paid.verdict


def _heard(shop: Shop, heard: list[Any]) -> bool:
    shop.pos.listen(0.5)
    return any(event.progress.step.value == "done" for event in heard)


def test_duali_is_not_asked_and_a_port_by_hand_is_known(shop: Shop) -> None:
    """By its port instead of its name, without a question; the wrong daemon and the wrong model are told before."""
    image = Firmware("02.01", "DUALI-77", "any")
    shop.publish(image, vendor="duali")
    listed = shop.run("update", "--port", "sandbox/readers/reader-2", "--baud", "38400", "--json")
    assert (0, "02.01", "reader-2") == (listed.status, listed.json["after"], listed.json["device"]), listed
    shop.wait_free("reader-2")
    refused = shop.refusal("firmware.update", {"device": "reader-2"})
    assert (ErrorCode.READER_UNAVAILABLE, "newest") == (refused.code, refused.detail)
    young = Firmware("02.09", "DUALI-77", "any")
    files = {f"{young.name}.bin": young.content}
    files[f"{young.name}.json"] = young.description(vendor="duali", min_daemon="9.0.0")
    shop.publisher.firmware("duali", files)
    assert ("refused", True) == (
        shop.check("reader-2")["verdict"], "needs tpayd 9.0.0" in shop.check("reader-2")["text"],
    )  # fmt: skip
    assert "needs tpayd 9.0.0: first" in shop.run("list").out


def test_a_flipped_bit_and_a_foreign_path_reach_no_reader(shop: Shop) -> None:
    """The repository's keys answer for the image; a description of another vendor's path is none."""
    assert 0 == shop.run("mode", "reader-1", "RS232", "--confirm").status
    before = shop.check("reader-1")["firmware"]
    shop.publish(Firmware("01.03"))
    image = Firmware("01.03")
    [path] = shop.publisher.directory.glob(f"targets/firmware/scspro/*.{image.name}.bin")
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    refused = shop.refusal("firmware.update", {"device": "reader-1"})
    assert (ErrorCode.UNAVAILABLE, "update_wrong_content") == (refused.code, refused.detail)
    assert "The reader was not touched" in refused.message
    path.write_bytes(content)
    shop.wait_free("reader-1")
    assert before == shop.check("reader-1")["firmware"]
    assert ("01.03", "failed") == _newest(shop)


def test_a_dead_updater_finishes_what_it_began(shop: Shop) -> None:
    """In the middle of a transfer the power goes and the updater is killed: the next one brings it to its end."""
    assert 0 == shop.run("mode", "reader-1", "RS232", "--confirm").status
    shop.publish(Firmware("01.04"))
    shop.store.sandbox.power_fails_at("reader-1", 9_000)
    with ThreadPoolExecutor(1) as aside:
        work = aside.submit(_update_quietly, shop)
        eventually(lambda: not shop.store.sandbox.readers().readers[0].plugged, timeout_s=LIMIT_S, what="the power cut")
        assert not shop.is_free("reader-1")
        shop.store.restart("updater")
        shop.store.sandbox.plug("reader-1")
        work.result()
    eventually(
        lambda: _newest(shop) == ("01.04", "updated"), timeout_s=LIMIT_S, what=lambda: f"an end: {_newest(shop)}"
    )  # fmt: skip
    shop.wait_free("reader-1")
    assert "01.04" == shop.check("reader-1")["firmware"]
    book = shop.store.instance.data / "reader_firmware.json"
    assert '"pending": {}' in book.read_text(encoding="utf-8")


def test_a_dead_broker_is_waited_for(shop: Shop) -> None:
    """The broker is killed instead: the next one keeps the reader from payments, and gets the same order again."""
    assert 0 == shop.run("mode", "reader-1", "RS232", "--confirm").status
    shop.publish(Firmware("01.05"))
    shop.store.sandbox.power_fails_at("reader-1", 9_000)
    with ThreadPoolExecutor(1) as aside:
        work = aside.submit(shop.run, "update", "reader-1", "--json")
        eventually(lambda: not shop.store.sandbox.readers().readers[0].plugged, timeout_s=LIMIT_S, what="the power cut")
        shop.store.restart("device_broker")
        shop.store.sandbox.plug("reader-1")
        done = work.result()
    assert (0, "01.05") == (done.status, done.json["after"]), done
    shop.wait_free("reader-1")
    assert ("01.05", "updated") == _newest(shop)


def _update_quietly(shop: Shop) -> None:
    with pytest.raises(CallError):
        asyncio.run(_ask_update(shop))


async def _ask_update(shop: Shop) -> None:
    from tpayd_contracts.firmware import FIRMWARE_UPDATE, UpdateFirmware

    body = UpdateFirmware(device="reader-1")
    await asyncio.to_thread(shop.store.ask, "updater", FIRMWARE_UPDATE, body, name="gateway", timeout_s=10.0)


def _newest(shop: Shop) -> tuple[str, str] | None:
    try:
        records = shop.pos.call("firmware.history", {"limit": 1})["records"]
    except TpaydError:
        return None
    return (records[0]["after"], records[0]["outcome"]) if records else None


def test_metrics_count_them(shop: Shop) -> None:
    text = _scrape(shop.store, "updater")
    assert "tpayd_updater_firmware_updates_running 0.0" in text
    assert 'tpayd_updater_firmware_updates_total{outcome="failed"}' in text
    assert "tpayd_device_broker_firmware_transfers_running 0.0" in _scrape(shop.store, "device_broker")


def _scrape(store: Store, service: str) -> str:
    from urllib.request import urlopen

    port = int(store.instance.run_file(service, "metrics").read_text())
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        found: str = answer.read().decode()
    return found

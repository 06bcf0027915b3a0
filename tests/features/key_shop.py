"""A shop whose keys expire when the test says so."""

from __future__ import annotations

import threading
import tomllib
import urllib.request
from collections.abc import Callable, Mapping

import tomlkit
from msgspec import structs

from tests.harness import Store, eventually
from tpayd.key_manager.places import provider_of, store_file
from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.key_manager.store import KeyStore, Step
from tpayd_client import Pos
from tpayd_client.types import Device, KeyInfo, LineState, PaymentResult
from tpayd_client.types import KeyState as ToldState
from tpayd_contracts.keys import KeyState, KeyUsage

DAY_MS = 86_400_000
LIFE_MS = 1095 * DAY_MS


class KeyShop:
    """Two lanes, two readers, all keys exchanged, a card at each reader."""

    def __init__(self, store: Store, pos: Pos) -> None:
        self.store = store
        self.pos = pos

    def sale(self, lane: str = "1", amount: int = 11_000) -> PaymentResult:
        return self.pos.sale(lane, amount)

    def key(self, device: str) -> KeyInfo:
        """The key of a reader that is in force, or was until it expired."""
        (found,) = [
            key for key in self.pos.keys().keys
            if key.device == device and key.state in (ToldState.ACTIVE, ToldState.EXPIRED)
        ]  # fmt: skip
        return found

    def terminal_key(self, terminal_id: str) -> KeyInfo:
        (found,) = [
            key for key in self.pos.keys().keys
            if key.owner == terminal_id and key.state in (ToldState.ACTIVE, ToldState.EXPIRED)
        ]  # fmt: skip
        return found

    def device(self, name: str) -> Device:
        return next(device for device in self.pos.devices().devices if device.name == name)

    def wait_bars(self, name: str, *, barred: bool) -> None:
        """Until the broker has been told of this reader's key."""
        eventually(lambda: bool(self.device(name).bars) is barred, timeout_s=30, what=f"{name} barred: {barred}")

    def exchange_all(self) -> None:
        """Fresh keys for everybody."""
        for lane in self.store.plan.lane_names:
            self.pos.exchange_terminal_key(f"TPAY{int(lane):04d}")
        for reader in self.store.plan.reader_names:
            self.pos.exchange_reader_key(reader)
            self.wait_bars(reader, barred=False)

    def redate(self, left_ms: int, which: Callable[[KeyRecord], bool]) -> None:
        """Have these keys in force expire in `left_ms`; below 0, they expired so long ago."""
        store = self.store
        store["key_manager"].stop()
        keys = KeyStore.open(store_file(store.instance.data), provider_of(store.instance, KeyManagerSettings()))
        loaded = keys.load()
        now_ms = loaded.ticks.floor_ms
        for key in loaded.records:
            if key.state is KeyState.ACTIVE and which(key):
                expires_ms = now_ms + left_ms
                dated = structs.replace(
                    key, version=key.version + 1, injected_at_ms=expires_ms - LIFE_MS, expires_at_ms=expires_ms,
                    warned_days=None,
                )  # fmt: skip
                keys.change(now_ms, Step("date", key.key_id, dated))
        keys.close()
        self.restart("key_manager")

    def restart(self, service: str) -> None:
        """Start it (again), and wait until the store can sell as far as its keys let it."""
        if self.store[service].running:
            self.store["sandbox_host" if service == "sandbox_host" else service].stop()
        self.store.start(service)
        self.store.wait_ready(degraded=True)
        eventually(self.line_is_up, timeout_s=30, what="a line to the card host")
        eventually(self._can_list, timeout_s=30, what="the key manager behind the gateway")
        eventually(
            lambda: self.store.reaches_all("transaction") and self.store.reaches("key_manager", "host_link"),
            timeout_s=30,
            what="all that a payment needs behind transaction and key manager",
        )

    def set(self, service: str, values: Mapping[str, object]) -> None:
        """Change a settings file, as a person would, and restart the service."""
        file = self.store.instance.settings_file(service)
        document = tomlkit.parse(file.read_text(encoding="utf-8"))
        document.update(values)
        file.write_text(tomlkit.dumps(document), encoding="utf-8")
        assert values.items() <= tomllib.loads(file.read_text(encoding="utf-8")).items()
        self.restart(service)

    def metric(self, name: str) -> float:
        """A sample of the key manager's."""
        port = self.store.instance.run_file("key_manager", "metrics").read_text().strip()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
            lines = page.read().decode().splitlines()
        return next(float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == name)

    def line_is_up(self) -> bool:
        return any(line.state is LineState.SIGNED_ON for line in self.pos.host_status().lines)

    def _can_list(self) -> bool:
        try:
            self.pos.keys()
        except Exception:
            return False
        return True


class Sale(threading.Thread):
    """A sale of its own, on a connection of its own."""

    def __init__(self, store: Store, lane: str) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._lane = lane
        self.status: PaymentResult | None = None

    def run(self) -> None:
        with self._store.client() as pos:
            self.status = pos.sale(self._lane, 11_000)


def of_reader(device: str) -> Callable[[KeyRecord], bool]:
    return lambda key: key.usage is KeyUsage.READER_DATA and key.device == device

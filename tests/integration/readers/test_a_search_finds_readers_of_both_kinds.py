"""`device.scan` asks in every installed driver's words: a reader of another protocol is found, and not disturbed."""

from __future__ import annotations

from pathlib import Path

from tests.harness import Store
from tests.integration.readers.counter import wait_for
from tpayd_contracts.fleet import DEVICE_SCAN, PortState, ScanDevices


def test_a_new_neo_reader_is_found_beside_a_known_one(tmp_path: Path) -> None:
    readers = [{"name": "reader-1"}, {"name": "reader-2", "protocol": "neo"}]
    settings: dict[str, dict[str, object]] = {
        "sandbox_readers": {"readers": readers},
        "device_broker": {"devices": [{"name": "reader-1", "port": "sandbox/readers/reader-1"}]},
    }
    with Store(tmp_path, services=("sandbox_readers", "device_broker"), readers=2, settings=settings) as store:
        wait_for(store, "reader-1", timeout_s=30)
        wish = ScanDevices(ports=("sandbox/readers/reader-1", "sandbox/readers/reader-2"))
        result = store.ask("device_broker", DEVICE_SCAN, wish, name="gateway", timeout_s=90)
        known, found = result.ports
        assert (PortState.KNOWN, "reader-1") == (known.state, known.device)
        assert (PortState.FOUND, "neo", "SBX0000002") == (found.state, found.driver, found.serial_number)

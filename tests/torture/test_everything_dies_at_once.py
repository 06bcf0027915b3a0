"""kill -9 of everything and `tpayd up`: every open request has its verdict within two seconds."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import uuid
from pathlib import Path

import pytest

from tests.harness import SupervisedStore, eventually
from tests.torture.oracle import Oracle
from tests.torture.told import Told
from tpayd.supervision.processes import processes_of
from tpayd_client import TpaydError
from tpayd_contracts.sandbox import HostMode

LANES = 4
VERDICT_MAX_S = 2.0
QUICK: dict[str, dict[str, object]] = {
    "transaction": {
        "answer_wait_s": 15.0, "host_max_processing_s": 15.0, "reversal_waits_s": [0.3, 1.0], "lease_renew_s": 2.0,
        "signature": "off",
    },
    "device_broker": {"lease_ttl_s": 5.0},
}  # fmt: skip


@pytest.mark.alone
def test_every_open_request_has_its_verdict(tmp_path: Path) -> None:
    """Three sales that wait for the host, and one that waits for a card."""
    with SupervisedStore(tmp_path, lanes=LANES, readers=LANES, settings=QUICK) as store:
        store.open_shop(card="visa-ic")
        store.sandbox.host(HostMode.SILENT)
        store.sandbox.auto("reader-1", "")
        asked = {lane: str(uuid.uuid4()) for lane in store.plan.lane_names}
        tills = [threading.Thread(target=sell, args=(store, lane, asked[lane])) for lane in asked]
        for till in tills:
            till.start()
        eventually(lambda: leased(store) == LANES, timeout_s=20, what="every lane at a reader")
        eventually(lambda: store.sandbox.host_status().approvals == LANES - 1, timeout_s=20, what="the host's bookings")
        kill_everything(store)
        store.up()
        store.wait_ready("gateway", "transaction", degraded=True)
        ready_s = time.monotonic()
        with store.client(connect_timeout_s=VERDICT_MAX_S) as pos:
            found = [pos.status(lane, request_id) for lane, request_id in asked.items()]
        waited_s = time.monotonic() - ready_s
        assert ["NOT_PAID"] * LANES == [str(result.verdict) for result in found]
        assert waited_s < VERDICT_MAX_S
        store.wait_ready()
        told = [Told(lane, request_id, amount_of(lane), "NOT_PAID", "?") for lane, request_id in asked.items()]
        oracle = Oracle(store, told)
        assert [] == oracle.settle()
        assert [] == oracle.disagreements()
        for till in tills:
            till.join(60)


def amount_of(lane: str) -> int:
    """Each lane's own, so that the books can be compared."""
    return 10_000 * int(lane)


def sell(store: SupervisedStore, lane: str, request_id: str) -> None:
    """A till whose payment is under way when everything dies."""
    with store.client(connect_timeout_s=30) as pos, contextlib.suppress(TpaydError):
        pos.sale(lane, amount_of(lane), request_id=request_id, timeout_s=20)


def leased(store: SupervisedStore) -> int:
    """How many readers are lent."""
    with store.client() as pos:
        return sum(device.leased_to is not None for device in pos.devices().devices)


def kill_everything(store: SupervisedStore) -> None:
    """As if the machine had been switched off, with the files as they are."""
    for pid in (store.launcher_pid, store.supervisor.pid(), *processes_of(store.instance.home)):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not processes_of(store.instance.home), timeout_s=10, what="the end of everything")

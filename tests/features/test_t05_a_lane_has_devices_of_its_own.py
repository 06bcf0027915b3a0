"""T5: a lane has up to three devices of its own [장치 1-3] and must reach an IC reader, or is told what to mend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import Store, eventually
from tests.harness.command_line import tpayd
from tpayd_client import PaymentProgress, Pos
from tpayd_client.types import DeviceFault, LineState, PaymentResult, Reason, Verdict

OWN, FOUR_DEVICES, SHARED, NO_IC, CLAIMED = "1", "2", "3", "4", "5"
"""Lanes: one with a reader of its own; one with a device too many; one without a profile; one that reaches no reader of
chip cards; one that claims another lane's."""


def _device(number: int, label: str, **more: Any) -> dict[str, Any]:
    return {"name": f"reader-{number}", "port": f"sandbox/readers/reader-{number}", "label": label, **more}


SETTINGS: dict[str, dict[str, Any]] = {
    "device_broker": {
        "pools": [{"name": "counter", "label": "Counter"}, {"name": "pads", "lanes": [NO_IC]}],
        "devices": [
            _device(1, "Till 1"),
            _device(2, "Counter A", pool="counter"),
            _device(3, "Pad", pool="pads", abilities=["sign", "pin"]),
            _device(4, "Till 5"),
        ],
        "lanes": [
            {"name": OWN, "devices": ["reader-1"], "pools": ["counter"]},
            {"name": FOUR_DEVICES, "devices": ["reader-4", "scale", "drawer", "printer"]},
            {"name": NO_IC, "pools": ["pads"]},
            {"name": CLAIMED, "devices": ["reader-4"]},
        ],
    }
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("lanes"), lanes=5, readers=4, settings=SETTINGS) as running:
        running.wait_ready(degraded=True)
        with running.client() as pos:
            eventually(lambda: all(d.reader_id for d in pos.devices().devices), timeout_s=60, what="readers known")
            eventually(
                lambda: any(line.state is LineState.SIGNED_ON for line in pos.host_status().lines),
                timeout_s=60, what="a line to the card host",
            )  # fmt: skip
            for lane in running.plan.lane_names:
                pos.exchange_terminal_key(f"TPAY{int(lane):04d}")
            for reader in running.plan.reader_names:
                pos.exchange_reader_key(reader)
        running.hold_cards("visa-ic")
        yield running


def sale(store: Store, lane: str) -> tuple[PaymentResult, list[str]]:
    """A sale, and the readers that its customer was sent to."""
    sent_to: list[str] = []

    def told(progress: PaymentProgress) -> None:
        if progress.step == "present_card" and progress.reader is not None:
            sent_to.append(progress.reader)

    with store.client() as pos:
        wait_free(pos)
        # With a fraction of a second until the card comes, the customer is asked for it, and the POS hears of that.
        for reader in store.plan.reader_names:
            store.sandbox.auto(reader, "visa-ic", delay_ms=500)
        return pos.sale(lane, 11_000, on_progress=told, timeout_s=60), sent_to


def wait_free(pos: Pos) -> None:
    eventually(
        lambda: all(device.state == "ready" for device in pos.devices().devices), timeout_s=60, what="readers free"
    )


def test_a_lane_pays_on_its_own_reader_and_the_others_on_the_shared_ones(store: Store) -> None:
    paid, sent_to = sale(store, OWN)
    assert (Verdict.PAID, {"Till 1"}) == (paid.verdict, set(sent_to))
    paid, sent_to = sale(store, SHARED)
    assert (Verdict.PAID, {"Counter A"}) == (paid.verdict, set(sent_to))


def test_a_lane_whose_own_reader_is_away_is_sent_to_its_pool(store: Store) -> None:
    """It is told where that is."""
    with store.client() as pos:
        pos.maintenance("reader-1", on=True, reason="new cable")
        try:
            paid, sent_to = sale(store, OWN)
        finally:
            pos.maintenance("reader-1", on=False)
    assert (Verdict.PAID, {"Counter A"}) == (paid.verdict, set(sent_to))


@pytest.mark.parametrize(
    ("lane", "field", "text"),
    [
        (FOUR_DEVICES, "lanes[1].devices", "has 4 devices of its own, and may have 3: put the others into a pool"),
        (NO_IC, "lanes[2].devices", "reaches no reader of chip cards: give it one of its own, or a pool that has one"),
        (CLAIMED, "lanes[3].devices", "both claim reader-4: leave it in one profile, or put it into a pool"),
    ],
)
def test_a_lane_at_fault_is_told_what_to_mend_and_charges_nobody(
    store: Store, lane: str, field: str, text: str
) -> None:
    """The POS hears NOT PAID; the settings' fault is told with its place, to whoever looks at the devices."""
    with store.client() as pos:
        refused = pos.sale(lane, 11_000, timeout_s=60)
        assert (Verdict.NOT_PAID, Reason.READER_UNAVAILABLE) == (refused.verdict, refused.reason)
        found = _fault(pos, lane)
        story = pos.explain(lane, refused.request_id)
    assert field == found.field
    assert text in found.text
    assert any(f"{field}: {found.text[:30]}" in step.text for step in story.steps)


def test_the_faults_stand_below_the_list(store: Store) -> None:
    home = store.instance.home
    assert "lanes[1].devices: lane 2 has 4 devices of its own" in tpayd("devices", "list", home=home).out
    shown = tpayd("devices", "list", "--json", home=home).json
    assert {FOUR_DEVICES, NO_IC, CLAIMED} == {fault["lane"] for fault in shown["faults"] if fault["lane"]}


def _fault(pos: Pos, lane: str) -> DeviceFault:
    return next(fault for fault in pos.devices().faults if fault.lane == lane)

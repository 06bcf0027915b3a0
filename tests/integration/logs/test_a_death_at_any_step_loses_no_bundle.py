"""log_shipper is killed at each step of a bundle's way: what was asked for arrives all the same, whole and once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import eventually
from tests.integration.logs.conftest import Shipping, Vendor
from tpayd.kit.bus import CallError
from tpayd.kit.crashpoints import OUTBOX, VARIABLE, Switchboard
from tpayd_contracts.errors import Outcome
from tpayd_contracts.logs import BundleState


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shipping, Vendor]]:
    place = tmp_path_factory.mktemp("deaths")
    with pytest.MonkeyPatch.context() as patch, Vendor(place) as vendor:
        patch.setenv(VARIABLE, "1")
        with Shipping(place, vendor.settings()) as store:
            store.write_log("gateway.20260131T120000Z.jsonl", *('{"event":"x"}' for _ in range(1000)))
            yield store, vendor


@pytest.mark.parametrize("point", OUTBOX)
def test_it_arrives_whole_and_once(killable: tuple[Shipping, Vendor], point: str) -> None:
    """Whether it was asked, packed, named, recorded, delivered or ended when the process died; nothing stays behind."""
    shipping, vendor = killable
    store = shipping.store
    before = vendor.arrived().keys()
    Switchboard.of(store.instance).arm((point, 1))
    asked = _ask(shipping)
    eventually(lambda: not store["log_shipper"].running, timeout_s=30, what=f"a death at {point}")
    store.instance.run_file("log_shipper", "starts").unlink(missing_ok=True)
    store.start("log_shipper")
    bundle = shipping.wait_for(asked, lambda one: one.state is BundleState.SHIPPED)

    assert {bundle.name, f"{bundle.name}.sha256"} == vendor.arrived().keys() - before
    vendor.opened(bundle)
    assert [] == [path.name for path in shipping.outbox.iterdir() if path.suffix != ".json"]


def _ask(shipping: Shipping) -> str:
    """Ask without waiting for the end; the answer may be lost with the process, but not what is on disk."""
    known = {path.stem for path in shipping.outbox.glob("*.json")}
    while True:
        try:
            return shipping.ship(wait=False, timeout_s=3).id
        except CallError as error:
            asked = [path.stem for path in shipping.outbox.glob("*.json") if path.stem not in known]
            if asked:
                return asked[0]
            if error.outcome is not Outcome.NOT_STARTED:
                raise

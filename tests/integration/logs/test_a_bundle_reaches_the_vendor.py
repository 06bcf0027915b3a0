"""Logs are on the vendor's server within a minute of the request, whole, whatever becomes of the line."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tests.harness.cutting_proxy import CuttingProxy
from tests.integration.logs.conftest import Shipping, Vendor
from tpayd_contracts.logs import BundleState

WITHIN_S = 60.0


def test_it_arrives_within_a_minute_over_three_cuts_with_the_same_hash(tmp_path: Path, vendor: Vendor) -> None:
    """The request is answered when it has; the bundle opens with the vendor's key and holds the logs byte by byte."""
    cuts = [200_000, 300_000, 250_000]
    with CuttingProxy(vendor.server.port, cuts) as line, Shipping(tmp_path, vendor.settings(port=line.port)) as store:
        noise = [json.dumps({"event": "noise", "hex": os.urandom(2000).hex().translate(LETTERS)}) for _ in range(600)]
        written = store.write_log("gateway.20260131T120000Z.jsonl", *noise).read_bytes()
        began_s = time.monotonic()
        bundle = store.ship(reason="a test")
        took_s = time.monotonic() - began_s
        files = vendor.opened(bundle)

    assert BundleState.SHIPPED == bundle.state
    assert took_s < WITHIN_S
    assert (4, 4) == (bundle.tries, line.connections)
    assert written == files["log/gateway.20260131T120000Z.jsonl"]
    assert {bundle.name, f"{bundle.name}.sha256"} == vendor.arrived().keys()


LETTERS = str.maketrans("0123456789", "ghijklmnop")
"""No digits: random ones would be card numbers now and then."""

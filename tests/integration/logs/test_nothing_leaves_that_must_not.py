"""A card number in a log stops the bundle before a byte of it leaves, and is said nowhere."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.harness import tpayd
from tests.integration.logs.conftest import Shipping, Vendor
from tpayd.cli.exits import Exit
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.logs import BundleState

CARD = "4111111111111111"


def test_a_planted_card_number_stops_the_bundle_until_it_is_scrubbed(shipping: Shipping, vendor: Vendor) -> None:
    """File, line and kind are told, by the answer, `logs status` and `logs check`; after `logs scrub` it leaves."""
    store = shipping.store
    shipping.write_log(
        "gateway.jsonl", '{"event":"fine"}', json.dumps({"event": f"card {CARD[:4]}-{CARD[4:]} refused"})
    )
    stopped = shipping.ship()
    checked = tpayd("logs", "check", "--json", home=store.instance.home)
    problems = shipping.status()
    arrived = dict(vendor.arrived())
    scrubbed = tpayd("logs", "scrub", "gateway.jsonl", home=store.instance.home)
    shipped = shipping.ship()

    assert (BundleState.STOPPED, {}) == (stopped.state, arrived)
    assert "gateway.jsonl, line 2: card number" in stopped.detail
    assert "tpayd logs scrub" in stopped.detail
    assert [stopped] == list(problems.ended)
    assert (Exit.NO, [{"file": "gateway.jsonl", "line": 2, "kinds": ["card number"]}]) == (
        checked.status, checked.json["findings"]
    )  # fmt: skip
    assert Exit.OK == scrubbed.status
    assert BundleState.SHIPPED == shipped.state
    assert b"fine" in vendor.opened(shipped)["log/gateway.jsonl"]
    assert [] == store.card_number_leaks()
    told = re.sub(r"[^0-9]", "", (store.instance.log / "log_shipper.jsonl").read_text())
    assert CARD not in told


def test_bad_requests_are_refused_by_name(shipping: Shipping) -> None:
    """Nothing is kept of them."""
    refused = []
    for body in ({"reason": f"card {CARD}"}, {"since_ms": 2000, "until_ms": 1000}):
        with pytest.raises(CallError) as caught:
            shipping.ship(**body)
        refused.append((caught.value.code, caught.value.field))
        assert CARD not in caught.value.message

    assert [(ErrorCode.INVALID_BODY, "$.reason"), (ErrorCode.INVALID_BODY, "$.until_ms")] == refused
    assert () == shipping.status().open


def test_what_waits_for_its_hours_waits_and_what_is_urgent_does_not(tmp_path: Path, vendor: Vendor) -> None:
    """`later` is packed at once and told; `now` goes past it."""
    opens = datetime.now().astimezone() + timedelta(hours=11)  # far from now, whenever the test runs
    window = f"{opens:%H:%M}-{opens + timedelta(hours=1):%H:%M}"
    with Shipping(tmp_path, {**vendor.settings(), "later_window": window}) as shipping:
        later = shipping.ship(priority="later", wait=False)
        shipping.wait_for(later.id, lambda one: one.state is BundleState.PACKED)
        now = shipping.ship()

        assert BundleState.SHIPPED == now.state
        assert [later.id] == [one.id for one in shipping.status().open]
        assert {now.name, f"{now.name}.sha256"} == vendor.arrived().keys()

"""A POS may print a lane's signature from a file; no other lane's, no earlier customer's, and only where it is set."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from tests.harness import Store
from tests.harness.waiting import eventually
from tests.integration.readers.conftest import SERVICES
from tests.integration.readers.counter import counter_of, error_of, wait_for
from tpayd_contracts.device import Ability
from tpayd_contracts.sandbox import Signing

SIGN = (Ability.SIGN,)


def test_each_lane_has_its_last_customers_signature_alone(tmp_path: Path) -> None:
    settings = {"device_broker": {"signature_file": "signatures/{lane}.bmp"}}
    with Store(tmp_path, services=SERVICES, readers=1, settings=settings) as shop:
        wait_for(shop, "reader-1")
        kept = shop.instance.home / "signatures" / "1.bmp"

        async def sign(signing: Signing) -> bytes:
            shop.sandbox.customer("reader-1", signing=signing, delay_ms=0)
            async with counter_of(shop) as counter:
                lease = await counter.acquire("1", abilities=SIGN)
                try:
                    return (await counter.sign(lease)).image
                finally:
                    await counter.release(lease)

        image = asyncio.run(sign(Signing.SIGNS))
        eventually(kept.exists, timeout_s=5, what="the signature's file")
        assert (image, 0o640) == (kept.read_bytes(), stat.S_IMODE(kept.stat().st_mode))
        asyncio.run(error_of(sign(Signing.REFUSES)))
        eventually(lambda: not kept.exists(), timeout_s=5, what="the earlier signature gone")
        assert [] == list(kept.parent.iterdir())


def test_a_place_that_cannot_be_written_costs_no_payment(tmp_path: Path) -> None:
    settings = {"device_broker": {"signature_file": "/proc/no/{lane}.bmp"}}
    with Store(tmp_path, services=SERVICES, readers=1, settings=settings) as shop:
        wait_for(shop, "reader-1")
        shop.sandbox.customer("reader-1", delay_ms=0)

        async def sign() -> int:
            async with counter_of(shop) as counter:
                return (await counter.sign(await counter.acquire("1", abilities=SIGN))).points

        assert asyncio.run(sign()) == 38
        eventually(
            lambda: any(line["event"] == "signature.not_kept" for line in shop.logs("device_broker")),
            timeout_s=5, what="a warning",
        )  # fmt: skip


def test_a_path_that_lanes_would_share_is_refused(tmp_path: Path) -> None:
    settings = {"device_broker": {"signature_file": "signature.bmp"}}
    with Store(tmp_path, services=(), settings=settings) as shop:
        shop.start("device_broker")
        assert shop["device_broker"].exit_status() == 78
        assert "signature_file: {lane} is missing" in shop["device_broker"].output.read_text()

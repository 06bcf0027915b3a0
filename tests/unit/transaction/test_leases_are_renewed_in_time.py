"""A broker whose leases end between two renewals would take readers from payments under way: the log says so, once."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
import structlog
from structlog.testing import capture_logs

from tpayd.kit.bus import Caller
from tpayd.kit.logs import Log
from tpayd.transaction.steps.leases import Leases
from tpayd_contracts.device import Lease


@pytest.mark.parametrize(("renew_s", "ttl_s", "expected"), [(5.0, 9.9, 1), (5.0, 10.0, 0), (5.0, 15.0, 0)])
def test_who_renews_too_rarely_is_told(renew_s: float, ttl_s: float, expected: int) -> None:
    """By both settings, each with its file; not again for each payment."""

    async def hold() -> list[Any]:
        with capture_logs() as told:
            leases = Leases(cast("Caller", None), cast("Log", structlog.get_logger()), renew_s)
            for number in range(3):
                leases.hold(Lease(f"l-{number}", number, "reader-1", "Reader 1", "", ttl_s))
        return [each for each in told if each["event"] == "leases.renewed_too_rarely"]

    found = asyncio.run(hold())

    assert expected == len(found)
    for each in found:
        assert (renew_s, ttl_s) == (each["lease_renew_s"], each["lease_ttl_s"])
        assert "config/transaction.toml" in each["then"]

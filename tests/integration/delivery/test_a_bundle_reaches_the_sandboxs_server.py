"""SFTP against the sandbox's server (asyncssh), which fails as told: the bundle is whole in the end, or we hear why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.delivery.conftest import SIZE_BYTES, Shipment
from tpayd.log_shipper.delivery import DeliveryError, DestinationSettings, Reason, Verified
from tpayd.sandbox.logs.identity import INCOMING, PASSWORD, USER, host_key
from tpayd.sandbox.logs.server import LogsServer
from tpayd_contracts.sandbox_logs import LogsBehaviour, LogsFault


class Vendor:
    """The server, in this event loop."""

    def __init__(self, server: LogsServer, home: Path) -> None:
        self.server = server
        self._home = home

    def fails(self, fault: LogsFault, at_bytes: int = 0, times: int = 0) -> None:
        self.server.faults.behaviour = LogsBehaviour(fault, at_bytes, times)

    def reached(self, **changed: object) -> DestinationSettings:
        (self._home / "password").write_text(f"{PASSWORD}\n")
        settings = {
            "url": self.server.url, "user": USER, "password_file": "password", "host_key": (host_key(),),
        } | changed  # fmt: skip
        return DestinationSettings(**settings)  # type: ignore[arg-type]

    @property
    def incoming(self) -> Path:
        return self.server.directory / INCOMING

    def files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.incoming.iterdir()}


@pytest.fixture
async def vendor(tmp_path: Path, shipment: Shipment) -> AsyncIterator[Vendor]:
    server = LogsServer(tmp_path / "vendor", 0)
    server.start()
    yield Vendor(server, shipment.home)
    await server.close()


async def test_three_cuts_are_survived(vendor: Vendor, shipment: Shipment) -> None:
    """By a password, over asyncssh's own server; what has arrived is not sent again."""
    vendor.fails(LogsFault.CUT, 400_000, times=3)
    for _ in range(3):
        with pytest.raises(DeliveryError) as caught:
            await shipment.to(vendor.reached())
        assert Reason.CUT == caught.value.reason
    receipt = await shipment.to(vendor.reached())

    assert shipment.whole() == vendor.files()
    assert (SIZE_BYTES - 1_200_000, Verified.HASH, 4) == (
        receipt.sent_bytes, receipt.verified, vendor.server.connections,
    )  # fmt: skip


@pytest.mark.parametrize("there", [0, 700_000])
async def test_a_size_that_is_a_lie_ends_in_the_whole_bundle(vendor: Vendor, shipment: Shipment, there: int) -> None:
    """The server tells more than it has; what is read back counts."""
    vendor.fails(LogsFault.WRONG_SIZE, 5000)
    if there:
        (vendor.incoming / f"{shipment.bundle.name}.part").write_bytes(shipment.content[:there])
    receipt = await shipment.to(vendor.reached())

    assert shipment.whole() == vendor.files()
    assert (bool(there), Verified.HASH) == (receipt.started_over, receipt.verified)


async def test_a_server_that_lets_nobody_read_is_taken_by_its_size(vendor: Vendor, shipment: Shipment) -> None:
    """The receipt says how little is known."""
    vendor.fails(LogsFault.WRITE_ONLY)
    receipt = await shipment.to(vendor.reached())

    assert shipment.whole() == vendor.files()
    assert Verified.SIZE == receipt.verified


@pytest.mark.parametrize(
    ("fault", "reason", "problem"),
    [
        (LogsFault.FULL, Reason.NO_SPACE, "is full .*; its operator has to make room"),
        (LogsFault.READ_ONLY, Reason.PERMISSION, "does not let this user write"),
        (LogsFault.REFUSED, Reason.CUT, "ended"),
    ],
)
async def test_a_refusal_says_what_to_do_and_the_next_try_succeeds(
    vendor: Vendor, shipment: Shipment, fault: LogsFault, reason: Reason, problem: str
) -> None:
    """Each by its own reason; when it is mended, nothing else has to be done."""
    vendor.fails(fault, 300_000)
    with pytest.raises(DeliveryError, match=problem) as caught:
        await shipment.to(vendor.reached())
    assert reason == caught.value.reason

    vendor.fails(LogsFault.NONE)
    await shipment.to(vendor.reached())
    assert shipment.whole() == vendor.files()


async def test_a_wrong_password(vendor: Vendor, shipment: Shipment) -> None:
    """The message names the user, and neither password."""
    destination = vendor.reached()
    (shipment.home / "password").write_text("battery staple\n")
    with pytest.raises(DeliveryError, match=f"does not accept user {USER} with this password") as caught:
        await shipment.to(destination)

    assert Reason.LOGIN == caught.value.reason
    assert "battery" not in str(caught.value)


async def test_a_user_cannot_leave_the_directory(vendor: Vendor, shipment: Shipment, tmp_path: Path) -> None:
    """The sandbox's server shows nothing else of this machine."""
    outside = vendor.server.url.replace(f"/{INCOMING}", str(tmp_path))
    with pytest.raises(DeliveryError) as caught:
        await shipment.to(vendor.reached(url=outside))

    assert Reason.NO_DIRECTORY == caught.value.reason

"""Trying a destination: each step is told, the host key to be pinned is shown, and nothing stays at the vendor's."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from cryptography import x509

from tests.harness.authority import Authority
from tests.harness.log_servers import FaultyFtp, SshServer, VsFtpd
from tests.harness.ports import free_ports
from tests.integration.delivery.conftest import Shipment
from tpayd.log_shipper.delivery import DeliveryError, DestinationSettings
from tpayd.log_shipper.delivery.checking import StepName, check_destination

ALL = [StepName.CONNECTION, StepName.IDENTITY, StepName.LOGIN, StepName.WRITING]


async def test_an_unpinned_host_key_is_shown_and_pinned_then(tmp_path: Path, shipment: Shipment) -> None:
    """What is shown is what the setting takes; before it is set, no user is named to the server."""
    with SshServer(tmp_path / "vendor") as server:
        first = await check_destination(shipment.over_ssh(server, host_key=()), shipment.home)
        log = (server.directory / "output").read_text()
        assert first.identity is not None
        second = await check_destination(shipment.over_ssh(server, host_key=(first.identity.value,)), shipment.home)

        assert {} == shipment.arrived(server)
    assert (False, ALL[:2]) == (first.ok, [step.name for step in first.steps])
    assert (server.host_key, "destination.host_key") == (first.identity.value, first.identity.setting)
    assert server.user not in log
    assert (True, ALL) == (second.ok, [step.name for step in second.steps])
    assert "a file was written, read back, renamed and deleted" == second.steps[-1].detail


async def test_a_directory_that_may_not_be_written_is_found_out(tmp_path: Path, shipment: Shipment) -> None:
    """All steps but the last."""
    with SshServer(tmp_path / "vendor", read_only=True) as server:
        checked = await check_destination(shipment.over_ssh(server), shipment.home)

    assert [True, True, True, False] == [step.ok for step in checked.steps]
    assert "does not let this user write" in checked.steps[-1].detail


async def test_nobody_answers(tmp_path: Path, shipment: Shipment) -> None:
    """Only the first step."""
    server = SshServer(tmp_path / "vendor")
    checked = await check_destination(shipment.over_ssh(server, port=free_ports(1)[0]), shipment.home)

    assert [(StepName.CONNECTION, False)] == [(step.name, step.ok) for step in checked.steps]


async def test_no_destination(tmp_path: Path) -> None:
    """The setting is named."""
    with pytest.raises(DeliveryError, match=r"destination\.url is empty in config/log_shipper\.toml"):
        await check_destination(DestinationSettings(), tmp_path)


async def test_a_certificate_is_shown_whether_or_not_it_is_trusted(tmp_path: Path, shipment: Shipment) -> None:
    """And can be pinned as it is shown."""
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.issue("vendor", x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    with VsFtpd(tmp_path / "vendor", certificate, key) as server:
        url = f"ftps://127.0.0.1:{server.port}{server.incoming}"
        strange = shipment.over_ftp(server, server.user, url=url, allow_plain_ftp=False)
        first = await check_destination(strange, shipment.home)
        assert first.identity is not None
        pinned = shipment.over_ftp(
            server, server.user, url=url, allow_plain_ftp=False, certificate_sha256=(first.identity.value,)
        )
        second = await check_destination(pinned, shipment.home)

    assert [(StepName.CONNECTION, True), (StepName.IDENTITY, False)] == [(step.name, step.ok) for step in first.steps]
    assert "is not trusted" in first.steps[-1].detail
    assert (True, ALL) == (second.ok, [step.name for step in second.steps])


async def test_plain_ftp_says_what_it_is(tmp_path: Path, shipment: Shipment) -> None:
    """It works, and nobody shall think that it is safe."""
    with FaultyFtp(tmp_path / "vendor") as server:
        checked = await check_destination(shipment.over_ftp(server, server.user), shipment.home)

        assert {} == shipment.arrived(server)
    assert (True, None) == (checked.ok, checked.identity)
    assert "all can be read on the way" in checked.steps[1].detail

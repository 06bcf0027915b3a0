"""SFTP against OpenSSH's sshd: whole, resumed, verified, or refused with the way out."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.harness.cutting_proxy import CuttingProxy
from tests.harness.log_servers import SshServer
from tests.harness.ports import free_ports
from tests.integration.delivery.conftest import SIZE_BYTES, Shipment
from tpayd.log_shipper.delivery import DeliveryError, Reason, Stage, Verified


async def test_it_arrives_whole_under_its_name_with_its_hash_beside(tmp_path: Path, shipment: Shipment) -> None:
    """And nothing else stays there; progress only grows, and ends with all of it."""
    with SshServer(tmp_path / "vendor") as server:
        receipt = await shipment.to(shipment.over_ssh(server))

        assert shipment.whole() == shipment.arrived(server)
    assert (shipment.sha256, SIZE_BYTES, SIZE_BYTES) == (receipt.sha256, receipt.size_bytes, receipt.sent_bytes)
    assert (Verified.HASH, False) == (receipt.verified, receipt.started_over)
    assert f"sftp://127.0.0.1:{server.port}{server.incoming}/{shipment.bundle.name}" == receipt.url
    done = [each.done_bytes for each in shipment.told]
    assert sorted(done) == done
    assert (Stage.CONNECTING, Stage.FINISHING) == (shipment.told[0].stage, shipment.told[-1].stage)


async def test_a_delivery_goes_on_where_three_cuts_left_it(tmp_path: Path, shipment: Shipment) -> None:
    """Each try adds to what is there; what has arrived is not sent again, but for what was on its way."""
    # Half a MiB at most is on its way without an answer, so the first two bring something for certain.
    cuts = [700_000, 700_000, 100_000]
    with SshServer(tmp_path / "vendor") as server, CuttingProxy(server.port, cuts) as proxy:
        places = []
        for _ in range(3):
            with pytest.raises(DeliveryError) as caught:
                await shipment.to(shipment.over_ssh(server, port=proxy.port))
            assert Reason.CUT == caught.value.reason
            places.append(caught.value.done_bytes)
        receipt = await shipment.to(shipment.over_ssh(server, port=proxy.port))

        assert shipment.whole() == shipment.arrived(server)
    assert sorted(places) == places
    assert 0 < places[0] < places[1]
    assert receipt.sent_bytes <= SIZE_BYTES - places[2]
    assert (Verified.HASH, False, 4) == (receipt.verified, receipt.started_over, proxy.connections)


async def test_a_part_of_another_bundle_is_replaced(tmp_path: Path, shipment: Shipment) -> None:
    """Its last bytes are not ours: it is found before one byte is sent after it."""
    with SshServer(tmp_path / "vendor") as server:
        (server.incoming / f"{shipment.bundle.name}.part").write_bytes(b"x" * 700_000)
        receipt = await shipment.to(shipment.over_ssh(server))

        assert shipment.whole() == shipment.arrived(server)
    assert (True, SIZE_BYTES) == (receipt.started_over, receipt.sent_bytes)


async def test_a_part_that_is_damaged_before_its_end_is_found_by_the_hash(tmp_path: Path, shipment: Shipment) -> None:
    """The size is right, the last bytes are right, and the bundle is sent once more from the start."""
    with SshServer(tmp_path / "vendor") as server:
        damaged = b"\0" * 4096 + shipment.content[4096:1_000_000]
        (server.incoming / f"{shipment.bundle.name}.part").write_bytes(damaged)
        receipt = await shipment.to(shipment.over_ssh(server))

        assert shipment.whole() == shipment.arrived(server)
    assert (True, SIZE_BYTES + 500_000) == (receipt.started_over, receipt.sent_bytes)


async def test_a_part_longer_than_the_bundle_is_replaced(tmp_path: Path, shipment: Shipment) -> None:
    """Nothing of it can be gone on with, and none of it stays behind the bundle's end."""
    with SshServer(tmp_path / "vendor") as server:
        (server.incoming / f"{shipment.bundle.name}.part").write_bytes(shipment.content + b"more")
        receipt = await shipment.to(shipment.over_ssh(server))

        assert shipment.whole() == shipment.arrived(server)
    assert receipt.started_over


async def test_a_try_cut_at_its_last_step_is_finished(tmp_path: Path, shipment: Shipment) -> None:
    """The bundle has its name already: it is checked, not sent, and gets its hash."""
    with SshServer(tmp_path / "vendor") as server:
        (server.incoming / shipment.bundle.name).write_bytes(shipment.content)
        receipt = await shipment.to(shipment.over_ssh(server))

        assert shipment.whole() == shipment.arrived(server)
    assert (0, Verified.HASH) == (receipt.sent_bytes, receipt.verified)


async def test_a_damaged_file_under_its_name_is_replaced(tmp_path: Path, shipment: Shipment) -> None:
    """A bundle is never taken for delivered because something has its name."""
    with SshServer(tmp_path / "vendor") as server:
        (server.incoming / shipment.bundle.name).write_bytes(b"x" * SIZE_BYTES)
        receipt = await shipment.to(shipment.over_ssh(server))

        assert shipment.whole() == shipment.arrived(server)
    assert SIZE_BYTES == receipt.sent_bytes


async def test_by_size_alone_nothing_is_read_back(tmp_path: Path, shipment: Shipment) -> None:
    """As the settings say; the vendor has the hash beside it."""
    with SshServer(tmp_path / "vendor") as server:
        receipt = await shipment.to(shipment.over_ssh(server, verify="size"))

        assert shipment.whole() == shipment.arrived(server)
    assert Verified.SIZE == receipt.verified


async def test_ipv6_works(tmp_path: Path, shipment: Shipment) -> None:
    """An address in brackets, as URLs have it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with SshServer(tmp_path / "vendor", address="::1") as server:
        receipt = await shipment.to(shipment.over_ssh(server))

        assert shipment.whole() == shipment.arrived(server)
    assert receipt.url.startswith(f"sftp://[::1]:{server.port}/")


@pytest.mark.parametrize("pin", ["SHA256:" + "A" * 43, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEaEvOoLl0", ""])
async def test_a_wrong_host_key_ends_it_before_anything_is_told(tmp_path: Path, shipment: Shipment, pin: str) -> None:
    """No user, no password: the message shows the server's key and says whom to ask."""
    with SshServer(tmp_path / "vendor") as server:
        with pytest.raises(DeliveryError) as caught:
            await shipment.to(shipment.over_ssh(server, host_key=(pin,) if pin else ()))
        log = (server.directory / "output").read_text()

    assert Reason.HOST_KEY == caught.value.reason
    assert "shows the host key SHA256:" in str(caught.value) or "`tpayd logs check-destination`" in str(caught.value)
    assert "Accepted" not in log
    assert server.user not in log


async def test_a_fingerprint_is_a_pin_as_well(tmp_path: Path, shipment: Shipment) -> None:
    """As ssh-keygen prints it, one of several."""
    with SshServer(tmp_path / "vendor") as server:
        with pytest.raises(DeliveryError) as caught:
            await shipment.to(shipment.over_ssh(server, host_key=("SHA256:" + "A" * 43,)))
        shown = str(caught.value).partition("host key ")[2].partition(",")[0]
        await shipment.to(shipment.over_ssh(server, host_key=("SHA256:" + "A" * 43, shown)))

        assert shipment.whole() == shipment.arrived(server)


async def test_a_strangers_key_is_not_let_in(tmp_path: Path, shipment: Shipment) -> None:
    """The message names the user and what to mend."""
    with SshServer(tmp_path / "vendor") as server, SshServer(tmp_path / "other") as other:
        destination = shipment.over_ssh(server, key_file=str(other.client_key))
        with pytest.raises(DeliveryError, match=f"does not accept user {server.user} with this key") as caught:
            await shipment.to(destination)

    assert Reason.LOGIN == caught.value.reason


async def test_a_directory_that_is_not_there(tmp_path: Path, shipment: Shipment) -> None:
    """It is named, and nothing is made in another one."""
    with SshServer(tmp_path / "vendor") as server:
        place = f"sftp://127.0.0.1:{server.port}{server.directory}/nowhere"
        with pytest.raises(DeliveryError, match=r"has no directory .*/nowhere; correct destination.url") as caught:
            await shipment.to(shipment.over_ssh(server, url=place))

    assert Reason.NO_DIRECTORY == caught.value.reason


async def test_a_directory_that_may_not_be_written(tmp_path: Path, shipment: Shipment) -> None:
    """A right is missing: that is the vendor's to mend."""
    with SshServer(tmp_path / "vendor", read_only=True) as server:
        with pytest.raises(DeliveryError, match="does not let this user write") as caught:
            await shipment.to(shipment.over_ssh(server))

        assert {} == shipment.arrived(server)
    assert Reason.PERMISSION == caught.value.reason


async def test_a_server_that_falls_silent_is_left(tmp_path: Path, shipment: Shipment) -> None:
    """The line stands and nothing moves: the try ends, and the next one goes on."""
    with SshServer(tmp_path / "vendor") as server:
        silent = pytest.raises(DeliveryError, match=r"nothing has come or gone for 3 s \(answer_s\)")
        with CuttingProxy(server.port, [750_000], hang=True) as proxy, silent as caught:
            await shipment.to(shipment.over_ssh(server, port=proxy.port, answer_s=3.0))
        receipt = await shipment.to(shipment.over_ssh(server))

        assert shipment.whole() == shipment.arrived(server)
    assert Reason.CUT == caught.value.reason
    assert receipt.sent_bytes < SIZE_BYTES


async def test_a_drip_is_too_slow(tmp_path: Path, shipment: Shipment) -> None:
    """Something moves all the time, and yet it would take days."""
    with SshServer(tmp_path / "vendor") as server, CuttingProxy(server.port, pause_s=0.02) as proxy:
        destination = shipment.over_ssh(server, port=proxy.port, answer_s=3.0, least_bytes_per_s=1_000_000)
        with pytest.raises(DeliveryError, match="least_bytes_per_s is 1000000") as caught:
            await shipment.to(destination)

    assert Reason.TOO_SLOW == caught.value.reason


async def test_a_whole_try_has_a_deadline(tmp_path: Path, shipment: Shipment) -> None:
    """What has arrived stays for the next try."""
    with SshServer(tmp_path / "vendor") as server, CuttingProxy(server.port, [750_000], hang=True) as proxy:
        destination = shipment.over_ssh(server, port=proxy.port, deadline_s=2.0)
        with pytest.raises(DeliveryError, match=r"not done within 2 s \(deadline_s\)") as caught:
            await shipment.to(destination)

    assert Reason.TOO_SLOW == caught.value.reason


async def test_a_cancelled_delivery_ends_at_once_and_is_gone_on_with(tmp_path: Path, shipment: Shipment) -> None:
    """As at a stop of the daemon."""
    with SshServer(tmp_path / "vendor") as server:
        with CuttingProxy(server.port, [750_000], hang=True) as proxy:
            sending = asyncio.ensure_future(shipment.to(shipment.over_ssh(server, port=proxy.port)))
            async with asyncio.timeout(30):
                await shipment.sending.wait()
                sending.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await sending
        receipt = await shipment.to(shipment.over_ssh(server))

        assert shipment.whole() == shipment.arrived(server)
    assert receipt.sent_bytes < SIZE_BYTES


async def test_nobody_listens(shipment: Shipment, tmp_path: Path) -> None:
    """The address is shown, since that is what to look at."""
    server = SshServer(tmp_path / "vendor")
    [port] = free_ports(1)
    with pytest.raises(DeliveryError, match=f"no connection to 127.0.0.1 port {port}: ") as caught:
        await shipment.to(shipment.over_ssh(server, port=port))

    assert Reason.UNREACHABLE == caught.value.reason


async def test_a_bundle_that_changed_is_not_sent(tmp_path: Path, shipment: Shipment) -> None:
    """Nor one that is gone: neither becomes right by another try."""
    server = SshServer(tmp_path / "vendor")
    shipment.bundle.write_bytes(b"something else")
    with pytest.raises(DeliveryError, match="is not the bundle that was announced") as caught:
        await shipment.to(shipment.over_ssh(server))
    assert Reason.BUNDLE == caught.value.reason
    shipment.bundle.unlink()
    with pytest.raises(DeliveryError, match="cannot be read: No such file") as caught:
        await shipment.to(shipment.over_ssh(server))
    assert Reason.BUNDLE == caught.value.reason


@pytest.mark.parametrize(("file", "problem"), [(b"no key", "is no private SSH key"), (None, "cannot be read")])
async def test_a_key_file_that_is_none(tmp_path: Path, shipment: Shipment, file: bytes | None, problem: str) -> None:
    """The setting is named, and nothing that stands in the file."""
    server = SshServer(tmp_path / "vendor")
    if file is not None:
        (shipment.home / "id").write_bytes(file)
    with pytest.raises(DeliveryError, match=f"destination.key_file: .*{problem}") as caught:
        await shipment.to(shipment.over_ssh(server, key_file="id"))

    assert Reason.SETTINGS == caught.value.reason
    assert "no key" not in str(caught.value)

"""FTPS against vsftpd, which wants one TLS session on both connections, and FTP against pyftpdlib with its faults."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from tests.harness.authority import Authority
from tests.harness.log_servers import PASSWORD, FaultyFtp, VsFtpd
from tests.integration.delivery.conftest import SIZE_BYTES, Shipment
from tpayd.log_shipper.delivery import DeliveryError, DestinationSettings, Reason, Stage, Verified

LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


class Tls:
    """A vsftpd with a certificate, and how to know it."""

    def __init__(self, directory: Path, *, implicit: bool = False) -> None:
        directory.mkdir()
        self.authority = Authority(directory, "authority")
        self.certificate, key = self.authority.issue("vendor", LOOPBACK)
        self.server = VsFtpd(directory / "vendor", self.certificate, key, implicit=implicit)

    def reached(self, shipment: Shipment, **changed: object) -> DestinationSettings:
        settings: dict[str, object] = {
            "url": f"ftps://127.0.0.1:{self.server.port}{self.server.incoming}",
            "allow_plain_ftp": False,
            "ca_file": str(self.authority.file),
        }
        return shipment.over_ftp(self.server, self.server.user, **settings | changed)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(self.certificate).read_text())).hexdigest()


@pytest.mark.parametrize("implicit", [False, True])
async def test_it_arrives_whole_over_tls(tmp_path: Path, shipment: Shipment, implicit: bool) -> None:
    """The data connections take up the control connection's session, or vsftpd would refuse them."""
    tls = Tls(tmp_path / "tls", implicit=implicit)
    with tls.server:
        receipt = await shipment.to(tls.reached(shipment, implicit_tls=implicit))

        assert shipment.whole() == shipment.arrived(tls.server)
    assert (SIZE_BYTES, False, Verified.HASH) == (receipt.sent_bytes, receipt.started_over, receipt.verified)
    done = [each.done_bytes for each in shipment.told]
    assert sorted(done) == done
    assert Stage.FINISHING == shipment.told[-1].stage


async def test_it_goes_on_at_the_servers_size_over_tls(tmp_path: Path, shipment: Shipment) -> None:
    """What a cut try has left is not sent again."""
    tls = Tls(tmp_path / "tls")
    with tls.server:
        (tls.server.incoming / f"{shipment.bundle.name}.part").write_bytes(shipment.content[:1_000_001])
        receipt = await shipment.to(tls.reached(shipment))

        assert shipment.whole() == shipment.arrived(tls.server)
    assert (SIZE_BYTES - 1_000_001, False) == (receipt.sent_bytes, receipt.started_over)


async def test_a_pinned_certificate_needs_no_signer(tmp_path: Path, shipment: Shipment) -> None:
    """And with colons between the digits, as openssl prints them."""
    tls = Tls(tmp_path / "tls")
    pin = ":".join(tls.fingerprint[place : place + 2] for place in range(0, 64, 2)).upper()
    with tls.server:
        await shipment.to(tls.reached(shipment, ca_file="", certificate_sha256=(pin,)))

        assert shipment.whole() == shipment.arrived(tls.server)


async def test_a_certificate_that_is_not_the_pinned_one(tmp_path: Path, shipment: Shipment) -> None:
    """Not even where a known signer made it; the password is not sent."""
    tls = Tls(tmp_path / "tls")
    with tls.server:
        with pytest.raises(DeliveryError, match=f"with the SHA-256 {tls.fingerprint}, and dest") as caught:
            await shipment.to(tls.reached(shipment, certificate_sha256=("ab" * 32,)))

        assert {} == shipment.arrived(tls.server)
    assert Reason.CERTIFICATE == caught.value.reason


async def test_a_certificate_of_an_unknown_signer(tmp_path: Path, shipment: Shipment) -> None:
    """The message says what to set."""
    tls = Tls(tmp_path / "tls")
    with tls.server:
        with pytest.raises(DeliveryError, match=r"is not trusted: .*; set destination\.ca_file or") as caught:
            await shipment.to(tls.reached(shipment, ca_file=""))

        assert {} == shipment.arrived(tls.server)
    assert Reason.CERTIFICATE == caught.value.reason


async def test_a_server_without_tls_gets_no_password(tmp_path: Path, shipment: Shipment) -> None:
    """ftps:// never falls back to the clear."""
    with FaultyFtp(tmp_path / "vendor") as server:
        url = f"ftps://127.0.0.1:{server.port}/incoming"
        with pytest.raises(DeliveryError, match="offers no TLS as ftps:// needs it") as caught:
            await shipment.to(shipment.over_ftp(server, server.user, url=url, allow_plain_ftp=False))
        log = (server.directory / "output").read_text()

    assert Reason.UNSUPPORTED == caught.value.reason
    assert PASSWORD not in log
    assert "USER" not in log


async def test_plain_ftp_works_where_it_is_allowed(tmp_path: Path, shipment: Shipment) -> None:
    """Whole, and read back."""
    with FaultyFtp(tmp_path / "vendor") as server:
        receipt = await shipment.to(shipment.over_ftp(server, server.user))

        assert shipment.whole() == shipment.arrived(server)
    assert (SIZE_BYTES, Verified.HASH) == (receipt.sent_bytes, receipt.verified)
    assert f"ftp://127.0.0.1:{server.port}/incoming/{shipment.bundle.name}" == receipt.url


async def test_a_server_gone_at_half_is_gone_on_with(tmp_path: Path, shipment: Shipment) -> None:
    """The first try says that it was cut, the second sends the rest."""
    with FaultyFtp(tmp_path / "vendor", "cut", SIZE_BYTES // 2) as server:
        with pytest.raises(DeliveryError, match=r"the connection to 127.0.0.1 ended") as caught:
            await shipment.to(shipment.over_ftp(server, server.user))
        receipt = await shipment.to(shipment.over_ftp(server, server.user))

        assert shipment.whole() == shipment.arrived(server)
    assert Reason.CUT == caught.value.reason
    assert (SIZE_BYTES // 2, False) == (receipt.sent_bytes, receipt.started_over)


@pytest.mark.parametrize("there", [0, 700_000])
async def test_a_size_that_is_a_lie_ends_in_the_whole_bundle(tmp_path: Path, shipment: Shipment, there: int) -> None:
    """The server tells 1,000 bytes more than it has: what is read back counts."""
    with FaultyFtp(tmp_path / "vendor", "lies", 1000) as server:
        if there:
            (server.incoming / f"{shipment.bundle.name}.part").write_bytes(shipment.content[:there])
        receipt = await shipment.to(shipment.over_ftp(server, server.user))

        assert shipment.whole() == shipment.arrived(server)
    assert (bool(there), Verified.HASH) == (receipt.started_over, receipt.verified)


async def test_a_size_that_is_a_lie_is_not_believed_by_size_alone(tmp_path: Path, shipment: Shipment) -> None:
    """Nothing gets the bundle's name then, and the message says who has to look."""
    with FaultyFtp(tmp_path / "vendor", "lies", 1000) as server:
        with pytest.raises(DeliveryError, match="does not keep what it is sent") as caught:
            await shipment.to(shipment.over_ftp(server, server.user, verify="size"))

        assert shipment.bundle.name not in shipment.arrived(server)
    assert Reason.CONTENT == caught.value.reason


async def test_a_server_that_cannot_go_on_gets_all_of_it(tmp_path: Path, shipment: Shipment) -> None:
    """Without REST an upload begins at its start."""
    with FaultyFtp(tmp_path / "vendor", "no_restart") as server:
        (server.incoming / f"{shipment.bundle.name}.part").write_bytes(shipment.content[:700_000])
        receipt = await shipment.to(shipment.over_ftp(server, server.user, verify="size"))

        assert shipment.whole() == shipment.arrived(server)
    assert (True, SIZE_BYTES, Verified.SIZE) == (receipt.started_over, receipt.sent_bytes, receipt.verified)


async def test_a_server_that_lets_nobody_read_is_taken_by_its_size(tmp_path: Path, shipment: Shipment) -> None:
    """A drop box: the receipt says how little is known."""
    with FaultyFtp(tmp_path / "vendor", "no_reading") as server:
        receipt = await shipment.to(shipment.over_ftp(server, server.user))

        assert shipment.whole() == shipment.arrived(server)
    assert Verified.SIZE == receipt.verified


@pytest.mark.parametrize(
    ("fault", "reason", "problem"),
    [
        ("full", Reason.NO_SPACE, "is full .*; its operator has to make room"),
        ("busy", Reason.BUSY, "cannot log in at the moment: 421 Too many users"),
        ("read_only", Reason.PERMISSION, "does not let this user write"),
    ],
)
async def test_a_refusal_says_what_to_do(
    tmp_path: Path, shipment: Shipment, fault: str, reason: Reason, problem: str
) -> None:
    """Each by its own reason, since each is tried again at another time."""
    with FaultyFtp(tmp_path / "vendor", fault, 300_000) as server:
        with pytest.raises(DeliveryError, match=problem) as caught:
            await shipment.to(shipment.over_ftp(server, server.user))

        assert shipment.bundle.name not in shipment.arrived(server)
    assert reason == caught.value.reason


async def test_a_directory_that_is_not_there(tmp_path: Path, shipment: Shipment) -> None:
    """It is named."""
    with FaultyFtp(tmp_path / "vendor") as server:
        url = f"ftp://127.0.0.1:{server.port}/nowhere"
        with pytest.raises(DeliveryError, match="has no directory /nowhere") as caught:
            await shipment.to(shipment.over_ftp(server, server.user, url=url))

    assert Reason.NO_DIRECTORY == caught.value.reason


async def test_a_wrong_password(tmp_path: Path, shipment: Shipment) -> None:
    """The message names the user, and neither password."""
    with FaultyFtp(tmp_path / "vendor") as server:
        destination = shipment.over_ftp(server, server.user)
        (shipment.home / "password").write_text("battery staple\n")
        with pytest.raises(DeliveryError, match="does not accept user store with this password") as caught:
            await shipment.to(destination)

    assert Reason.LOGIN == caught.value.reason
    assert "battery" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"two\x00words\n", b"\xff\xfe\n", b"x" * 2000, None])
async def test_a_password_file_that_cannot_be_used(tmp_path: Path, shipment: Shipment, content: bytes | None) -> None:
    """The setting and the file are named; what it holds is not."""
    server = FaultyFtp(tmp_path / "vendor")
    destination = shipment.over_ftp(server, server.user)
    (shipment.home / "password").unlink()
    if content is not None:
        (shipment.home / "password").write_bytes(content)
    with pytest.raises(DeliveryError, match=r"^destination\.password_file: ") as caught:
        await shipment.to(destination)

    assert Reason.SETTINGS == caught.value.reason
    assert "words" not in str(caught.value)


async def test_no_destination_is_said_so(shipment: Shipment) -> None:
    """Nothing is contacted."""
    with pytest.raises(DeliveryError, match=r"destination\.url is empty") as caught:
        await shipment.to(DestinationSettings())

    assert Reason.SETTINGS == caught.value.reason

"""TLS on the lines: the host proves who it is, and the store as well where it is asked to."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography import x509

from tests.harness import Store, eventually
from tests.harness.authority import Authority
from tests.integration.host.conftest import BOTH
from tests.integration.host.terminal import Terminal
from tests.integration.host.test_lines_come_back import exchange
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.host import LINE_STATUS
from tpayd_contracts.operation import Empty

LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
HOST_NAME = x509.DNSName("host.example")


def tls_store(tmp_path: Path, server: Mapping[str, object], client: Mapping[str, object]) -> Store:
    settings = {
        "sandbox_host": {f"tls.{name}": value for name, value in server.items()},
        "host_link": {
            "profiles.test.waits.retry_first_s": 0.1,
            "profiles.test.waits.connect_s": 1.0,
            "profiles.test.tls.enabled": True,
            **{f"profiles.test.tls.{name}": value for name, value in client.items()},
        },
    }
    return Store(tmp_path, services=BOTH, settings=settings)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.mark.parametrize(("name", "server_name"), [(LOOPBACK, ""), (HOST_NAME, "host.example")])
def test_a_sale_travels_over_tls(
    tmp_path: Path, authority: Authority, name: x509.GeneralName, server_name: str
) -> None:
    """The certificate names the address, or the name that the settings ask for."""
    certificate, key = authority.issue("host", name)
    client = {"ca_file": str(authority.file), "server_name": server_name}
    with tls_store(tmp_path, {"certificate": certificate, "key": key}, client) as store:
        store.wait_ready(*BOTH, degraded=False)
        terminal = Terminal.of(store)
        assert ["00", "51"] == [terminal.ask(terminal.sale(won)).opened.response_code for won in (10_000, 10_051)]
        with pytest.raises(Exception, match="the host may have booked"):
            terminal.ask(terminal.sale(10_097))
        store.wait_ready(*BOTH, degraded=False)


def test_both_sides_prove_themselves(tmp_path: Path, authority: Authority) -> None:
    """A client certificate, where the host asks for one."""
    certificate, key = authority.issue("host", LOOPBACK)
    ours, our_key = authority.issue("store")
    server = {"certificate": certificate, "key": key, "client_ca_file": str(authority.file)}
    client = {"ca_file": str(authority.file), "client_certificate": ours, "client_key": our_key}
    with tls_store(tmp_path, server, client) as store:
        store.wait_ready(*BOTH, degraded=False)


def test_a_store_without_its_certificate_carries_nothing(tmp_path: Path, authority: Authority) -> None:
    """The host ends the connection; nothing is ever signed on."""
    certificate, key = authority.issue("host", LOOPBACK)
    server = {"certificate": certificate, "key": key, "client_ca_file": str(authority.file)}
    with tls_store(tmp_path, server, {"ca_file": str(authority.file)}) as store:
        never_signed_on(store)


@pytest.mark.parametrize(
    ("stranger", "name", "reason"),
    [(True, LOOPBACK, "local issuer certificate"), (False, HOST_NAME, "IP address mismatch")],
)
def test_a_host_that_cannot_prove_its_name_carries_nothing(
    tmp_path: Path, authority: Authority, stranger: bool, name: x509.GeneralName, reason: str
) -> None:
    """Signed by somebody else, or for another name: no byte of a sale leaves, and the reason is told."""
    signer = Authority(tmp_path, "stranger") if stranger else authority
    certificate, key = signer.issue("host", name)
    with tls_store(tmp_path, {"certificate": certificate, "key": key}, {"ca_file": str(authority.file)}) as store:
        assert reason in never_signed_on(store)


def test_a_host_without_tls_carries_nothing(tmp_path: Path, authority: Authority) -> None:
    """Where TLS is asked for, nothing is said in clear."""
    with tls_store(tmp_path, {}, {"ca_file": str(authority.file)}) as store:
        never_signed_on(store)
        assert 0 == store.sandbox.host_status().approvals


def never_signed_on(store: Store) -> str:
    """Three tries end down; an exchange is refused. Returns what the line says."""
    store.wait_ready(*BOTH)

    def downs() -> list[str]:
        events = [event for event in store.logs("host_link") if event["event"] == "host.line"]
        assert "signed_on" not in {event["state"] for event in events}
        return [event["detail"] for event in events if event["state"] == "down" and "refused" not in event["detail"]]

    eventually(lambda: len(downs()) >= 3, timeout_s=15, what="three failed tries")
    assert ErrorCode.HOST_UNAVAILABLE is exchange(store).code
    (line,) = store.ask("host_link", LINE_STATUS, Empty(), name="gateway").lines
    return downs()[-1] + (line.detail or "")

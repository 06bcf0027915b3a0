"""https: the same limits hold, and a server that nobody vouches for is told with its certificate's fault."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from tests.harness.authority import Authority
from tests.unit.updater.conftest import QUICK, Scene
from tpayd.sandbox.updates.server import UpdateServer
from tpayd.updater.errors import InterruptedDownloadError, TooSlowError, UnreachableError
from tpayd.updater.release import Version
from tpayd_contracts.sandbox_updates import UpdatesFault

NAME = "wheels/tpayd-0.2.0-py3-none-any.whl"
DATA = bytes(range(256)) * 2000


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def secure(scene: Scene, authority: Authority) -> Iterator[Scene]:
    """The scene, with one release, behind a certificate for its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server", x509.IPAddress(ipaddress.ip_address("127.0.0.1"))))
    scene.publisher.release("0.2.0", own=DATA)
    with UpdateServer(scene.publisher.directory, tls=context) as server:
        yield Scene(scene.publisher, server, scene.directory)


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine takes that authority's word."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))


@pytest.mark.usefixtures("trusted")
def test_a_release_is_fetched_and_goes_on(secure: Scene) -> None:
    """As over http."""
    secure.fail(UpdatesFault.CUT, "targets/wheels/*", at_bytes=200_000)
    with pytest.raises(InterruptedDownloadError):
        secure.client().fetch(NAME)
    secure.heal()

    assert (Version(0, 2, 0),) == secure.client().versions()
    assert DATA == secure.client().fetch(NAME).read_bytes()
    assert "bytes=200000-" == secure.asked_for("wheels/")[-1][1]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("fault", [UpdatesFault.SILENT, UpdatesFault.DRIP])
def test_the_least_speed_holds(secure: Scene, fault: UpdatesFault) -> None:
    """Encrypted silence is no better."""
    secure.fail(fault, "targets/wheels/*")

    with pytest.raises(TooSlowError):
        secure.client(replace(QUICK, speed_window_s=0.5)).fetch(NAME)


def test_a_server_that_nobody_vouches_for(secure: Scene) -> None:
    """Nothing is asked of it."""
    with pytest.raises(UnreachableError, match="certificate verify failed"):
        secure.client().refresh()

    assert 0 == secure.server.requests

"""Wrong settings are found when they are read, by file and field."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from tpayd.host_link.settings import HostLinkSettings, TlsSettings, split_address
from tpayd.host_link.tls import tls_context
from tpayd.kit.settings import SettingsError, parse
from tpayd.shipped import shipped

FILE = Path("host_link.toml")


def read(text: str) -> HostLinkSettings:
    return parse(text, HostLinkSettings, FILE)


def test_the_shipped_file_holds_every_setting() -> None:
    """What can be set can be seen, with its default."""
    shipped_file = tomllib.loads((shipped("config") / "host_link.toml").read_text(encoding="utf-8"))
    every = msgspec.to_builtins(HostLinkSettings())

    def names(table: object, before: str = "") -> set[str]:
        if not isinstance(table, dict):
            return {before}
        return {name for key, value in table.items() for name in names(value, f"{before}.{key}")}

    assert names(every) == names(shipped_file)


@pytest.mark.parametrize(
    ("address", "expected"), [("host.example:7720", ("host.example", 7720)), ("[::1]:443", ("::1", 443))]
)
def test_an_address_is_a_name_and_a_port(address: str, expected: tuple[str, int]) -> None:
    """IPv6 in brackets."""
    settings = read(f'[profiles.live]\naddresses = ["{address}"]')
    assert expected == split_address(settings.profiles.live.addresses[0])


@pytest.mark.parametrize("address", ["nowhere", "host:0", "host:65536", "host:", ":7720", "a b:1", "::1:7720"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """With the place in the file."""
    with pytest.raises(SettingsError, match=r"profiles\.live"):
        read(f'[profiles.live]\naddresses = ["{address}"]')


@pytest.mark.parametrize(
    ("tls", "field"),
    [
        (TlsSettings(enabled=True, ca_file="missing.pem"), "tls.ca_file"),
        (TlsSettings(enabled=True, client_certificate="only.pem"), "tls.client_key"),
        (TlsSettings(enabled=True, client_certificate="no.pem", client_key="no.pem"), "tls.client_certificate"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_told_by_field(tls: TlsSettings, field: str, tmp_path: Path) -> None:
    """Before the first connection."""
    with pytest.raises(SettingsError) as caught:
        tls_context(tls, tmp_path, FILE, "tls")
    assert field == caught.value.field


def test_tls_always_checks_the_host() -> None:
    """No setting turns it off."""
    context = tls_context(TlsSettings(enabled=True), Path(), FILE, "tls")
    assert context is not None
    assert (True, 2) == (context.check_hostname, context.verify_mode.value)
    assert None is tls_context(TlsSettings(), Path(), FILE, "tls")

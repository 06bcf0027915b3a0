"""A destination that cannot be right is refused with the setting to mend, before anything is contacted."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct

from tpayd.kit.settings import SettingsError, parse
from tpayd.log_shipper.delivery import DestinationSettings
from tpayd.log_shipper.delivery.settings import Place

PIN = "SHA256:" + "A" * 43
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEaEvOoLl0"
SFTP = f"url = 'sftp://logs.example/in'\nuser = 'store'\nkey_file = 'secrets/id'\nhost_key = ['{PIN}']\n"
FTPS = "url = 'ftps://logs.example/in'\nuser = 'store'\npassword_file = 'secrets/p'\n"
FTP = FTPS.replace("ftps:", "ftp:")


class File(Struct, frozen=True, forbid_unknown_fields=True):
    destination: DestinationSettings


def read(table: str) -> DestinationSettings:
    return parse(f"[destination]\n{table}", File, Path("log_shipper.toml")).destination


@pytest.mark.parametrize(
    ("table", "field", "problem"),
    [
        ("url = 'http://logs.example/'", "url", "begins with http://; sftp://, ftps:// and ftp:// are known"),
        ("url = 'logs.example'", "url", "begins with no scheme"),
        ("url = 'sftp:///in'", "url", "no usable host"),
        ("url = 'sftp://logs.example:99999/'", "url", "cannot be read"),
        ("url = 'sftp://logs.example:0/'", "url", "the port is 0"),
        ("url = 'sftp://[::1/'", "url", "cannot be read"),
        ("url = 'sftp://logs.example/a/../b'", "url", "must not hold '..'"),
        ("url = 'sftp://logs.example/a%0d%0aDELE'", "url", "no usable host"),
        ("url = 'sftp://logs.example/a?b'", "url", "without ? or #"),
        ("url = 'sftp://logs.example/a'", "user", "is missing"),
        (SFTP.replace("key_file = 'secrets/id'\n", ""), "key_file", "is missing, and so is password_file"),
        (SFTP.replace(PIN, "SHA256:short"), "host_key", "`tpayd logs check-destination` shows the server's"),
        (SFTP + "ca_file = 'ca.pem'", "ca_file", "is for ftps:// only"),
        (SFTP + "implicit_tls = true", "implicit_tls", "is for ftps:// only"),
        (FTPS + "key_file = 'secrets/id'", "key_file", "is for sftp:// only"),
        (FTPS + f"host_key = ['{PIN}']", "host_key", "ca_file and certificate_sha256"),
        (FTPS + "certificate_sha256 = ['abcd']", "certificate_sha256", "64 hexadecimal digits"),
        ("url = 'ftps://logs.example/'\nuser = 'store'", "password_file", "is missing"),
        (FTP, "allow_plain_ftp", "shows user and password to everybody on the way"),
        (SFTP + "verify = 'never'", "verify", "invalid enum value 'never'"),
        (SFTP + "deadline_s = 0", "deadline_s", "expected `float` > 0.0"),
        (SFTP + "host_keys = []", "host_keys", "did you mean `host_key`?"),
    ],
)
def test_a_fault_is_named_by_field(table: str, field: str, problem: str) -> None:
    """Whoever edits the file finds the place, and the way out."""
    with pytest.raises(SettingsError) as caught:
        read(table)

    assert f"destination.{field}" == caught.value.field
    assert problem in caught.value.problem


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    """It would end in logs; the message that says so must not put it there."""
    with pytest.raises(SettingsError) as caught:
        read("url = 'sftp://store:hunter2@logs.example/in'")

    assert "destination.url" == caught.value.field
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "place", "url"),
    [
        (SFTP, Place("sftp", "logs.example", 22, "/in"), "sftp://logs.example:22/in/a.age"),
        (SFTP.replace("logs.example/in", "[::1]:2222/"), Place("sftp", "::1", 2222, "/"), "sftp://[::1]:2222/a.age"),
        (SFTP.replace("/in", "/~/in/"), Place("sftp", "logs.example", 22, "in"), "sftp://logs.example:22/~/in/a.age"),
        (SFTP.replace("/in", "/~"), Place("sftp", "logs.example", 22, "."), "sftp://logs.example:22/~/a.age"),
        (SFTP.replace("/in", "/new%20logs"), Place("sftp", "logs.example", 22, "/new logs"),
         "sftp://logs.example:22/new logs/a.age"),
        (FTPS, Place("ftps", "logs.example", 21, "/in"), "ftps://logs.example:21/in/a.age"),
        (FTPS + "implicit_tls = true", Place("ftps", "logs.example", 990, "/in"), "ftps://logs.example:990/in/a.age"),
        (FTP + "allow_plain_ftp = true", Place("ftp", "logs.example", 21, "/in"), "ftp://logs.example:21/in/a.age"),
    ],
)  # fmt: skip
def test_a_url_leads_to_one_place(table: str, place: Place, url: str) -> None:
    """Ports have their usual defaults, IPv6 its brackets, and `/~/` begins below the login's own directory."""
    found = read(table).place

    assert (place, url) == (found, found.url("a.age"))


def test_no_url_is_no_destination() -> None:
    """A store that ships nothing needs no further setting."""
    assert DestinationSettings() == read("")


def test_a_whole_public_key_is_a_pin_as_well() -> None:
    """The line as servers print it, with or without its comment."""
    assert (KEY,) == read(SFTP.replace(PIN, KEY)).host_key
    assert (f"{KEY} root@logs",) == read(SFTP.replace(PIN, f"{KEY} root@logs")).host_key

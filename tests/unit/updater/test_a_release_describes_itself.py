"""The description of a release: what is written is read, and whatever else stands there is told by field."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tpayd.updater.errors import DescriptionError
from tpayd.updater.machine import supported_tags
from tpayd.updater.release import Release, Version, Wheel

HASH = "ab" * 32
TPAYD = Wheel("wheels/tpayd-0.2.0-py3-none-any.whl", 1000, HASH)
SPEC_311 = Wheel("wheels/msgspec-0.22.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", 500, HASH)
SPEC_313 = Wheel("wheels/msgspec-0.22.0-cp313-cp313-manylinux_2_28_x86_64.whl", 600, HASH)
RELEASE = Release(
    version=Version(0, 2, 0),
    wheels=(TPAYD, SPEC_311, SPEC_313),
    python=(3, 11),
    journal_revision="0003",
    keystore_version=2,
    contract="1.0",
    min_from=Version(0, 1, 0),
    published_at=datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC),
    changelog={"ko": "영수증이 빨라졌습니다", "en": "Faster receipts"},
    file_list="releases/0.2.0.manifest",
)


def changed(**fields: object) -> bytes:
    document: dict[str, Any] = json.loads(RELEASE.encode())
    document.update(fields)
    return json.dumps({key: value for key, value in document.items() if value is not ...}).encode()


def test_what_is_written_is_read() -> None:
    """Every field."""
    assert RELEASE == Release.parse(RELEASE.encode())


def test_a_newer_publisher_may_say_more() -> None:
    """Unknown fields are left aside."""
    assert RELEASE == Release.parse(changed(colour="red"))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"format": 2}, "format"),
        ({"format": True}, "format"),
        ({"version": "1.0"}, "version"),
        ({"version": "01.0.0"}, "version"),
        ({"version": "1.0.0-rc1"}, "version"),
        ({"version": 1}, "version"),
        ({"version": ...}, "version"),
        ({"python": "3.11"}, "python"),
        ({"journal_revision": ""}, "journal_revision"),
        ({"keystore_version": 0}, "keystore_version"),
        ({"keystore_version": "2"}, "keystore_version"),
        ({"contract": "one"}, "contract"),
        ({"min_from": "x"}, "min_from"),
        ({"published_at": "yesterday"}, "published_at"),
        ({"published_at": "2026-02-30T00:00:00Z"}, "published_at"),
        ({"changelog": "text"}, "changelog"),
        ({"changelog": {"en": 1}}, "changelog"),
        ({"file_list": "../../etc/passwd"}, "file_list"),
        ({"wheels": []}, "wheels"),
        ({"wheels": "all"}, "wheels"),
        ({"wheels": [1]}, r"wheels\[0\]"),
        ({"wheels": [{"target": TPAYD.target, "length": 1000, "sha256": HASH}] * 2}, "wheels"),
        ({"wheels": [{"target": "wheels/../x.whl", "length": 1, "sha256": HASH}]}, "target"),
        ({"wheels": [{"target": "firmware/x-1-py3-none-any.whl", "length": 1, "sha256": HASH}]}, "target"),
        ({"wheels": [{"target": TPAYD.target, "length": -1, "sha256": HASH}]}, "length"),
        ({"wheels": [{"target": TPAYD.target, "length": 1e9, "sha256": HASH}]}, "length"),
        ({"wheels": [{"target": TPAYD.target, "length": 1, "sha256": "AB" * 32}]}, "sha256"),
        ({"wheels": [{"target": SPEC_311.target, "length": 1, "sha256": HASH}]}, "no wheel of tpayd"),
    ],
)
def test_what_it_may_not_say(fields: dict[str, object], named: str) -> None:
    """The field is named, and the file."""
    with pytest.raises(DescriptionError, match=rf"^releases/x\.json: .*{named}"):
        Release.parse(changed(**fields), name="releases/x.json")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b"\x00" * 10])
def test_what_is_no_description(content: bytes) -> None:
    """It is one error, whatever stands there."""
    with pytest.raises(DescriptionError, match="vendor has to publish it again"):
        Release.parse(content)


def test_each_machine_gets_its_wheels() -> None:
    """The best of each package, by the interpreter's own order of preference."""
    ours = ("cp311-cp311-manylinux_2_17_x86_64", "py3-none-any")
    theirs = ("cp313-cp313-manylinux_2_28_x86_64", "py3-none-any")

    assert (SPEC_311, TPAYD) == RELEASE.wheels_for(ours)
    assert (SPEC_313, TPAYD) == RELEASE.wheels_for(theirs)


def test_a_machine_that_nobody_thought_of() -> None:
    """The package that is missing is named."""
    with pytest.raises(DescriptionError, match="no wheel of msgspec for this machine"):
        RELEASE.wheels_for(("cp311-cp311-linux_riscv64", "py3-none-any"))


def test_this_machine_takes_pure_wheels() -> None:
    """The interpreter's own list is of the form that releases are compared with."""
    assert (TPAYD,) == Release(**{**vars(RELEASE), "wheels": (TPAYD,)}).wheels_for(supported_tags())


def test_versions_are_numbers() -> None:
    """0.10 comes after 0.9."""
    assert sorted(map(Version.parse, ("0.10.0", "0.9.9", "1.0.0"))) == [
        Version(0, 9, 9), Version(0, 10, 0), Version(1, 0, 0),
    ]  # fmt: skip

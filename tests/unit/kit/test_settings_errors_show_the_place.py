"""A settings file is taken as a whole or refused with the place of its fault."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta, Struct

from tpayd.kit.settings import ServiceSettings, SettingsError, load, parse

FILE = Path("config/line.toml")


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    address: str
    port: Annotated[int, Meta(ge=1, le=65535)]


class Paired(Struct, frozen=True, forbid_unknown_fields=True):
    first: str
    second: str = ""

    def __post_init__(self) -> None:
        if not self.second:
            raise ValueError("second: is missing, since there is a first")


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    lines: tuple[Line, ...] = ()


class LinkSettings(ServiceSettings, frozen=True):
    profiles: dict[str, Profile]
    spare: Line | None = None
    paired: Paired | None = None


GOOD = '[profiles.live]\nlines = [{address = "a", port = 1}]\n[profiles.test]\n'


def test_defaults_fill_what_is_not_set() -> None:
    """One week of logs at INFO is kept unless told otherwise (T22)."""
    settings = parse(GOOD, LinkSettings, FILE)

    assert ("info", 7) == (settings.log_level, settings.log_keep_days)
    assert Line("a", 1) == settings.profiles["live"].lines[0]


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        ("metrics_prt = 1\n" + GOOD, "metrics_prt", "did you mean `metrics_port`?"),
        ("zzz = 1\n" + GOOD, "zzz", "known here: drain_s, "),
        ('[profiles.live]\nlines = [{address = "a", prt = 1}]', "profiles.live.lines[0].prt", "did you mean `port`?"),
        (GOOD + '[spare]\nadress = "b"', "spare.adress", "did you mean `address`?"),
        (GOOD + "linse = []", "profiles.test.linse", "did you mean `lines`?"),
        ("metrics_port = 70000\n" + GOOD, "metrics_port", "expected `int` <= 65535"),
        ("metrics_port = true\n" + GOOD, "metrics_port", "expected `int`, got `bool`"),
        ('log_level = "loud"\n' + GOOD, "log_level", "invalid enum value 'loud'"),
        ('[profiles.live]\n[profiles.test]\nlines = [{address="a", port=1}, {address="b", port=0}]',
         "profiles.test.lines[1].port", "expected `int` >= 1"),
        ('[profiles.live]\nlines = [{address = "a"}]', "profiles.live.lines[0].port", "is missing, and has no default"),
        ("", "profiles", "is missing, and has no default"),
        (GOOD + '[paired]\nfirst = "a"', "paired.second", "is missing, since there is a first"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_file_field_and_expectation(text: str, field: str, problem: str) -> None:
    """Whoever edits the file finds the place without reading code."""
    with pytest.raises(SettingsError) as caught:
        parse(text, LinkSettings, FILE)

    assert field == caught.value.field
    assert problem in caught.value.problem
    assert str(caught.value).startswith(f"config/line.toml: {field}: ")


def test_what_is_not_toml_is_named_with_its_line() -> None:
    """A syntax error is told with line and column."""
    with pytest.raises(SettingsError, match=r"config/line.toml: is not TOML: .*line 1"):
        parse("a = = 1", LinkSettings, FILE)


def test_a_missing_file_is_no_set_of_defaults(tmp_path: Path) -> None:
    """A mistyped directory must not start a store on defaults."""
    with pytest.raises(SettingsError, match=r"host_link\.toml: is missing: .*backup.*new, empty TPAYD_HOME"):
        load(tmp_path / "host_link.toml", LinkSettings)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """TOML is UTF-8; CP949 from an old editor is told, not guessed."""
    path = tmp_path / "store.toml"
    path.write_bytes("name = '가게'".encode("cp949"))

    with pytest.raises(SettingsError, match="cannot be read"):
        load(path, LinkSettings)

"""The command line without an instance, with one that is not running, and with one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import tpayd
from tpayd.cli.exits import Exit

ALL = (("status",), ("up",), ("wait-ready",), ("sale", "1000"), ("client", "list"), ("sandbox", "ledger"), ("logs",))


@pytest.mark.parametrize("arguments", ALL, ids=" ".join)
def test_without_an_instance_the_way_to_one_is_named(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Wrong use, `tpayd init` as the way out, and no directory is made in passing."""
    said = tpayd(*arguments, home=tmp_path / "nowhere")

    assert Exit.USAGE == said.status
    assert "tpayd init" in said.err
    assert not (tmp_path / "nowhere").exists()


def test_init_refuses_to_touch_an_instance(tmp_path: Path) -> None:
    """The second `init` in one place changes nothing."""
    first = tpayd("init", "--sandbox", "--lanes", "3", "--json", home=tmp_path / "store")
    second = tpayd("init", "--sandbox", "--json", home=tmp_path / "store")

    assert (Exit.OK, ["1", "2", "3"]) == (first.status, first.json["lanes"])
    assert (Exit.REFUSED, "exists") == (second.status, second.json["error"]["code"])


@pytest.mark.parametrize("option", ["--merchant-id", "--merchant-name", "--business-number"])
def test_a_live_store_says_who_it_is(tmp_path: Path, option: str) -> None:
    """Nobody is there to be asked in a pipe, so each missing fact is named, and nothing is made."""
    given = {"--merchant-id": "1" * 15, "--merchant-name": "Shop", "--business-number": "1234567891"}
    del given[option]

    said = tpayd("init", *(text for pair in given.items() for text in pair), home=tmp_path / "store")

    assert Exit.USAGE == said.status
    assert option in said.err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("status",), Exit.NOT_RUNNING),
        (("sale", "1000"), Exit.NOT_RUNNING),
        (("devices", "list"), Exit.NOT_RUNNING),
        (("sandbox", "host"), Exit.NOT_RUNNING),
        (("down",), Exit.OK),
        (("wait-ready", "--timeout", "0"), Exit.TIMEOUT),
    ],
)
def test_with_nothing_running_each_command_says_so(tmp_path: Path, arguments: tuple[str, ...], expected: Exit) -> None:
    """Exit status 4 where the daemon is needed; ending what does not run is done already."""
    tpayd("init", "--sandbox", home=tmp_path / "store")

    assert expected == tpayd(*arguments, home=tmp_path / "store").status


def test_a_typo_in_the_settings_is_named(tmp_path: Path) -> None:
    """File and field, before anything is started."""
    home = tmp_path / "store"
    tpayd("init", "--sandbox", home=home)
    settings = home / "config" / "store.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("sandbox =", "sandbx ="), encoding="utf-8")

    said = tpayd("up", home=home)

    assert Exit.USAGE == said.status
    assert "store.toml" in said.err
    assert "sandbx" in said.err

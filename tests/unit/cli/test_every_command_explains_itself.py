"""`--help` of every command works, says what it does, and offers --json."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from tpayd.cli.main import tpayd
from tpayd.cli.output import Output


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that does something, by its words."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from commands(below, (*path, name))


ALL = sorted(commands(tpayd))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_of_a_command(words: tuple[str, ...]) -> None:
    """It ends with 0, begins with the usage, and knows --json."""
    result = CliRunner().invoke(tpayd, [*words, "--help"], obj=Output())

    assert 0 == result.exit_code
    assert result.output.startswith("Usage: tpayd ")
    assert "--json" in result.output


@pytest.mark.parametrize("group", sorted({words[0] for words in ALL if len(words) > 1} | {"sale", "up", "logs"}))
def test_groups_teach_by_example(group: str) -> None:
    """What is typed rarely is shown."""
    result = CliRunner().invoke(tpayd, [group, "--help"], obj=Output())

    assert f"tpayd {group}" in result.output.partition("Example")[2]


def test_the_list_of_commands_needs_none_of_them() -> None:
    """`tpayd --help` names every group, by section."""
    result = CliRunner().invoke(tpayd, ["--help"], obj=Output())

    for word in ("The store's machine:", "Payments:", "sale", "wait-ready", "sandbox"):
        assert word in result.output

"""`tpayd logs show`: the logs of all processes, in order of time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self

import click
from rich.text import Text

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.output import Output, json_option, pass_output

__all__ = ["LogFiles", "show", "show_entry"]

_LEVELS = ("debug", "info", "warning", "error", "critical")
_STYLES = {"warning": "yellow", "error": "bold red", "critical": "bold red", "debug": "dim"}
_HEAD = ("time", "level", "service", "event")
_LOOK_EVERY_S = 0.2
_TAIL_BYTES = 1024 * 1024


@click.command()
@click.argument("services", nargs=-1)
@click.option("-n", "--lines", type=click.IntRange(min=0), default=50, show_default=True, help="How many at first.")
@click.option("-f", "--follow", is_flag=True, help="Go on as new lines come, until interrupted.")
@click.option("--level", type=click.Choice(_LEVELS), default="info", show_default=True, help="This and above.")
@json_option
@pass_output
def show(output: Output, services: tuple[str, ...], lines: int, follow: bool, level: str) -> int:
    """Show the logs of SERVICES, else of all, in order of time. With --json: one JSON object a line.

    \b
    Examples:
      tpayd logs -n 200 --level warning
      tpayd logs transaction host_link -f
    """
    with LogFiles(open_house().instance.log, frozenset(services)) as files:
        unknown = set(services) - files.names()
        if unknown:
            known = ", ".join(sorted(files.names())) or "none yet"
            raise CommandError(f"no log of {', '.join(sorted(unknown))}; there are: {known}", Exit.USAGE)
        entries = files.new(level)
        for entry in entries[max(0, len(entries) - lines) :]:
            show_entry(output, entry)
        while follow:
            time.sleep(_LOOK_EVERY_S)
            for entry in files.new(level):
                show_entry(output, entry)
    return Exit.OK


class LogFiles:
    """The logs of some processes, or of all, also of those that start later."""

    def __init__(self, directory: Path, services: frozenset[str]) -> None:
        self._directory = directory
        self._services = services
        self._tails: dict[str, _Tail] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for tail in self._tails.values():
            tail.close()

    def names(self) -> set[str]:
        """Of all processes that have a log. Rotated files have a second dot in their names."""
        return {path.stem for path in self._directory.glob("*.jsonl") if "." not in path.stem}

    def new(self, level: str) -> list[dict[str, Any]]:
        """What has come since the last call, in order of time."""
        for name in (self._services or self.names()) - self._tails.keys():
            self._tails[name] = _Tail(self._directory / f"{name}.jsonl")
        entries = (entry for tail in self._tails.values() for entry in tail.new())
        least = _LEVELS.index(level)
        return sorted((entry for entry in entries if _rank(entry) >= least), key=_time)


class _Tail:
    """Reads one log file as it grows, and goes on with the next when it is rotated."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO = path.open("rb")
        size = path.stat().st_size
        self._torn = size > _TAIL_BYTES
        self._file.seek(max(0, size - _TAIL_BYTES))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def new(self) -> Iterator[dict[str, Any]]:
        """Whole lines since the last call."""
        yield from self._rest()
        try:
            rotated = self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return
        if rotated:
            self._file.close()
            self._file = self._path.open("rb")
            yield from self._rest()

    def _rest(self) -> Iterator[dict[str, Any]]:
        while line := self._file.readline():
            if not line.endswith(b"\n"):
                self._file.seek(-len(line), 1)
                return
            if self._torn:
                self._torn = False
                continue
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"level": "error", "service": self._path.stem, "event": line.decode(errors="replace").strip()}
            if isinstance(entry, dict):
                yield entry


def _rank(entry: dict[str, Any]) -> int:
    level = entry.get("level")
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def _time(entry: dict[str, Any]) -> str:
    return str(entry.get("time", ""))


def show_entry(output: Output, entry: dict[str, Any]) -> None:
    """One line of a log, for a person or as it stands."""
    if output.as_json:
        output.text(json.dumps(entry, ensure_ascii=False))
        return
    level = str(entry.get("level", ""))
    fields = " ".join(f"{name}={_value(value)}" for name, value in entry.items() if name not in _HEAD)
    output.line(
        Text.assemble(
            (_time(entry)[11:23], "dim"),
            f" {entry.get('service', ''):<15} ",
            (f"{level:<7} ", _STYLES.get(level, "")),
            str(entry.get("event", "")),
            f" {fields}" if fields else "",
        )
    )


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

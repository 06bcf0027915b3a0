"""Settings: one TOML file per service, read once at start, refused as a whole when anything in it is wrong.

A typo must not fall back to a default in silence, so unknown keys are errors, and every error names the file, the
place in it, what was expected there and, for an unknown key, the known one that looks most like it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, inspect

__all__ = ["MISSING", "LogLevel", "Port", "ServiceSettings", "SettingsError", "load", "parse"]

S = TypeVar("S", bound=Struct)

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
"""One step of a field's path: a name, or an index."""
_NAMED_FIELD = re.compile(r"([a-z][a-z0-9_]*): (.+)", re.DOTALL)
"""How a table's own check says which of its fields it means."""

Port = Annotated[int, Meta(ge=0, le=65535, description="a TCP port; 0 takes any free one")]
LogLevel = Literal["debug", "info", "warning", "error"]


class ServiceSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every service can be told. A service's own settings inherit from this."""

    metrics_port: Port = 0
    """Port of /metrics on 127.0.0.1; 0 takes any free one. The port in use stands in run/<service>.metrics."""
    log_level: LogLevel = "info"
    """Least severity that is written. SIGHUP reads it again, without a restart."""
    log_keep_days: Annotated[int, Meta(ge=1, le=3650)] = 7
    """Days after which a rotated log file is deleted."""
    log_file_mib: Annotated[int, Meta(ge=1, le=1024)] = 16
    """Size in MiB at which a log file is rotated."""
    log_files_max: Annotated[int, Meta(ge=1, le=1000)] = 32
    """Rotated log files kept at most, whatever their age."""
    log_keep_mib: Annotated[int, Meta(ge=1, le=1_048_576)] = 512
    """Size in MiB of all rotated log files; over it the oldest is deleted."""
    drain_s: Annotated[float, Meta(ge=0, le=600)] = 45.0
    """Seconds that work under way gets to finish after SIGTERM. Supervisor's stopwaitsecs must be larger."""

    def __post_init__(self) -> None:
        """What no single field can say; a service that has more to say calls this first. ValueError: `field: text`."""
        if self.log_keep_mib < self.log_file_mib:
            raise ValueError(
                f"log_keep_mib: {self.log_keep_mib} MiB hold not one file of log_file_mib, {self.log_file_mib} MiB: a "
                "log would be deleted when it is rotated; raise log_keep_mib or lower log_file_mib"
            )


class SettingsError(Exception):
    """A settings file cannot be used."""

    def __init__(self, file: Path, field: str, problem: str) -> None:
        super().__init__(f"{file}: {field}: {problem}" if field else f"{file}: {problem}")
        self.file = file
        self.field = field
        """Where in the file, e.g. `lanes[0].terminal_id`; empty if it is about the file."""
        self.problem = problem


MISSING = "is missing: put back the one of a backup; `tpayd init` writes one into a new, empty TPAYD_HOME"
"""It writes nothing into an instance that exists."""


def load(path: Path, settings_type: type[S]) -> S:
    """Read and check a settings file. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(path, "", MISSING) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(path, "", f"cannot be read: {error}") from error
    return parse(text, settings_type, path)


def parse(text: str, settings_type: type[S], path: Path) -> S:
    """Check the text of a settings file; `path` is for messages only. Raises SettingsError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(path, "", f"is not TOML: {error}") from error
    try:
        return msgspec.convert(data, settings_type)
    except msgspec.ValidationError as error:
        message = str(error)
    problem, field = _split(message)
    field = _name_keys(data, settings_type, message, field)
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", problem)
    if unknown is not None:
        known = _settings_at(inspect.type_info(settings_type), field)
        raise SettingsError(path, _join(field, unknown[1]), _unknown_problem(unknown[1], known))
    missing = re.fullmatch(r"Object missing required field `(.*)`", problem)
    if missing is not None:
        raise SettingsError(path, _join(field, missing[1]), "is missing, and has no default")
    named = _NAMED_FIELD.fullmatch(problem)
    if named is not None and named[1] in _settings_at(inspect.type_info(settings_type), field):
        raise SettingsError(path, _join(field, named[1]), named[2])
    raise SettingsError(path, field, problem[:1].lower() + problem[1:])


def _split(message: str) -> tuple[str, str]:
    """Take apart msgspec's ``problem - at `$.path` ``."""
    match = re.fullmatch(r"(.*?)(?: - at (?:`key` in )?`\$\.?(.*)`)?", message, re.DOTALL)
    assert match is not None  # noqa: S101  both parts match anything
    return match[1], match[2] or ""


def _join(parent: str, name: str) -> str:
    return f"{parent}.{name}" if parent else name


def _name_keys(data: dict[str, Any], settings_type: type[Struct], message: str, field: str) -> str:
    """Put table names where msgspec writes `[...]`: the entry that fails alone in the same way is the one meant."""
    while "[...]" in field:
        before, _, after = field.partition("[...]")
        table: Any = data
        for name, index in _STEP.findall(before):
            table = table[int(index)] if index else table[name]
        entries = dict(table)
        for name, value in entries.items():
            table.clear()
            table[name] = value
            try:
                msgspec.convert(data, settings_type)
            except msgspec.ValidationError as error:
                if str(error) == message:
                    field = f"{before}.{name}{after}"
                    break
        else:
            return field
    return field


def _unknown_problem(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"is no setting; did you mean `{close[0]}`?"
    return f"is no setting; known here: {', '.join(sorted(known))}"


def _settings_at(kind: inspect.Type, field: str) -> list[str]:
    """The names that a table may hold at a path such as `profiles.live.lines[0]`."""
    kinds = [kind]
    for name, index in _STEP.findall(field):
        kinds = [below for kind in kinds for below in _below(kind, name, bool(index))]
    tables = [kind for kind in _alternatives(kinds) if isinstance(kind, inspect.StructType)]
    return [field.encode_name for table in tables for field in table.fields]


def _below(kind: inspect.Type, name: str, is_index: bool) -> Iterator[inspect.Type]:
    for one in _alternatives([kind]):
        if is_index and isinstance(one, (inspect.ListType, inspect.VarTupleType)):
            yield one.item_type
        elif isinstance(one, inspect.DictType):
            yield one.value_type
        elif isinstance(one, inspect.StructType):
            yield from (field.type for field in one.fields if field.encode_name == name)


def _alternatives(kinds: Iterable[inspect.Type]) -> Iterator[inspect.Type]:
    for kind in kinds:
        if isinstance(kind, inspect.UnionType):
            yield from kind.types
        else:
            yield kind

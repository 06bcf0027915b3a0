"""A release from its wheels: what its description says is read from the wheel of tpayd itself."""

from __future__ import annotations

import ast
import hashlib
import re
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.parser import Parser
from pathlib import Path

from ops.release.errors import ReleaseToolError
from tpayd.updater.errors import DescriptionError
from tpayd.updater.release import Release, Version, Wheel

__all__ = ["add_release_files", "describe_release"]

_REVISION = re.compile(r"tpayd/transaction/journal/migrations/versions/[0-9]\w*\.py")


def describe_release(
    wheels: Iterable[Path], *, min_from: str, changelog: Mapping[str, str], published_at: datetime,
    file_list: bool = False,
) -> Release:  # fmt: skip
    """What is said of these wheels. Raises ReleaseToolError."""
    paths = sorted(wheels, key=lambda path: path.name)
    listed = tuple(_wheel(path) for path in paths)
    own = [path for path in paths if re.match(r"tpayd-", path.name)]
    if len(own) != 1:
        raise ReleaseToolError(f"there are {len(own)} wheels of tpayd itself; a release has one")
    try:
        with zipfile.ZipFile(own[0]) as archive:
            release = Release(
                version=Version.parse(_metadata(archive)["Version"]),
                wheels=listed,
                python=_python(_metadata(archive)["Requires-Python"]),
                journal_revision=_newest_revision(archive),
                keystore_version=_integer(_constant(archive, "tpayd/key_manager/store_header.py", "SCHEMA_VERSION")),
                contract=".".join(map(str, _arguments(archive, "tpayd_contracts/version.py", "CONTRACT_VERSION"))),
                min_from=Version.parse(min_from),
                published_at=published_at.replace(microsecond=0),
                changelog=dict(changelog),
            )
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:
        raise ReleaseToolError(f"{own[0].name} is no wheel of tpayd that can be released: {error}") from error
    if file_list:
        release = _with_file_list(release)
    try:
        # What this publishes, stores have to read.
        return Release.parse(release.encode())
    except DescriptionError as error:
        raise ReleaseToolError(str(error)) from None


def add_release_files(
    release: Release, wheels: Iterable[Path], description: Path, file_list: Path | None
) -> dict[str, Path]:
    """What the role `releases` has to list, by path in the repository; writes the description."""
    description.write_bytes(release.encode())
    files = {f"wheels/{path.name}": path for path in wheels} | {f"releases/{release.version}.json": description}
    if file_list is not None:
        assert release.file_list is not None  # noqa: S101 - described with one
        files[release.file_list] = file_list
    return files


def _with_file_list(release: Release) -> Release:
    fields = {name: getattr(release, name) for name in release.__dataclass_fields__}
    return Release(**(fields | {"file_list": f"releases/{release.version}.manifest"}))


def _wheel(path: Path) -> Wheel:
    content = path.read_bytes()
    return Wheel(f"wheels/{path.name}", len(content), hashlib.sha256(content).hexdigest())


def _metadata(archive: zipfile.ZipFile) -> dict[str, str]:
    name = next(name for name in archive.namelist() if re.fullmatch(r"tpayd-[^/]+\.dist-info/METADATA", name))
    return dict(Parser().parsestr(archive.read(name).decode()).items())


def _python(text: str) -> tuple[int, int]:
    match = re.match(r">=3\.([0-9]+)", text)
    if match is None:
        raise ValueError(f"Requires-Python is {text!r}, not '>=3.…'")
    return 3, int(match[1])


def _newest_revision(archive: zipfile.ZipFile) -> str:
    """Revisions are numbers of one width, so they sort as text; a test of the journal holds them to it."""
    names = [name for name in archive.namelist() if _REVISION.fullmatch(name)]
    return max(str(ast.literal_eval(_constant(archive, name, "revision"))) for name in names)


def _constant(archive: zipfile.ZipFile, module: str, name: str) -> ast.expr:
    """What is assigned to a name at the top of a module; nothing of the wheel is run."""
    for node in ast.parse(archive.read(module)).body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            return node.value
    raise ValueError(f"{module} has no {name}")


def _integer(node: ast.expr) -> int:
    return int(ast.literal_eval(node))


def _arguments(archive: zipfile.ZipFile, module: str, name: str) -> list[int]:
    node = _constant(archive, module, name)
    if not isinstance(node, ast.Call):
        raise ValueError(f"{name} in {module} is no version")  # noqa: TRY004 - the wheel is odd, not our argument
    return [_integer(argument) for argument in node.args]

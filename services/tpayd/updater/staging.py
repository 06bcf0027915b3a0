"""Installs a release beside the running one: an environment of its own, from wheels that were verified. Blocks.

Everything happens in a directory that nobody uses, and takes its place by one rename when all of it is on disk: a full
disk or a power cut leaves the releases that were there, and at most a directory that the next try removes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tpayd.integrity.environment import Environment
from tpayd.integrity.manifest import MANIFEST_NAMES, Kind
from tpayd.kit import crashpoints
from tpayd.kit.instance import HOME_VARIABLE, Instance
from tpayd.releases.layout import Layout, sync_directory
from tpayd.updater.errors import NoSpaceError, UpdateError
from tpayd.updater.refusals import NotInstalledError

__all__ = ["base_python", "remove", "run_in", "stage", "sweep"]

_STAGING = ".staging-"
_VENV_LIMIT_S = 120.0
_SIGN_LIMIT_S = 300.0
_SPARE_BYTES = 64 * 1024 * 1024
"""For bytecode, and so that the journal has room as well."""
_MIB = 1024 * 1024

Tell = Callable[[str, int, int], None]
"""What is done, wheels done, wheels in all."""


def stage(
    instance: Instance, version: str, wheels: Sequence[Path], file_list: Path | None, *, sign: bool, tell: Tell
) -> Path:
    """Install `wheels` into `releases/<version>`, which must not be in use; returns where it lies.

    `sign` has the instance's own key vouch for what was installed here (docs/integrity.md).

    Raises NoSpaceError, NotInstalledError: what was there before is there still.
    """
    layout = Layout(instance.home)
    place = layout.place(version)
    fresh = layout.releases / f"{_STAGING}{version}"
    try:
        layout.releases.mkdir(mode=0o750, exist_ok=True)
        sweep(layout)
        _check_space(layout.releases, wheels)
        _make_environment(fresh, place)
        crashpoints.passing("staging.began")
        environment = Environment.at(fresh)
        for number, wheel in enumerate(wheels):
            tell(f"installing {wheel.name}", number, len(wheels))
            _install(wheel, environment, place / "bin" / "python")
        if file_list is not None:
            shutil.copyfile(file_list, fresh / MANIFEST_NAMES[Kind.RELEASE])
        if sign:
            tell("signing what was installed", len(wheels), len(wheels))
            _sign(instance, fresh)
        os.sync()
        crashpoints.passing("staging.installed")
        remove(layout, version)
        fresh.rename(place)
        crashpoints.passing("staging.renamed")
        sync_directory(layout.releases)
    except UpdateError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    except (OSError, subprocess.SubprocessError, zipfile.BadZipFile, ValueError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        if isinstance(error, OSError):
            raise NoSpaceError(f"{version} could not be installed: {error}; free some space, then try again") from error
        raise NotInstalledError(f"{version} could not be installed: {error}") from error
    return place


def remove(layout: Layout, version: str) -> None:
    """Remove a release that the updater installed. Raises OSError, and ValueError for the one in use."""
    if version == layout.current():
        raise ValueError(f"{version} is in use")
    if layout.is_own(version):
        # Out of the way first: half of an environment is none.
        gone = layout.releases / f"{_STAGING}gone-{version}"
        shutil.rmtree(gone, ignore_errors=True)
        layout.place(version).rename(gone)
        shutil.rmtree(gone)


def sweep(layout: Layout) -> None:
    """Remove what a cut left behind. Raises OSError."""
    if layout.releases.is_dir():
        for path in layout.releases.glob(f"{_STAGING}*"):
            shutil.rmtree(path)


def base_python() -> str:
    """The interpreter that environments are made from."""
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    return base


def run_in(
    environment: Path, *arguments: str, home: Path, limit_s: float, options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a module of a staged release, at low priority. Raises OSError, subprocess.TimeoutExpired."""
    kept: Mapping[str, str] = {name: value for name, value in os.environ.items() if not name.startswith("TPAYD_")}
    nice = ["nice", "-n", "15"] if shutil.which("nice") else []  # payments come first
    return subprocess.run(
        [*nice, str(environment / "bin" / "python"), "-I", *options, *arguments],
        check=False, capture_output=True, text=True, timeout=limit_s, stdin=subprocess.DEVNULL,
        env={**kept, HOME_VARIABLE: str(home)}, start_new_session=True,
    )  # fmt: skip


def _check_space(directory: Path, wheels: Sequence[Path]) -> None:
    needed = _SPARE_BYTES
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            # As much again for the bytecode.
            needed += 2 * sum(entry.file_size for entry in archive.infolist())
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise NoSpaceError(
            f"{directory} has {free // _MIB} MiB free, and the release needs {needed // _MIB}: free "
            f"{(needed - free) // _MIB + 1} MiB, then try again"
        )


def _make_environment(fresh: Path, place: Path) -> None:
    shutil.rmtree(fresh, ignore_errors=True)
    done = subprocess.run(
        [base_python(), "-I", "-m", "venv", "--without-pip", str(fresh)],
        check=False, capture_output=True, text=True, timeout=_VENV_LIMIT_S, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        raise NotInstalledError(
            f"an environment cannot be made at {place}: {(done.stderr or done.stdout).strip()[-300:]}"
        )
    for script in (fresh / "bin").glob("[aA]ctivate*"):
        # They name the directory in which they were made.
        script.unlink()
    config = fresh / "pyvenv.cfg"
    config.write_text(config.read_text(encoding="utf-8").replace(str(fresh), str(place)), encoding="utf-8")


def _install(wheel: Path, environment: Environment, python: Path) -> None:
    from installer import install  # noqa: PLC0415  seldom needed
    from installer.destinations import SchemeDictionaryDestination  # noqa: PLC0415
    from installer.sources import WheelFile  # noqa: PLC0415

    root, site = str(environment.root), str(environment.root / environment.site)
    scheme = {
        "purelib": site, "platlib": site, "scripts": f"{root}/bin", "headers": f"{root}/include", "data": root,
    }  # fmt: skip
    destination = SchemeDictionaryDestination(scheme, interpreter=str(python), script_kind="posix")
    with WheelFile.open(wheel) as source:
        install(source, destination, {"INSTALLER": b"tpayd\n"})


def _sign(instance: Instance, environment: Path) -> None:
    done = run_in(environment, "-m", "tpayd", "integrity", "sign", "--json", home=instance.home, limit_s=_SIGN_LIMIT_S)
    if done.returncode:
        raise NotInstalledError(
            "what was installed could not be signed with this instance's key: "
            f"{(done.stderr or done.stdout).strip()[-300:]}"
        )

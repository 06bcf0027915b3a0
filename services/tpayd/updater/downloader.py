"""`tpayd-download`: fetches the newest release next to itself, verified, and installs it if told to (T29).

As a single file it is made by `python -m ops.release.downloader`, one for each line of releases, with the line's
address and root of trust inside; it needs Python 3.11 and nothing else. Standard library and tuf alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tpayd.updater.errors import DescriptionError, NotOfferedError, UpdateError
from tpayd.updater.machine import supported_tags
from tpayd.updater.patience import Limits
from tpayd.updater.release import Release
from tpayd.updater.targets import Progress
from tpayd.updater.trusted import TrustedRepository

__all__ = ["Line", "main"]

_INTERRUPTED = 130
_TRY_AGAIN = 75
"""EX_TEMPFAIL (sysexits.h): the same call may succeed later."""
_FAILED = 1
_STATE = ".tpayd-download"
_MIB = 1024 * 1024
_TOLD_EVERY_S = 0.2


@dataclass(frozen=True)
class Line:
    """One line of releases, and where the file that fetches it lies."""

    url: str
    root: bytes
    place: Path
    name: str = "tpayd"


def main(line: Line | None = None, arguments: list[str] | None = None) -> int:
    """Exit status: 0 fetched (and installed, if told to), 75 try again later, 1 refused or failed, 2 wrong use."""
    told = _arguments(line, arguments)
    try:
        if line is None:
            line = Line(told.url, told.root.read_bytes(), Path.cwd())
        return _run(line, told)
    except UpdateError as error:
        print(f"\n{error}", file=sys.stderr)
        return _TRY_AGAIN if error.retryable else _FAILED
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"\n{error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("\nstopped; what has been fetched is kept, and the next start goes on from there", file=sys.stderr)
        return _INTERRUPTED


def _run(line: Line, told: argparse.Namespace) -> int:
    place: Path = told.to or line.place
    repository = TrustedRepository(place / _STATE, line.url, line.root, Limits(tries=told.tries))
    repository.refresh()
    release = _newest(repository)
    folder = place / f"{line.name}-{release.version}"
    _fetch(repository, release, folder)
    print(f"{folder}: {line.name} {release.version}, complete and verified")
    for text in (release.changelog.get(language) for language in ("ko", "en")):
        if text:
            print(text.rstrip())
    into: Path = told.into
    by_hand = f"python3 -m venv {into} && {into}/bin/pip install --no-index --no-deps {folder}/*.whl"
    if not (told.yes or (not told.no and _agreed(f"Install it into {into} now? Yes or No: "))):
        print(f"Not installed. To install it later, start this again, or:\n  {by_hand}")
        return 0
    return _install(folder, into)


def _newest(repository: TrustedRepository) -> Release:
    versions = repository.versions()
    if not versions:
        raise NotOfferedError("no release is offered yet; ask the vendor")
    release = repository.release(versions[0])
    if sys.version_info[:2] < release.python:
        needed = ".".join(map(str, release.python))
        text = (
            f"{release.version} needs Python {needed}, this is {sys.version.split()[0]}: start this with a newer Python"
        )
        raise DescriptionError(text)
    return release


def _fetch(repository: TrustedRepository, release: Release, folder: Path) -> None:
    wheels = release.wheels_for(supported_tags())
    missing = repository.missing_bytes(wheels)
    total = sum(wheel.length_bytes for wheel in wheels)
    print(f"{release.version}: {len(wheels)} files, {total / _MIB:.1f} MiB, {missing / _MIB:.1f} MiB to fetch")
    files = repository.fetch_wheels(wheels, _teller())
    if sys.stdout.isatty():
        print()
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for file in files:
        _link(file, fresh / file.name)
    (fresh / "release.json").write_bytes(release.encode())
    shutil.rmtree(folder, ignore_errors=True)
    fresh.replace(folder)


def _link(file: Path, to: Path) -> None:
    try:
        os.link(file, to)
    except OSError:
        # FAT, as on most USB sticks, has no second names.
        shutil.copyfile(file, to)


def _teller() -> Callable[[Progress], None]:
    tty = sys.stdout.isatty()
    last_s, last_tenth = 0.0, -1

    def tell(progress: Progress) -> None:
        nonlocal last_s, last_tenth
        done, total = progress.done_bytes, max(1, progress.total_bytes)
        text = f"{100 * done // total:3d} %  {done / _MIB:7.1f} of {total / _MIB:.1f} MiB"
        if tty and (done == total or time.monotonic() - last_s > _TOLD_EVERY_S):
            last_s = time.monotonic()
            print(f"\r{text}", end="", flush=True)
        elif not tty and 10 * done // total > last_tenth:
            last_tenth = 10 * done // total
            print(text, flush=True)

    return tell


def _agreed(question: str) -> bool:
    """Nobody there says no: a file that stays does no harm."""
    if not sys.stdin.isatty():
        return False
    try:
        return input(question).strip().lower() in {"y", "yes", "예", "네"}
    except EOFError:
        return False


def _install(folder: Path, into: Path) -> int:
    if into.exists() and any(into.iterdir()):
        text = (
            f"{into} is not empty: name another with --into. An installation that is there updates itself: tpayd update"
        )
        print(text, file=sys.stderr)
        return _FAILED
    print(f"installing into {into} …", flush=True)
    venv.EnvBuilder(with_pip=True, symlinks=True).create(into)
    pip = [str(into / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    wheels = [str(path) for path in sorted(folder.glob("*.whl"))]
    subprocess.run([*pip, "--disable-pip-version-check", *wheels], check=True)
    print(f"installed. Go on with:  {into}/bin/tpayd --help")
    return 0


def _arguments(line: Line | None, arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tpayd-download",
        description="Fetch the newest release next to this file, verified; what was begun goes on. Then: Yes installs "
        "it, No leaves it there.",
        epilog="Exit status: 0 done, 75 try again later, 1 refused or failed, 2 wrong use.",
    )
    if line is None:
        parser.add_argument("--url", required=True, help="of the repository of releases")
        parser.add_argument("--root", type=Path, required=True, help="the repository's root of trust (1.root.json)")
    parser.add_argument("--to", type=Path, help="put it into this directory instead of the one this file lies in")
    parser.add_argument("--into", type=Path, default=_default_place(), help="install there (default: %(default)s)")
    parser.add_argument("--tries", type=int, default=4, help="how often a broken connection is made anew in a row")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--yes", action="store_true", help="install without asking")
    answer.add_argument("--no", action="store_true", help="do not install, and do not ask")
    return parser.parse_args(arguments)


def _default_place() -> Path:
    return Path("/opt/tpayd") if os.geteuid() == 0 else Path.home() / "tpayd"


if __name__ == "__main__":
    sys.exit(main())

"""The files that have been fetched, by their content: `files/<sha256>/<name>`, and `.part` while one is not whole."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tpayd.kit.durable_file import commit_file
from tpayd.updater.errors import BusyError, NoSpaceError, WrongContentError
from tpayd.updater.fetching import continue_file
from tpayd.updater.patience import Limits, Patience
from tpayd.updater.targets import OnProgress, Progress, Target

__all__ = ["FetchedFiles", "held"]

_SPACE_LEFT_BYTES = 32 * 1024 * 1024
"""What a fetch leaves free: the journal lies on the same disk more often than not."""
_LOOK_UP_S = 0.05


class FetchedFiles:
    """One directory of them."""

    def __init__(self, directory: Path, url: str, limits: Limits) -> None:
        """Touches neither disk nor network; `url` is where the targets lie."""
        self._directory = directory
        self._url = url
        self._limits = limits

    def has(self, target: Target) -> bool:
        """Whether it lies here as a whole, by its size: `fetch` looks at the content as well."""
        path = self._place(target)
        return path.is_file() and path.stat().st_size == target.length_bytes

    def missing_bytes(self, target: Target) -> int:
        """What is still to be fetched of it."""
        return 0 if self.has(target) else max(0, target.length_bytes - _size(_part(self._place(target))))

    def fetch(self, target: Target, on_progress: OnProgress, stop: threading.Event | None) -> Path:
        """From here where it is here already, else from where the last try ended.

        Raises UpdateError: what has been fetched of it stays, unless it is found to be wrong.
        """
        place = self._place(target)
        if self.has(target) and _sha256(place) == target.sha256:
            on_progress(Progress(target.path, target.length_bytes, target.length_bytes))
            return place
        with held(place.parent), _disk_told():
            self._check_space(target, _size(_part(place)))
            self._download(target, place, Patience(self._limits, self._limits.file_s, stop), on_progress)
        return place

    def forget(self, keep: Collection[Target]) -> int:
        """Remove all but these, parts too, and what somebody is fetching now. Returns the bytes freed.

        Raises NoSpaceError.
        """
        kept = {each.sha256 for each in keep}
        freed = 0
        with _disk_told():
            for directory in self._directory.glob("*"):
                if directory.name not in kept:
                    with contextlib.suppress(BusyError), held(directory):
                        freed += sum(_size(file) for file in directory.iterdir())
                        shutil.rmtree(directory)
        return freed

    def _place(self, target: Target) -> Path:
        return self._directory / target.sha256 / target.name

    def _check_space(self, target: Target, have_bytes: int) -> None:
        needed = target.length_bytes - have_bytes + _SPACE_LEFT_BYTES
        if (free := shutil.disk_usage(self._directory).free) < needed:
            text = f"{target.name} needs {needed} bytes free on this disk, there are {free}: make room, then try again"
            raise NoSpaceError(text)

    def _download(self, target: Target, place: Path, patience: Patience, on_progress: OnProgress) -> None:
        folder, _, name = target.path.rpartition("/")
        url = f"{self._url}/{folder}/{target.sha256}.{name}"
        part = _part(place)

        def told(done_bytes: int) -> None:
            on_progress(Progress(target.path, done_bytes, target.length_bytes))

        resumed = _size(part) > 0
        _fill(url, part, target.length_bytes, patience, told)
        whole = _sha256(part) == target.sha256
        if resumed and not whole:
            # What an earlier try left may have lost its end in a power cut: once more, from the start.
            part.unlink()
            _fill(url, part, target.length_bytes, patience, told)
            whole = _sha256(part) == target.sha256
        if not whole:
            part.unlink()
            text = (
                f"{target.name} is not what was signed (SHA-256); it is thrown away. Try again; "
                "if it stays so, tell the vendor"
            )
            raise WrongContentError(text)
        commit_file(part, place)


@contextmanager
def held(directory: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Nobody else works in this directory meanwhile; it is made where it is missing.

    Raises BusyError where somebody still does after `wait_s`, NoSpaceError.
    """
    with _disk_told():
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        end_s = time.monotonic() + wait_s
        while not _taken(descriptor):
            if time.monotonic() >= end_s:
                raise BusyError(f"{directory} is being worked in by another process; try again when it is done")
            time.sleep(_LOOK_UP_S)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NoSpaceError(f"the disk does not take it: {error}; make room, then try again") from error


def _fill(url: str, part: Path, size_bytes: int, patience: Patience, on_bytes: Callable[[int], None]) -> None:
    with part.open("r+b" if part.exists() else "w+b") as file:
        try:
            continue_file(url, file, size_bytes, patience, on_bytes)
        finally:
            file.flush()
            os.fsync(file.fileno())


def _part(place: Path) -> Path:
    return place.with_name(".part")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sha256(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

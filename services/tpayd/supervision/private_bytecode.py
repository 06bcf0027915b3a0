"""The directory for the bytecode of all that the launcher starts (docs/adr/0022). Standard library only.

Made anew for each launcher, and removed in the end: what is started again finds its bytecode there, and bytecode that
lies beside a source in the installation is never run. It is filled with what was compiled when the installation was
signed; else it is compiled now, once. Where it cannot be made, the processes start without, and the integrity check
says so.

It lies in memory where there is room: to make its thousand files on a disk takes a processor for 0.1 to 0.6 s, at the
moment when all processes start; in memory 0.04 s.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

from tpayd.releases.bytecode import listed_archive, unpack_archive
from tpayd.supervision.supervisord import wait_readable

__all__ = ["BYTECODE_VARIABLE", "WARM_UP_MAX_S", "PrivateBytecode"]

BYTECODE_VARIABLE = "TPAYD_BYTECODE"
"""Tells supervisord where the processes that it starts keep their bytecode; its configuration has the name."""
WARM_UP_MAX_S = 15.0
_PREFIX = "bytecode-"
_MEMORY = Path("/dev/shm")  # noqa: S108  (a directory of an unguessable name, made by its owner, in a sticky one)
_ROOM_BYTES = 48 * 1024 * 1024
"""Twice and a half what is unpacked or compiled; a container may have 64 MiB of such memory."""


class Note(Protocol):
    """Writes one line into the launcher's log."""

    def __call__(self, event: str, **fields: object) -> None: ...


class PrivateBytecode:
    """One instance's directory."""

    def __init__(self, run: Path, note: Note, wakeup: int, memory: Path = _MEMORY) -> None:
        """It is made in `memory`, or else in `run`; what can be read at `wakeup` cuts waiting short."""
        self._run = run
        self._memory = memory
        self._in_memory = f"tpayd-{hashlib.sha256(os.fsencode(run)).hexdigest()[:12]}-{_PREFIX}"
        """How names there begin: other instances have theirs beside it."""
        self._note = note
        self._wakeup = wakeup
        self._made: Path | None = None
        self._packed: tuple[bytes, Path] | None = None
        """What is to be unpacked into it, and the environment that it is of."""

    @property
    def path(self) -> Path:
        """Where bytecode is looked for; where there is no directory, nothing lies there."""
        return self._made or self._run / f"{_PREFIX}none"

    def isolated(self, python: Path) -> list[str]:
        """The beginning of a command: an interpreter that takes modules and bytecode from nowhere else."""
        return [str(python), "-I", "-X", f"pycache_prefix={self.path}"]

    def make(self, root: Path) -> None:
        """Make it, for the environment below `root`, where this launcher has not done so; wait if it is compiled."""
        if self._made is not None:
            return
        self.remove()
        try:
            self._made = self._directory()
        except OSError as error:
            self._note("bytecode.no_directory", problem=str(error))
            return
        archive = listed_archive(root)
        if archive is None:
            self._warm_up(root / "bin" / "python")
        else:
            self._packed = archive, root

    def unpack(self) -> None:
        """Fill it with what was signed, if that is still to be done."""
        packed, self._packed = self._packed, None
        if packed is None or self._made is None:
            return
        try:
            unpack_archive(*packed, self._made)
        except (OSError, ValueError) as error:
            # Each process compiles for itself.
            self._note("bytecode.not_unpacked", problem=str(error))

    def remove(self) -> None:
        """And those that earlier launchers have left; only when no process is left that uses one."""
        for directory in (*self._run.glob(f"{_PREFIX}*"), *self._memory.glob(f"{self._in_memory}*")):
            shutil.rmtree(directory, ignore_errors=True)

    def _directory(self) -> Path:
        """A new one, which nobody else can write to. Raises OSError."""
        try:
            room = os.statvfs(self._memory)
            if room.f_bavail * room.f_frsize >= _ROOM_BYTES:
                return self._private(self._memory, self._in_memory)
        except OSError:  # there is no such memory, or it is not for us
            pass
        return self._private(self._run, _PREFIX)

    def _private(self, place: Path, prefix: str) -> Path:
        made = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        # To read, for processes with users of their own: they are in `run`'s group, as all that is made in it.
        run = self._run.stat()
        if made.stat().st_gid != run.st_gid:
            os.chown(made, -1, run.st_gid)
        made.chmod(0o750 | (run.st_mode & stat.S_ISGID))
        return made

    def _warm_up(self, python: Path) -> None:
        """Have the bytecode made once, instead of by every process at the same time."""
        command = [*self.isolated(python), "-m", "tpayd.supervision.warm_up"]
        nothing = subprocess.DEVNULL
        try:
            with subprocess.Popen(
                command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, umask=0o027
            ) as child:
                wait_readable([self._wakeup, pidfd := os.pidfd_open(child.pid)], WARM_UP_MAX_S)
                os.close(pidfd)
                child.kill()
        except OSError as error:
            self._note("bytecode.not_made", problem=str(error))

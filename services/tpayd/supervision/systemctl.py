"""systemd's own commands, which enable what is to start at boot. systemctl(1), loginctl(1), useradd(8)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tpayd.supervision.boot import Scope

__all__ = ["CommandFailedError", "Systemctl", "run"]

_LIMIT_S = 60.0
_STOP_LIMIT_S = 330.0
"""Above TimeoutStopSec of the unit: payments under way finish first."""


class CommandFailedError(Exception):
    """A command of the system's is missing or failed; the message quotes it."""


class Systemctl:
    """One scope's systemctl; with `root` it works on the files of a system that does not run, as in an image."""

    def __init__(self, scope: Scope, root: Path | None = None) -> None:
        self._options = ["--user"] if scope is Scope.USER else []
        if root is not None:
            self._options.append(f"--root={root}")
        self._offline = root is not None

    def enable(self, unit: str) -> None:
        """Raises CommandFailedError."""
        self._call("enable", "--quiet", unit)

    def disable(self, unit: str) -> None:
        """Also what is not enabled. Raises CommandFailedError."""
        self._call("disable", "--quiet", unit)

    def reload(self) -> None:
        """Have systemd read the units again. Raises CommandFailedError."""
        if not self._offline:
            self._call("daemon-reload")

    def start(self, unit: str) -> None:
        """Raises CommandFailedError."""
        self._call("start", unit)

    def stop(self, unit: str) -> None:
        """Raises CommandFailedError."""
        self._call("stop", unit, limit_s=_STOP_LIMIT_S)

    def _call(self, *arguments: str, limit_s: float = _LIMIT_S) -> None:
        run(["systemctl", *self._options, *arguments], limit_s)


def run(command: Sequence[str], limit_s: float = _LIMIT_S) -> None:
    """Raises CommandFailedError."""
    shown = " ".join(command)
    path = shutil.which(command[0])
    if path is None:
        raise CommandFailedError(f"there is no {command[0]} on this machine, which `{shown}` needs")
    try:
        done = subprocess.run(
            [path, *command[1:]], check=False, capture_output=True, text=True, timeout=limit_s,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailedError(f"`{shown}`: {error}") from error
    if done.returncode != 0:
        why = (done.stderr or done.stdout).strip().splitlines()
        raise CommandFailedError(f"`{shown}` ended with {done.returncode}: {why[-1] if why else 'it said nothing'}")

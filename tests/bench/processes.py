"""The bench's own processes: started here, ended here, counted here."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Self

__all__ = ["Children"]

_STOP_WAIT_S = 5.0


class Children:
    """Processes of one chain; all are ended when the block is left."""

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            try:
                child.wait(_STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()

    @property
    def pids(self) -> dict[str, int]:
        """By service."""
        return {service: child.pid for service, child in self._children.items()}

    def start(self, module: str, service: str, *arguments: str, ready: str) -> None:
        """Start `python -m module service …`; wait for the line `ready`. Raises RuntimeError for another, or none."""
        child = subprocess.Popen(
            [sys.executable, "-m", module, service, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._children[service] = child
        assert child.stdout is not None
        line = child.stdout.readline().strip()
        if line != ready:
            raise RuntimeError(f"{module} {service} said {line!r} instead of {ready!r}")

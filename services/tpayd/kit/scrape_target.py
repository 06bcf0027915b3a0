"""Where Prometheus finds a process: one file for each, in the format of `file_sd_configs`.

Each process writes its own file when its metrics are served, so that the list is true whatever ports were chosen, and
two processes never write the same one. The file stays when the process ends: a target that does not answer is the
alarm. `tpayd up` removes those of processes that are no longer part of the store.

Format: Prometheus, Configuration, `<file_sd_config>`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path

__all__ = ["forget_others", "targets_directory", "write_target"]

_LOOPBACK = "127.0.0.1"


def targets_directory(home: Path) -> Path:
    """`metrics/` of an instance; Prometheus reads `*.json` there."""
    return home / "metrics"


def write_target(home: Path, service: str, port: int, labels: Mapping[str, str]) -> None:
    """Say that the metrics of `service` are at this port, each with these labels beside `service`. Raises OSError."""
    directory = targets_directory(home)
    directory.mkdir(mode=0o750, exist_ok=True)
    group = {"targets": [f"{_LOOPBACK}:{port}"], "labels": {"service": service, **labels}}
    fresh = directory / f"{service}.new"
    fresh.write_text(json.dumps([group], indent=1) + "\n", encoding="utf-8")
    fresh.chmod(0o640)
    fresh.replace(directory / f"{service}.json")


def forget_others(home: Path, services: Collection[str]) -> None:
    """Remove the files of processes that are not among `services`: nobody would answer there for ever."""
    for path in targets_directory(home).glob("*.json"):
        if path.stem not in services:
            with contextlib.suppress(OSError):
                path.unlink()

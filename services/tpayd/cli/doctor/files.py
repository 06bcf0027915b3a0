"""Settings, permissions, disk space, and how long the disk takes to be sure."""

from __future__ import annotations

import os
import shutil
import stat
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tpayd.cli.doctor.finding import Finding, note, ok, problem, warning
from tpayd.cli.doctor.look import Look
from tpayd.cli.settings_check import check_files
from tpayd.kit.instance import Instance
from tpayd.supervision.separation import misplaced

__all__ = ["disk_space", "disk_speed", "permissions", "room", "settings"]

FREE_PROBLEM_BYTES, FREE_WARNING_BYTES = 200 << 20, 2 << 30
"""The journal of a busy store grows by some ten MB a day, its logs by some hundred."""
FSYNC_WARNING_S, FSYNC_PROBLEM_S = 0.1, 1.0
"""A payment waits for two or three of them."""
_FSYNCS = 9


def settings(look: Look) -> Iterator[Finding]:
    """Every file, as its process would read it at its next start."""
    files = check_files(look.house.instance)
    for file in files:
        if file.problem:
            yield problem(f"config/{file.file}.toml: {file.problem}", "mend it, or `tpayd settings restore`")
        for doubt in file.doubts:
            yield note(f"config/{file.file}.toml: {doubt}")
    if not any(file.problem for file in files):
        yield ok(f"all {len(files)} files can be used")


def permissions(look: Look) -> Iterator[Finding]:
    """Who else may write to the instance, or read its secrets."""
    instance = look.house.instance
    if instance.users is not None:
        yield from _misplaced(instance)
        return
    if instance.home.stat().st_uid == 0 and not look.house.store.sandbox:
        todo = "`tpayd down`, then `tpayd install-service` or `tpayd users separate`"
        yield warning("all processes run as root", todo)
    wrong = list(_too_open(instance.home, 0o022)) + list(_too_open(instance.secrets, 0o077))
    wrong += list(_too_open(instance.data / "keys", 0o077))
    for path in wrong[:10]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        yield problem(f"{path} has mode {mode:04o}: others can get at it", f"chmod go-rwx {path}")
    if not wrong:
        yield ok("nobody else can write to the instance or read its secrets")


def disk_space(look: Look) -> Iterator[Finding]:
    """Where the journal and the logs grow."""
    instance = look.house.instance
    seen = set()
    for place in (instance.data, instance.log, instance.home):
        device = place.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        yield room(place, shutil.disk_usage(place).free, os.statvfs(place).f_favail)


def room(place: Path, free_bytes: int, free_files: int) -> Finding:
    """What so much room means."""
    told = f"{place}: {free_bytes / 1e9:.1f} GB free"
    if free_bytes < FREE_PROBLEM_BYTES:
        return problem(f"{told}: new payments are refused when it is full", "free disk space now")
    if 0 < free_files < 1_000:
        return problem(f"{place}: only {free_files} more files fit on this disk", "remove small files")
    if free_bytes < FREE_WARNING_BYTES:
        return warning(told, "free disk space; `log_keep_days` in config/ says how long logs are kept")
    return ok(told)


def disk_speed(look: Look) -> Iterator[Finding]:
    """A payment is on disk before it is sent: each sync is waited for."""
    data = look.house.instance.data
    try:
        slowest_s, middle_s = _fsyncs(data)
    except OSError as error:
        yield note(f"{data} could not be tried: {error.strerror}", "run it as the instance's owner")
        return
    told = f"a sync takes {middle_s * 1000:.1f} ms, at most {slowest_s * 1000:.1f} ms"
    if middle_s >= FSYNC_PROBLEM_S:
        yield problem(told, "the disk is failing or badly overloaded: look at the kernel's log, replace it")
    elif middle_s >= FSYNC_WARNING_S:
        yield warning(told, "payments wait for it: use an SSD, or find what else writes to this disk")
    else:
        yield ok(told)


def _fsyncs(directory: Path) -> tuple[float, float]:
    took = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(_FSYNCS):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return max(took), statistics.median(took)


def _misplaced(instance: Instance) -> Iterator[Finding]:
    """Where each process has a user of its own, owners and modes are a table."""
    wrong = misplaced(instance)
    for path in wrong[:10]:
        yield problem(f"{path} has not the owner, group or mode that it should", "`tpayd up` as root mends it")
    if not wrong:
        yield ok("each process's files are its own")


def _too_open(top: Path, bits: int) -> Iterator[Path]:
    """What is below `top`, two levels deep, and has one of these bits of its mode set."""
    for path in (top, *_children(top)):
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue
        if not stat.S_ISLNK(mode) and not stat.S_ISSOCK(mode) and mode & bits:
            yield path


def _children(top: Path) -> Iterator[Path]:
    try:
        yield from sorted(top.iterdir())
    except OSError:
        return

"""What the kernel guarantees: no orphan, no core file, no files for others, no look into its memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.harness.waiting import eventually
from tests.integration.kit.conftest import Probe


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def started_by_a_parent(probe: Probe, environment: dict[str, str]) -> tuple[subprocess.Popen[str], int]:
    """A parent of its own that starts the probe, tells its pid and sleeps."""
    code = "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(600)"
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *probe.command()],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **environment},
        start_new_session=True,
    )  # fmt: skip
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.stdout.close()
    return parent, pid


def test_it_ends_with_its_parent(probe: Probe) -> None:
    """A killed supervisor leaves no orphan that holds the locks; what is under way is drained."""
    parent, pid = started_by_a_parent(probe, {})
    probe.event("process.ready")
    parent.kill()
    parent.wait(timeout=10)

    eventually(lambda: not alive(pid), timeout_s=15, what="the end of the orphan")
    assert probe.has("drained")


def test_it_does_not_start_under_a_parent_that_died_before(probe: Probe) -> None:
    """The kernel tells of deaths to come only: an orphan of supervisord notices by itself, and takes no lock."""
    parent, pid = started_by_a_parent(probe, {"SUPERVISOR_ENABLED": "1"})
    os.kill(pid, signal.SIGSTOP)
    parent.kill()
    parent.wait(timeout=10)
    os.kill(pid, signal.SIGCONT)

    eventually(lambda: not alive(pid), timeout_s=15, what="the end of the orphan")
    assert not probe.has("started")


def test_it_starts_under_a_live_supervisor(probe: Probe) -> None:
    """The same environment with its parent alive is no orphan."""
    parent, pid = started_by_a_parent(probe, {"SUPERVISOR_ENABLED": "1"})
    probe.event("process.ready")
    parent.kill()
    parent.wait(timeout=10)
    eventually(lambda: not alive(pid), timeout_s=15, what="the end of the orphan")


def test_it_leaves_no_memory_image_and_no_file_for_others(probe: Probe) -> None:
    """Memory may hold card data and keys: no core file, for good, and no debugger of the same user."""
    probe.start_ready()

    assert "core_limit=0 dumpable=0 file_mode=640" == (probe.instance.data / "probe.facts").read_text()

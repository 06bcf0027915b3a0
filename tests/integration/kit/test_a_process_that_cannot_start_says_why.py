"""What keeps a process from starting is one clear line on stderr, one in the log, and the exit code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.kit.conftest import SERVICE, Ended, Probe

EX_SOFTWARE, EX_CONFIG = 70, 78
CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (SERVICE, "metrics_prt = 1", "metrics_prt: is no setting; did you mean `metrics_port`?"),
        (SERVICE, 'drain_s = "long"', "drain_s: expected `float`, got `str`"),
        (SERVICE, "drain_s =", "is not TOML"),
        ("store", "", "merchant: is missing"),
    ],
)
def test_wrong_settings_end_with_78_and_the_field(
    probe: Probe, ended: Ended, name: str, text: str, expected: str
) -> None:
    """The operator reads file, field and what was expected, and no traceback."""
    probe.settings(name, text)
    code, stderr = ended(probe.start())

    assert EX_CONFIG == code
    assert 1 == len(stderr.splitlines())
    assert f"{name}.toml: " in stderr
    assert expected in stderr
    assert expected in str(probe.event("process.failed")["why"])


def test_an_unsafe_directory_ends_with_78(probe: Probe, ended: Ended) -> None:
    """Nothing is read from a directory that others can write to."""
    probe.instance.config.chmod(0o777)
    code, stderr = ended(probe.start())

    assert EX_CONFIG == code
    assert f"chmod go-w {probe.instance.config}" in stderr


def test_a_second_process_is_refused_and_told_the_pid(probe: Probe, ended: Ended) -> None:
    """Two processes on one set of sockets would steal each other's messages."""
    first = probe.start_ready()
    code, stderr = ended(probe.start())

    assert EX_SOFTWARE == code
    assert f"pid {first.pid}" in stderr
    assert 1 == len(stderr.splitlines())
    assert probe.health() is not None


def test_a_killed_process_leaves_no_lock_behind(probe: Probe) -> None:
    """The kernel frees the lock with the process, and the socket's path is taken over."""
    probe.start_ready().kill()

    probe.start_ready()


def test_a_fault_in_start_ends_with_70_and_is_logged(probe: Probe, ended: Ended) -> None:
    """Supervisor tries again; the log has the traceback, stderr one line, neither the card number."""
    probe.settings(SERVICE, f'fault = "start"\nfault_text = "no port {CARD}"')
    code, stderr = ended(probe.start())
    failed = probe.event("process.failed")

    assert EX_SOFTWARE == code
    assert "no port [card number removed]" in stderr
    assert 1 == len(stderr.splitlines())
    assert "RuntimeError: no port [card number removed]" in str(failed["exception"])
    assert probe.has("stopped")


def test_help_tells_files_and_exit_codes(probe: Probe) -> None:
    """A process run by hand explains itself."""
    done = subprocess.run([*probe.command(), "--help"], capture_output=True, text=True, timeout=20, check=True)

    assert "--home" in done.stdout
    assert "78 wrong settings" in " ".join(done.stdout.split())


def test_no_card_number_in_any_file(probe: Probe, stopped: Ended) -> None:
    """A card number in an exception's text and in a field reaches no file of the instance."""
    probe.settings(SERVICE, f'fault = "log"\nfault_text = "{CARD}"')
    stopped(probe.start_ready())
    probe.settings(SERVICE, "")

    assert "[card number removed]" in str(probe.event("probe.failed")["exception"])
    found = [path for path in probe.instance.home.rglob("*") if path.is_file() and _has_card(path)]
    assert [] == found


def _has_card(path: Path) -> bool:
    content = path.read_bytes()
    return CARD.encode() in content or CARD.replace(" ", "").encode() in content

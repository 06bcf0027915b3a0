"""A verdict that nobody could read is not known: no exit status takes its place, least of all that of NOT PAID."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import Store
from tests.integration.cli.conftest import Run
from tpayd.cli.exits import Exit
from tpayd.kit.instance import HOME_VARIABLE

FULL = Path("/dev/full")
_WAIT_S = 60.0
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")


def _tpayd(store: Store, *arguments: str, **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-I", "-m", "tpayd", *arguments],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, HOME_VARIABLE: str(store.instance.home)}, **more,
    )  # fmt: skip


def _named(err: str) -> list[str]:
    """The command that a message names last, without `tpayd`."""
    return shlex.split(err.strip().rpartition("tpayd ")[2])


@needs_full
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_sale_whose_verdict_finds_no_room(run: Run, store: Store, options: tuple[str, ...]) -> None:
    """It is PAID, and its status says 'not known': the command that it names knows. Nothing is acknowledged."""
    with FULL.open("w") as full:
        process = _tpayd(store, "sale", "5000", "--allow-duplicate", *options, stdout=full)
        _, err = process.communicate(timeout=_WAIT_S)

    assert (Exit.UNKNOWN, False) == (process.returncode, "Traceback" in err)
    told = run(*_named(err), "--json")
    assert (Exit.OK, "approved") == (told.status, told.json["state"])


def test_a_sale_whose_reader_goes_away(run: Run, store: Store) -> None:
    """`tpayd sale 5000 | head -1`: the payment goes on, and its status is not that of a verdict."""
    for reader in store.plan.reader_names:
        store.sandbox.auto(reader, "visa-ic", delay_ms=1_000)
    process = _tpayd(store, "sale", "5000", "--allow-duplicate", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("· ")
    process.stdout.close()

    with process.stderr:
        err = process.stderr.read()
    assert Exit.UNKNOWN == process.wait(_WAIT_S)
    store.hold_cards("visa-ic")
    assert "PAID" == run(*_named(err), "--json").json["verdict"]


def test_whoever_closes_a_pager_reads_no_complaint(store: Store) -> None:
    """No word, and no status that means something else."""
    process = _tpayd(store, "status", stdout=subprocess.PIPE)
    process.stdout.close()  # type: ignore[union-attr]
    with process.stderr:  # type: ignore[union-attr]
        assert "" == process.stderr.read()  # type: ignore[union-attr]
    assert Exit.UNKNOWN == process.wait(_WAIT_S)


def test_a_disk_that_takes_nothing_is_a_sentence(store: Store) -> None:
    """Where a file cannot be written, the command says which and why, and has changed nothing."""
    before = store.instance.home.joinpath("clients.toml").read_bytes()
    process = _tpayd(
        store, "client", "add", "till-9", "--lane", "1", stdout=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )  # fmt: skip
    _, err = process.communicate(timeout=_WAIT_S)

    assert (Exit.FAILED, "") == (process.returncode, err.partition("File too large")[2].strip())
    assert before == store.instance.home.joinpath("clients.toml").read_bytes()

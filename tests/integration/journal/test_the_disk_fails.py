"""A full disk, a disk that fails, a damaged record: clear errors for those concerned, and nothing lost."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.harness import eventually
from tests.integration.host.metrics import counted
from tests.integration.journal.storms import agree, intact, sells_again
from tests.integration.journal.test_the_database_goes_away import NOT_SENT, log_of, refused
from tests.integration.payment.till import Till, new_id
from tpayd_client.types import PaymentResult
from tpayd_contracts.sandbox import HostMode

_STRACE = shutil.which("strace")
_NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@contextmanager
def full_disk(till: Till) -> Iterator[None]:
    """Not a byte more can be written, as far as the kernel lets the transaction process: EFBIG, where a full disk says
    ENOSPC. Its log cannot be written either."""
    pid = till.store["transaction"].pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, _NO_LIMIT)


@contextmanager
def failing_syncs(till: Till) -> Iterator[None]:
    """The disk takes bytes, and then says EIO when they are to be made durable."""
    assert _STRACE is not None
    inject = "inject=fdatasync,fsync:error=EIO"
    command = [_STRACE, "-f", "-qq", "-o", os.devnull, "-e", inject, "-p", str(till.store["transaction"].pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: traced(till) or tracer.poll() is not None, timeout_s=10, what="strace at work")
        if tracer.poll() is not None:
            pytest.skip("strace may not attach here")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)


def traced(till: Till) -> bool:
    """Whether every thread of the transaction process is traced."""
    tasks = Path(f"/proc/{till.store['transaction'].pid}/task").iterdir()
    return all("TracerPid:\t0" not in (task / "status").read_text() for task in tasks)


def test_on_a_full_disk_nothing_is_sent(file_till: Till) -> None:
    """A clear answer at once, and sales go on when there is room."""
    before = len(file_till.store.sandbox.ledger())
    with full_disk(file_till):
        for _ in range(2):
            assert refused(file_till) in NOT_SENT
    assert before == len(file_till.store.sandbox.ledger())
    sells_again(file_till)
    assert intact(file_till)


def test_a_disk_that_fills_while_the_host_thinks_costs_nobody_money(file_till: Till) -> None:
    """Host and POS agree once there is room."""
    file_till.store.sandbox.host(HostMode.APPROVE, delay_ms=1_500, times=1)
    request_id, told = new_id(), list[PaymentResult]()
    selling = threading.Thread(target=lambda: told.append(file_till.sale(request_id=request_id)))
    before = len(file_till.store.sandbox.ledger())
    selling.start()
    eventually(lambda: len(file_till.store.sandbox.ledger()) > before, timeout_s=10, what="the host has it")
    with full_disk(file_till), Till(file_till.store) as asking:
        eventually(lambda: failing(file_till), timeout_s=10, what="the approval that cannot be written")
        during = asking.status(request_id)
    selling.join(30)
    assert not selling.is_alive()
    settled = agree(file_till, request_id)
    assert {during.verdict, told[0].verdict} <= {"WAIT", settled.verdict}
    sells_again(file_till)
    assert intact(file_till)


@pytest.mark.skipif(_STRACE is None, reason="needs strace")
def test_a_disk_that_cannot_sync_sends_nothing(file_till: Till) -> None:
    """What the kernel may have dropped is written again before anything stands on it."""
    before = len(file_till.store.sandbox.ledger())
    with failing_syncs(file_till):
        for _ in range(2):
            assert refused(file_till) in NOT_SENT
    assert before == len(file_till.store.sandbox.ledger())
    sells_again(file_till)
    file_till.store.restart("transaction")
    file_till.store.wait_ready()
    assert intact(file_till)


def test_a_damaged_open_payment_waits_for_a_person_and_nobody_else_does(file_till: Till) -> None:
    """Its lane too sells on; the alarm stands in log and metrics."""
    store = file_till.store
    request_id = unsettled(file_till)
    store.kill("transaction")
    change(
        file_till,
        "update events set payload = hash where payment_id = "
        f"(select payment_id from payments where request_id = '{request_id}')",
        f"update payments set record = substr(record, 2) where request_id = '{request_id}'",
    )
    store.start("transaction")
    store.wait_ready()
    result = file_till.status(request_id)
    assert ("NOT_PAID", "needs_human") == (result.verdict, result.state)
    assert "journal.payment_damaged" in log_of(file_till)
    assert 1 == counted(store, "transaction", "tpayd_transaction_journal_payments_damaged")
    file_till.reset()
    assert "PAID" == file_till.sale().verdict
    assert not intact(file_till)


def failing(till: Till) -> bool:
    return counted(till.store, "transaction", "tpayd_transaction_journal_failing") == 1


def unsettled(till: Till) -> str:
    """A payment that the daemon has not finished when it is killed."""
    till.store.sandbox.host(HostMode.DEAF)
    request_id = new_id()
    assert till.sale(request_id=request_id).reversal_pending
    return request_id


def change(till: Till, *statements: str) -> None:
    with closing(sqlite3.connect(till.store.instance.data / "journal.sqlite3")) as connection, connection:
        for statement in statements:
            connection.execute(statement)

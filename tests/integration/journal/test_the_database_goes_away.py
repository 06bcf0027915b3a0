"""A journal in PostgreSQL: it sells like any other, and a server that goes away in mid-payment loses nobody's money."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.harness import eventually
from tests.harness.postgres import PostgresServer
from tests.integration.journal.storms import agree, intact, sells_again
from tests.integration.payment.till import Till, new_id
from tpayd_client import TpaydError
from tpayd_client.types import PaymentResult
from tpayd_contracts.health import HEALTH, Readiness
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox import HostMode

NOT_SENT = ("storage_failed", "not_started storage_failed")
"""NOT PAID for that reason, or an error that says that nothing began."""


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """Running before a test and after it."""
    yield postgres_server
    if not postgres_server.running:
        postgres_server.start()


def test_a_store_sells_on_it(database_till: Till) -> None:
    """And the same request is answered from it after a restart; the journal verifies beside the daemon."""
    paid = database_till.sale()
    assert "PAID" == paid.verdict
    database_till.store.restart("transaction")
    database_till.store.wait_ready()
    assert ("PAID", paid.approval_code) == (
        (again := database_till.status(paid.request_id)).verdict,
        again.approval_code,
    )
    assert intact(database_till)


def test_without_the_database_nothing_is_sent(database_till: Till, server: PostgresServer) -> None:
    """A clear answer at once, and the next sale succeeds when it is back."""
    before = len(database_till.store.sandbox.ledger())
    server.stop(signal.SIGQUIT)
    for _ in range(2):
        assert refused(database_till) in NOT_SENT
    assert before == len(database_till.store.sandbox.ledger())
    server.start()
    sells_again(database_till)
    assert intact(database_till)


def test_a_database_that_goes_while_the_host_thinks_costs_nobody_money(
    database_till: Till, server: PostgresServer
) -> None:
    """The verdict waits for nothing that may never come, and host and POS agree once it is back."""
    database_till.store.sandbox.host(HostMode.APPROVE, delay_ms=1_500, times=1)
    request_id, told = new_id(), list[PaymentResult]()
    selling = threading.Thread(target=lambda: told.append(database_till.sale(request_id=request_id)))
    before = len(database_till.store.sandbox.ledger())
    selling.start()
    eventually(lambda: len(database_till.store.sandbox.ledger()) > before, timeout_s=10, what="the host has it")
    server.stop(signal.SIGQUIT)
    selling.join(30)
    assert not selling.is_alive()
    server.start()
    settled = agree(database_till, request_id)
    assert told[0].verdict in ("WAIT", settled.verdict)
    sells_again(database_till)
    assert intact(database_till)


def test_a_start_waits_for_the_database(database_till: Till, server: PostgresServer) -> None:
    """It says STARTING meanwhile, and goes on by itself."""
    store = database_till.store
    server.stop(signal.SIGQUIT)
    store.restart("transaction")
    eventually(lambda: "journal.unreachable" in log_of(database_till), timeout_s=20, what="a word in the log")
    assert Readiness.STARTING == store.ask("transaction", HEALTH, Empty()).readiness
    server.start()
    store.wait_ready()
    sells_again(database_till)


def test_a_database_that_hangs_is_waited_for_ten_seconds_at_most(database_till: Till, server: PostgresServer) -> None:
    """It neither answers nor breaks the connection; the POS hears that nothing was sent."""
    backends = server.run("postgres", "select pid from pg_stat_activity where application_name = 'tpayd'")
    for (pid,) in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert refused(database_till) in NOT_SENT
    finally:
        for (pid,) in backends:
            os.kill(pid, signal.SIGCONT)
    sells_again(database_till)
    assert intact(database_till)


def refused(till: Till) -> str:
    """What the POS hears of a sale that cannot be."""
    try:
        result = till.sale()
    except TpaydError as error:
        return f"{error.outcome.value} {error.code.value}"
    assert ("NOT_PAID", False) == (result.verdict, result.reversal_pending)
    return str(result.reason)


def log_of(till: Till) -> str:
    return (till.store.instance.log / "transaction.jsonl").read_text(encoding="utf-8")

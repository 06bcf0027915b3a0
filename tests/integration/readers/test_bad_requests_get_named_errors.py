"""What cannot be done is refused by name before anything happens, and the broker goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.harness import Store
from tests.integration.readers.conftest import SERVICES
from tests.integration.readers.counter import now14, wait_for
from tpayd.kit.bus import CallError
from tpayd_contracts.device import (
    CARD_COMPLETE,
    CARD_READ,
    KEY_PREPARE,
    LEASE_ACQUIRE,
    LEASE_RELEASE,
    Ability,
    AcquireLease,
    CompleteCard,
    LeaseRef,
    PrepareKey,
    ReadCard,
    TransactionType,
)
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Empty, Op

NOBODYS = LeaseRef("nobodys", 1)
READ = ReadCard(NOBODYS, TransactionType.CREDIT, 1, now14(), 1.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Readers without keys."""
    with Store(tmp_path_factory.mktemp("readers"), services=SERVICES) as store:
        for name in store.plan.reader_names:
            wait_for(store, name)
        yield store


@pytest.mark.parametrize(
    ("op", "body", "caller", "code", "field"),
    [
        (LEASE_ACQUIRE, AcquireLease("99", "p"), "transaction", ErrorCode.INVALID_BODY, "$.lane"),
        (LEASE_ACQUIRE, AcquireLease("no lane!", "p"), "transaction", ErrorCode.INVALID_BODY, "$.lane"),
        (LEASE_ACQUIRE, AcquireLease("1", "p", (Ability.QR,)), "transaction", ErrorCode.READER_UNAVAILABLE, None),
        (
            LEASE_ACQUIRE, AcquireLease("1", "p", avoid=("reader-1", "reader-2")), "transaction",
            ErrorCode.READER_UNAVAILABLE, None,
        ),
        (CARD_READ, READ, "transaction", ErrorCode.LEASE_LOST, None),
        (CARD_COMPLETE, CompleteCard(NOBODYS, True, "00"), "transaction", ErrorCode.LEASE_LOST, None),
        (KEY_PREPARE, PrepareKey("reader-9"), "key_manager", ErrorCode.NOT_FOUND, "$.device"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_met_names_why(
    store: Store, op: Op[Struct, Struct], body: Struct, caller: str, code: ErrorCode, field: str | None
) -> None:
    with pytest.raises(CallError) as caught:
        store.ask("device_broker", op, body, name=caller)
    assert (code, Outcome.NOT_STARTED, field) == (caught.value.code, caught.value.outcome, caught.value.field)


def test_a_lease_that_is_over_already_is_released_without_fault(store: Store) -> None:
    assert Empty() == store.ask("device_broker", LEASE_RELEASE, NOBODYS, name="transaction")


def test_a_reader_without_a_key_takes_no_card(store: Store) -> None:
    lease = store.ask("device_broker", LEASE_ACQUIRE, AcquireLease("1", "p"), name="transaction")
    ref = LeaseRef(lease.lease_id, lease.fence)
    body = ReadCard(ref, TransactionType.CREDIT, 1, now14(), 1.0)
    with pytest.raises(CallError) as caught:
        store.ask("device_broker", CARD_READ, body, name="transaction")
    store.ask("device_broker", LEASE_RELEASE, ref, name="transaction")
    assert (ErrorCode.KEY_UNAVAILABLE, Outcome.NOT_STARTED) == (caught.value.code, caught.value.outcome)


def test_issuer_data_that_the_card_cannot_be_told_names_its_field(store: Store) -> None:
    lease = store.ask("device_broker", LEASE_ACQUIRE, AcquireLease("1", "p"), name="transaction")
    ref = LeaseRef(lease.lease_id, lease.fence)
    with pytest.raises(CallError) as caught:
        store.ask("device_broker", CARD_COMPLETE, CompleteCard(ref, True, "00", bytes(25)), name="transaction")
    store.ask("device_broker", LEASE_RELEASE, ref, name="transaction")
    assert (ErrorCode.INVALID_BODY, "$.issuer_data") == (caught.value.code, caught.value.field)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"devices": [{"name": "a", "port": "x", "driver": "abacus"}]}, "devices[0].driver"),
        ({"devices": [{"name": "a", "port": "x"}, {"name": "a", "port": "y"}]}, "name 'a' is given to 2 devices"),
        ({"devices": [{"name": "a", "port": "x", "lane": ["1"]}]}, "did you mean `lanes`"),
    ],
)
def test_wrong_settings_end_the_process_with_the_place(tmp_path: Path, settings: dict[str, object], place: str) -> None:
    with Store(tmp_path, services=(), settings={"device_broker": settings}) as store:
        store.start("device_broker")
        assert store["device_broker"].exit_status() == 78
        assert place in store["device_broker"].output.read_text()

"""What cannot be done is refused by name before anything happens, and the broker goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct, structs

from tests.harness import Store
from tests.integration.readers.conftest import SERVICES
from tests.integration.readers.counter import now14, wait_for
from tpayd.kit.bus import CallError
from tpayd_contracts.device import (
    CARD_COMPLETE,
    CARD_READ,
    CARD_STATE,
    KEY_PREPARE,
    LEASE_ACQUIRE,
    LEASE_RELEASE,
    Ability,
    AcquireLease,
    CardStateQuery,
    CompleteCard,
    LeaseRef,
    PrepareKey,
    ReadCard,
    ReleaseLeases,
    TransactionType,
)
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.pad import (
    CODE_READ,
    MESSAGE_SHOW,
    NUMBER_ENTER,
    PIN_ENTER,
    SIGN,
    EnterNumber,
    EnterPin,
    ReadCode,
    ShowMessage,
    Sign,
)
from tpayd_contracts.taking import CARD_TAKE, TakeCard

NOBODYS = LeaseRef("nobodys", 1)
READ = ReadCard(TransactionType.CREDIT, 1, now14(), 1.0, lease=NOBODYS)


def taking(lane: str, ability: Ability = Ability.IC, avoid: str = "reader-2") -> TakeCard:
    """A wish for a reader and a bank card."""
    wish = AcquireLease(lane, "p", (ability,), (avoid,))
    return TakeCard(TransactionType.CASH_IC, 1, now14(), 1.0, wish=wish, reader_wait_s=1.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Readers without keys; the second has a pad, and neither a scanner."""
    devices = [
        {"name": "reader-1", "port": "sandbox/readers/reader-1", "abilities": ["ic", "stripe"]},
        {"name": "reader-2", "port": "sandbox/readers/reader-2", "abilities": ["ic", "sign", "pin"]},
    ]
    settings = {"device_broker": {"devices": devices}}
    with Store(tmp_path_factory.mktemp("readers"), services=SERVICES, settings=settings) as store:
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
        (CARD_TAKE, taking("99"), "transaction", ErrorCode.INVALID_BODY, "$.wish.lane"),
        (CARD_TAKE, taking("no lane!"), "transaction", ErrorCode.INVALID_BODY, "$.wish.lane"),
        (CARD_TAKE, taking("1", Ability.QR), "transaction", ErrorCode.READER_UNAVAILABLE, None),
        (CARD_COMPLETE, CompleteCard(NOBODYS, True, "00"), "transaction", ErrorCode.LEASE_LOST, None),
        (SIGN, Sign(NOBODYS, 0), "transaction", ErrorCode.LEASE_LOST, None),
        (CODE_READ, ReadCode(NOBODYS), "transaction", ErrorCode.LEASE_LOST, None),
        (NUMBER_ENTER, EnterNumber(NOBODYS, (), 1, 2), "transaction", ErrorCode.LEASE_LOST, None),
        (PIN_ENTER, EnterPin(NOBODYS), "transaction", ErrorCode.LEASE_LOST, None),
        (MESSAGE_SHOW, ShowMessage(NOBODYS, ()), "transaction", ErrorCode.LEASE_LOST, None),
        (CARD_STATE, CardStateQuery("reader-9"), "gateway", ErrorCode.NOT_FOUND, "$.device"),
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
    assert Empty() == store.ask("device_broker", LEASE_RELEASE, ReleaseLeases((NOBODYS,)), name="transaction")


PLAIN, WITH_PAD = "reader-1", "reader-2"


@pytest.mark.parametrize(
    ("reader", "op", "body", "code", "field"),
    [
        (PLAIN, SIGN, Sign(NOBODYS, 0), ErrorCode.READER_UNAVAILABLE, None),
        (PLAIN, NUMBER_ENTER, EnterNumber(NOBODYS, (), 1, 2), ErrorCode.READER_UNAVAILABLE, None),
        (PLAIN, PIN_ENTER, EnterPin(NOBODYS), ErrorCode.READER_UNAVAILABLE, None),
        (PLAIN, CODE_READ, ReadCode(NOBODYS), ErrorCode.READER_UNAVAILABLE, None),
        (PLAIN, MESSAGE_SHOW, ShowMessage(NOBODYS, ()), ErrorCode.READER_UNAVAILABLE, None),
        (WITH_PAD, SIGN, Sign(NOBODYS, 0, ("", "서명해 주세요 서명")), ErrorCode.INVALID_BODY, "$.lines[1]"),
        (WITH_PAD, SIGN, Sign(NOBODYS, 0, ("Ünterschrift",)), ErrorCode.INVALID_BODY, "$.lines[0]"),
        (WITH_PAD, SIGN, Sign(NOBODYS, 0, ("line\nfeed",)), ErrorCode.INVALID_BODY, "$.lines[0]"),
        (WITH_PAD, SIGN, Sign(NOBODYS, 0, ("",) * 5), ErrorCode.INVALID_BODY, "$.lines"),
        (WITH_PAD, SIGN, Sign(NOBODYS, 0, wait_s=0), ErrorCode.INVALID_BODY, "$.wait_s"),
        (WITH_PAD, NUMBER_ENTER, EnterNumber(NOBODYS, ("☎",) * 4, 1, 21), ErrorCode.INVALID_BODY, "$.max_digits"),
        (WITH_PAD, PIN_ENTER, EnterPin(NOBODYS), ErrorCode.INVALID_BODY, "$.lease"),
    ],
)
def test_what_a_reader_cannot_do_or_show_is_refused_before_it_hears_of_it(
    store: Store, reader: str, op: Op[Struct, Struct], body: Struct, code: ErrorCode, field: str | None
) -> None:
    wish = AcquireLease("1", "p", avoid=(WITH_PAD if reader == PLAIN else PLAIN,))
    lease = store.ask("device_broker", LEASE_ACQUIRE, wish, name="transaction")
    ref = LeaseRef(lease.lease_id, lease.fence)
    with pytest.raises(CallError) as caught:
        store.ask("device_broker", op, structs.replace(body, lease=ref), name="transaction")
    store.ask("device_broker", LEASE_RELEASE, ReleaseLeases((ref,)), name="transaction")
    assert (code, Outcome.NOT_STARTED, field) == (caught.value.code, caught.value.outcome, caught.value.field)


def test_a_reader_without_a_pin_pad_takes_no_bank_card(store: Store) -> None:
    lease = store.ask("device_broker", LEASE_ACQUIRE, AcquireLease("1", "p", avoid=(WITH_PAD,)), name="transaction")
    ref = LeaseRef(lease.lease_id, lease.fence)
    body = ReadCard(TransactionType.CASH_IC, 1, now14(), 1.0, lease=ref)
    with pytest.raises(CallError) as caught:
        store.ask("device_broker", CARD_READ, body, name="transaction")
    store.ask("device_broker", LEASE_RELEASE, ReleaseLeases((ref,)), name="transaction")
    assert (ErrorCode.READER_UNAVAILABLE, Outcome.NOT_STARTED) == (caught.value.code, caught.value.outcome)


@pytest.mark.parametrize(
    ("avoid", "code"), [("reader-2", ErrorCode.READER_UNAVAILABLE), ("reader-1", ErrorCode.KEY_UNAVAILABLE)]
)
def test_what_the_lent_reader_cannot_do_is_refused_together_with_its_lease(
    store: Store, avoid: str, code: ErrorCode
) -> None:
    """The first has no PIN pad, and neither a key."""
    taken = store.ask("device_broker", CARD_TAKE, taking("1", avoid=avoid), name="transaction")
    store.ask(
        "device_broker",
        LEASE_RELEASE,
        ReleaseLeases((LeaseRef(taken.lease.lease_id, taken.lease.fence),)),
        name="transaction",
    )
    assert taken.card is None
    assert taken.failure is not None
    assert (code, Outcome.NOT_STARTED) == (taken.failure.code, taken.failure.outcome)


def test_a_reader_without_a_key_takes_no_card(store: Store) -> None:
    lease = store.ask("device_broker", LEASE_ACQUIRE, AcquireLease("1", "p"), name="transaction")
    ref = LeaseRef(lease.lease_id, lease.fence)
    body = ReadCard(TransactionType.CREDIT, 1, now14(), 1.0, lease=ref)
    with pytest.raises(CallError) as caught:
        store.ask("device_broker", CARD_READ, body, name="transaction")
    store.ask("device_broker", LEASE_RELEASE, ReleaseLeases((ref,)), name="transaction")
    assert (ErrorCode.KEY_UNAVAILABLE, Outcome.NOT_STARTED) == (caught.value.code, caught.value.outcome)


def test_issuer_data_that_the_card_cannot_be_told_names_its_field(store: Store) -> None:
    lease = store.ask("device_broker", LEASE_ACQUIRE, AcquireLease("1", "p"), name="transaction")
    ref = LeaseRef(lease.lease_id, lease.fence)
    with pytest.raises(CallError) as caught:
        store.ask("device_broker", CARD_COMPLETE, CompleteCard(ref, True, "00", bytes(25)), name="transaction")
    store.ask("device_broker", LEASE_RELEASE, ReleaseLeases((ref,)), name="transaction")
    assert (ErrorCode.INVALID_BODY, "$.issuer_data") == (caught.value.code, caught.value.field)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"devices": [{"name": "a", "port": "x", "driver": "abacus"}]}, "devices[0].driver"),
        ({"devices": [{"name": "a", "port": "x"}, {"name": "a", "port": "y"}]}, "name 'a' is given to 2 devices"),
        ({"devices": [{"name": "a", "port": "x", "pol": "counter"}]}, "did you mean `pool`"),
        ({"pools": [{"name": "a"}, {"name": "a"}]}, "name 'a' is given to 2 pools"),
        ({"devices": [{"name": "screen", "port": "x"}]}, "call the device something else"),
    ],
)
def test_wrong_settings_end_the_process_with_the_place(tmp_path: Path, settings: dict[str, object], place: str) -> None:
    with Store(tmp_path, services=(), settings={"device_broker": settings}) as store:
        store.start("device_broker")
        assert store["device_broker"].exit_status() == 78
        assert place in store["device_broker"].output.read_text()

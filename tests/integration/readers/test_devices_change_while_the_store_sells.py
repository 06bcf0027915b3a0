"""Devices are added, changed, tested and removed without a restart; no payment is disturbed, no comment lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest

from tests.harness import Store
from tests.harness.waiting import eventually
from tests.integration.readers.counter import counter_of, device, error_of, load_key, wait_for
from tests.integration.readers.desk import assign, refusal, remove, settings_text, show, try_by_hand
from tpayd.kit.bus import CallError
from tpayd_contracts.device import DEVICE_LIST, Ability, DevicesQuery, DeviceState
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.fleet import AssignDevice


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two readers in service, and a third one that nobody has configured."""
    settings = {"sandbox_readers": {"readers": [{"name": name} for name in ("reader-1", "reader-2", "new")]}}
    services = ("sandbox_readers", "device_broker")
    with Store(tmp_path_factory.mktemp("shop"), services=services, settings=settings) as store:
        for number, name in enumerate(("reader-1", "reader-2"), start=1):
            wait_for(store, name, timeout_s=30)
            assert load_key(store, name, number).confirmed
            wait_for(store, name, timeout_s=30)
        yield store


def names(store: Store) -> list[str]:
    return [each.name for each in store.ask("device_broker", DEVICE_LIST, DevicesQuery(), name="gateway").devices]


def test_a_new_reader_serves_at_once_and_after_a_restart(shop: Store) -> None:
    before = settings_text(shop)
    wish = AssignDevice("reader-3", "sandbox/readers/new", label="Counter C", abilities=tuple(Ability))
    assert 'devices.reader-3.label: not set -> "Counter C"' in assign(shop, wish, dry_run=True).changes
    assert before == settings_text(shop)
    assign(shop, wish)
    wait_for(shop, "reader-3", timeout_s=30)
    assert "Counter C" == device(shop, "reader-3").label
    comments = [line for line in before.splitlines() if line.startswith("#")]
    assert comments == [line for line in settings_text(shop).splitlines() if line.startswith("#")]
    assert () == assign(shop, wish).changes
    shop.restart("device_broker")
    wait_for(shop, "reader-3", timeout_s=30)


def test_a_reader_in_a_payment_changes_when_that_is_over(shop: Store) -> None:
    """The card is still read, the other lane still served; then the reader is opened in its new way, or gone."""

    async def pay() -> None:
        async with counter_of(shop) as counter:
            first, second = await counter.acquire("1"), await counter.acquire("2")
            await asyncio.to_thread(assign, shop, AssignDevice(first.device, model="TPAYD-SANDBOX-1"))
            await asyncio.to_thread(remove, shop, second.device)
            assert {first.device, second.device} == set(await asyncio.to_thread(names, shop))
            for lease in (first, second):
                shop.sandbox.auto(lease.device, "visa-tap")
                assert (await counter.read(lease)).masked_pan
            await counter.release(first)
            await counter.release(second)
            await asyncio.to_thread(wait_for, shop, first.device, timeout_s=30)
            gone = second.device
            await asyncio.to_thread(
                lambda: eventually(lambda: gone not in names(shop), timeout_s=30, what=f"{gone} is gone")
            )
            again = await counter.acquire("2")
            assert first.device == again.device
            late = await error_of(counter.read(second))
            assert Outcome.NOT_STARTED is late.outcome

    asyncio.run(pay())


def test_who_waits_for_a_reader_that_is_changed_gets_it_afterwards(shop: Store) -> None:
    remove(shop, "reader-2")

    async def wait() -> None:
        async with counter_of(shop) as counter:
            lease = await counter.acquire("1")
            waiting = asyncio.create_task(counter.acquire("2", ttl_s=60))
            await asyncio.to_thread(assign, shop, AssignDevice("reader-1", serial_number="SBX0000001"))
            await counter.release(lease)
            assert "reader-1" == (await waiting).device

    asyncio.run(wait())


@pytest.mark.parametrize(
    ("wish", "place", "words"),
    [
        (AssignDevice("reader-9", label="x"), "$.devices[0].port", "a new one needs a port"),
        (AssignDevice("reader-1", pool="shared", lane="1"), "$.devices[0].lane", "not both"),
        (AssignDevice("reader-1", pool="attic"), "$.devices", "attic"),
        (AssignDevice("reader-1", lane="99"), "$.devices", "99"),
        (AssignDevice("reader-1", driver="abacus"), "$.devices", "abacus"),
        (AssignDevice("reader-1", port="sandbox/readers/reader-2"), "$.devices", "reader-2"),
        (AssignDevice("reader-1", abilities=(Ability.IC,), sign_pad_for=("1",)), "$.devices", "sign"),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_is_written(
    open_shop: Store, wish: AssignDevice, place: str, words: str
) -> None:
    before = settings_text(open_shop)
    error = refusal(open_shop, wish)
    assert (ErrorCode.INVALID_BODY, place) == (error.code, error.field)
    assert words in error.message
    assert before == settings_text(open_shop)


def test_a_device_that_two_lanes_claim_and_a_fourth_one_of_a_lane_are_refused(open_shop: Store) -> None:
    before = settings_text(open_shop)
    more = [AssignDevice(f"more-{n}", f"sandbox/readers/more-{n}", lane="1") for n in range(4)]
    assert "3" in refusal(open_shop, *more).message
    only = [AssignDevice(name, abilities=(Ability.SIGN,)) for name in open_shop.plan.reader_names]
    assert "reaches no reader of chip cards" in refusal(open_shop, *only).message
    assert before == settings_text(open_shop)


def test_settings_changed_by_hand_count_at_sighup(shop: Store) -> None:
    file = shop.instance.settings_file("device_broker")
    file.write_text(settings_text(shop).replace('label = "Counter 1"', 'label = "Window"'), encoding="utf-8")
    shop.kill("device_broker", signal.SIGHUP)
    eventually(lambda: "Window" == device(shop, "reader-1").label, timeout_s=30, what="the new label")


def test_a_reader_is_tested_between_two_payments_and_its_page_tells_all(shop: Store) -> None:
    async def both() -> None:
        async with counter_of(shop) as counter:
            leases = [await counter.acquire("1"), await counter.acquire("2")]
            testing = asyncio.create_task(asyncio.to_thread(try_by_hand, shop, "reader-1"))
            shown = await asyncio.to_thread(show, shop, "reader-1")
            assert DeviceState.LEASED is shown.device.state
            for lease in leases:
                await counter.release(lease)
            assert (await testing).passed

    asyncio.run(both())
    page = show(shop, "reader-1")
    assert page.self_test is not None
    assert (True, str(shop.instance.home / "sandbox/readers/reader-1")) == (page.self_test.passed, page.where)
    assert tuple(Ability) == page.reported_abilities
    assert {"leases"} <= {count.what for count in page.counts}
    shop.sandbox.unplug("reader-1")
    wait_for(shop, "reader-1", DeviceState.ABSENT, timeout_s=30)
    failed = try_by_hand(shop, "reader-1")
    assert (False, True) == (failed.passed, "not there" in failed.problem)
    eventually(lambda: show(shop, "reader-1").troubles, timeout_s=30, what="a trouble on its page")


def test_an_ability_that_a_reader_lacks_is_told_and_not_lent(shop: Store) -> None:
    """It is lent for what it can do; nobody who needs the rest gets it."""
    file = shop.instance.settings_file("sandbox_readers")
    file.write_text(file.read_text().replace('name = "reader-1"\n', 'name = "reader-1"\nabilities = ["ic"]\n'))
    shop.restart("sandbox_readers")
    eventually(lambda: (Ability.IC,) == device(shop, "reader-1").abilities, timeout_s=30, what="its own word")
    wait_for(shop, "reader-1", timeout_s=30)
    assert "which it says it lacks" in (device(shop, "reader-1").detail or "")

    async def pin() -> None:
        async with counter_of(shop) as counter:
            assert "reader-2" == (await counter.acquire("1", abilities=(Ability.PIN,))).device
            error: CallError = await error_of(counter.acquire("2", abilities=(Ability.PIN,), ttl_s=2))
            assert ErrorCode.READER_UNAVAILABLE is error.code

    asyncio.run(pin())

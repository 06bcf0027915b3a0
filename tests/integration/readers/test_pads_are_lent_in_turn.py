"""A pad beside the reader is a second lease: in fair turn, never for ever, and never the card reader's end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.harness import Store
from tests.integration.readers.conftest import SERVICES
from tests.integration.readers.counter import Counter, counter_of, error_of, ref, wait_for
from tpayd_contracts.device import Ability, DeviceState, Lease, LeaseProgress
from tpayd_contracts.pad import PAD_ACQUIRE, AcquirePad, PadPlace, PadStep, Where

CARDS = ["ic", "stripe", "contactless"]
LONG_S = 30.0
SHORT_S = 1.0


def device(number: int, *abilities: str) -> dict[str, object]:
    name = f"reader-{number}"
    return {"name": name, "port": f"sandbox/readers/{name}", "abilities": list(abilities)}


SETTINGS = {
    "device_broker": {
        # Lanes 1 and 2 sign on each other's reader: nobody should, and it must not hang. 3 to 5 share a pad.
        "devices": [
            device(1, *CARDS, "sign"), device(2, *CARDS, "sign"), device(3, *CARDS), device(4, *CARDS),
            device(5, *CARDS), device(6, "sign", "pin") | {"pool": "pads"},
        ],
        "pools": [{"name": "crossed", "lanes": ["1", "2"]}, {"name": "pads", "lanes": ["3", "4", "5"]}],
        "lanes": [
            {"name": "1", "sign_pad": "reader-2", "pools": ["shared"]},
            {"name": "2", "sign_pad": "reader-1", "pools": ["shared"]},
            {"name": "3", "devices": ["reader-3"], "pools": ["pads"]},
            {"name": "4", "devices": ["reader-4"], "pools": ["pads"]},
            {"name": "5", "devices": ["reader-5"], "pools": ["pads"], "number_pad": "screen"},
        ],
    }
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("pads"), services=SERVICES, lanes=5, readers=6, settings=SETTINGS) as running:
        for number in range(1, 7):
            wait_for(running, f"reader-{number}")
        yield running


async def place(
    counter: Counter, lane: str, beside: Lease | None, *, step: PadStep = PadStep.SIGN, ttl_s: float = LONG_S
) -> PadPlace:
    body = AcquirePad(lane, "payment", step, None if beside is None else ref(beside))
    return await counter.caller.call(PAD_ACQUIRE, body, ttl_s=ttl_s, on_progress=counter._hear)


def test_lanes_share_a_pad_in_fair_turn(shop: Store) -> None:
    """Who had it last gets it last, however early he asked again; each hears his place, and keeps his reader."""

    async def share() -> list[str]:
        async with AsyncExitStack() as stack:
            counters = {lane: await stack.enter_async_context(counter_of(shop)) for lane in ("3", "4", "5")}
            readers = {lane: await counter.acquire(lane) for lane, counter in counters.items()}
            held = (await place(counters["3"], "3", readers["3"])).lease
            assert held is not None
            served: list[str] = []

            async def sign(lane: str, counter: Counter) -> None:
                pad = (await place(counter, lane, readers[lane])).lease
                assert pad is not None
                served.append(lane)
                await counter.sign(pad)
                await counter.release(pad)

            signing = []
            for lane, counter in counters.items():
                signing.append(asyncio.create_task(sign(lane, counter)))
                await counter.hear(LeaseProgress, timeout_s=30)
            await counters["3"].release(held)
            await asyncio.gather(*signing)
            for lane, counter in counters.items():
                assert () == await counter.renew(readers[lane])
                await counter.release(readers[lane])
            return served

    assert ["4", "5", "3"] == asyncio.run(share())


def test_lanes_that_wait_for_each_others_reader_do_not_wait_for_ever(shop: Store) -> None:
    """Both wishes end in their time; both leases are as good as before."""

    async def cross() -> list[str]:
        async with AsyncExitStack() as stack:
            one, two = [await stack.enter_async_context(counter_of(shop)) for _ in range(2)]
            first = await one.acquire("1", avoid=("reader-2",))
            second = await two.acquire("2", avoid=("reader-1",))
            errors = await asyncio.gather(
                error_of(place(one, "1", first, ttl_s=SHORT_S)), error_of(place(two, "2", second, ttl_s=SHORT_S))
            )
            assert ((), ()) == (await one.renew(first), await two.renew(second))
            await one.release(first)
            await two.release(second)
            return [f"{error.code} {error.outcome}" for error in errors]

    assert ["reader_unavailable not_started"] * 2 == asyncio.run(cross())


def test_the_profile_says_where(shop: Store) -> None:
    """The reader in hand if it is the lane's pad, the screen if the profile says so, nowhere if nothing is able to."""

    async def ask() -> list[Where]:
        async with counter_of(shop) as counter:
            own = await counter.acquire("1", abilities=(Ability.SIGN,), avoid=("reader-1",))
            here = await place(counter, "1", own)
            await counter.release(own)
            screen = await place(counter, "5", None, step=PadStep.NUMBER)
            nowhere = await place(counter, "1", None, step=PadStep.NUMBER)
            return [here.where, screen.where, nowhere.where]

    assert [Where.HERE, Where.SCREEN, Where.NOWHERE] == asyncio.run(ask())


def test_a_pad_that_is_unplugged_is_not_waited_for(shop: Store) -> None:
    """Its lane hears so at once: the customer stands there with his card."""
    shop.sandbox.unplug("reader-6")
    wait_for(shop, "reader-6", DeviceState.ABSENT)

    async def ask() -> str:
        async with counter_of(shop) as counter:
            reader = await counter.acquire("3")
            async with asyncio.timeout(5):
                error = await error_of(place(counter, "3", reader, ttl_s=60))
            assert () == await counter.renew(reader)
            await counter.release(reader)
            return f"{error.code} {error.outcome}"

    try:
        assert "reader_unavailable not_started" == asyncio.run(ask())
    finally:
        shop.sandbox.plug("reader-6")
        wait_for(shop, "reader-6")


def test_bad_wishes_are_refused_by_name(shop: Store) -> None:
    """A lane that is not there, a lease that is over."""

    async def ask() -> list[tuple[str, str | None]]:
        async with counter_of(shop) as counter:
            reader = await counter.acquire("3")
            await counter.release(reader)
            errors = [await error_of(place(counter, "9", None)), await error_of(place(counter, "3", reader))]
            return [(str(error.code), error.field) for error in errors]

    assert [("invalid_body", "$.lane"), ("lease_lost", None)] == asyncio.run(ask())

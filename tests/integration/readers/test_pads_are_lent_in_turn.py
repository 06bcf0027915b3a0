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
    return await counter.caller.call(PAD_ACQUIRE, body, ttl_s=ttl_s, on_progress=counter.told.append)


def test_lanes_share_a_pad_in_fair_turn(shop: Store) -> None:
    """Each gets it once before any gets it again, and hears its place meanwhile; the readers stay theirs."""

    async def share() -> list[str]:
        served: list[str] = []

        async def sign_twice(lane: str) -> None:
            async with counter_of(shop) as counter:
                reader = await counter.acquire(lane)
                for _ in range(2):
                    at = await place(counter, lane, reader)
                    assert at.lease is not None
                    served.append(lane)
                    assert ("pad", "reader-6") == (at.where.value, at.lease.device)
                    await counter.sign(at.lease)
                    await counter.release(at.lease)
                assert () == await counter.renew(reader)
                await counter.release(reader)

        await asyncio.gather(*(sign_twice(lane) for lane in ("3", "4", "5")))
        return served

    served = asyncio.run(share())
    assert [["3", "4", "5"]] * 2 == [sorted(served[:3]), sorted(served[3:])]


def test_a_place_in_the_queue_is_told(shop: Store) -> None:
    """As for a reader; a client that goes leaves the queue."""

    async def wait_behind() -> tuple[list[int], Where]:
        async with AsyncExitStack() as stack:
            first, second = [await stack.enter_async_context(counter_of(shop)) for _ in range(2)]
            readers = await first.acquire("3"), await second.acquire("4")
            held = await place(first, "3", readers[0])
            waiting = asyncio.create_task(place(second, "4", readers[1]))
            while not second.told:  # noqa: ASYNC110  it is appended by the caller
                await asyncio.sleep(0.01)
            assert held.lease is not None
            await first.release(held.lease)
            got = await waiting
            assert got.lease is not None
            await second.release(got.lease)
            for counter, reader in zip((first, second), readers, strict=True):
                await counter.release(reader)
            return [told.position for told in second.told if isinstance(told, LeaseProgress)], got.where

    assert ([1], Where.PAD) == asyncio.run(wait_behind())


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

"""T31: daemon alive, card inserted, number pad, code, eject and text: asked by any client, over the gateway."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.features.counters import ON_ITS_PAD, ON_ITS_READER, ON_ITS_SCREEN, UNMARKED, Counter, Display
from tests.harness import eventually
from tpayd.gateway.clients import ClientRegistry
from tpayd.kit.instance import OWNER_CLIENT
from tpayd_client import Pos, TpaydError, connect_async
from tpayd_client.types import KeyedNumber, ScreenPrompt
from tpayd_contracts.operation import Right
from tpayd_contracts.sandbox import Keying


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_is_the_daemon_alive(counter: Counter) -> None:
    """`health.get` answers at once, and says how it is."""
    counter.store.wait_ready()  # the test before may have restarted a process
    assert ("gateway", "ready") == (counter.pos.health().service, counter.pos.health().readiness)


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_is_a_card_inserted(counter: Counter) -> None:
    """No; then one that a customer has left behind, yes: it is had taken out, and told by name where that fails."""
    counter.wait_free()
    before = counter.pos.card_inserted("3")
    assert (False, ["reader-4"]) == (before.inserted, [slot.device for slot in before.slots])
    counter.reset("left-behind-ic")
    assert "PAID" == counter.sale(20_100).verdict
    assert counter.pos.card_inserted("3").inserted
    with pytest.raises(TpaydError, match="Device 4") as late:
        counter.pos.eject_card("3", wait_s=0.2)
    assert "card_timeout" == late.value.code
    out = counter.pos.eject_card("3", wait_s=60)
    assert (False, [False]) == (out.inserted, [slot.inside for slot in out.slots])
    counter.wait_free()


@pytest.mark.parametrize(
    ("counter", "device"), [(ON_ITS_PAD, "reader-2"), (ON_ITS_READER, "reader-4")], indirect=["counter"]
)
def test_a_number_is_keyed_on_the_lanes_pad(counter: Counter, device: str) -> None:
    """Outside a payment, for the POS alone."""
    counter.store.sandbox.customer(device, number="20391234")
    keyed = counter.pos.key_number(counter.lane, 4, 10, lines=("Member number",))
    assert "20391234" == keyed.number
    counter.wait_free()


@pytest.mark.parametrize("counter", [ON_ITS_SCREEN], indirect=True)
def test_a_number_is_keyed_on_the_lanes_screen(counter: Counter) -> None:
    """With the POS's own words, and its limits."""

    def key(pos: Pos, prompt: ScreenPrompt) -> None:
        pos.number_on_screen("2", prompt.token, "4711")

    with Display(counter.store, ON_ITS_SCREEN, key) as display:
        assert "4711" == counter.pos.key_number("2", 4, 6, lines=("Order", "number")).number
    (prompt,) = [shown for shown in display.shown if shown is not None]
    assert ("Order number", 4, 6, None) == (prompt.text, prompt.min_digits, prompt.max_digits, prompt.request_id)


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_a_code_is_scanned(counter: Counter) -> None:
    """Whatever it says: it pays nothing."""
    counter.reset("kakaopay")
    assert "281006" == counter.pos.scan_code("3").code[:6]


@pytest.mark.parametrize("counter", [ON_ITS_PAD], indirect=True)
def test_a_text_is_shown(counter: Counter) -> None:
    """Four lines of 16 bytes; more is refused by name."""
    counter.pos.show_text("1", "어서 오십시오", "Welcome", show_s=0.1)
    with pytest.raises(TpaydError) as refused:
        counter.pos.show_text("1", "이것은 열여섯 바이트보다", show_s=0.1)
    assert "invalid_body" == refused.value.code
    with pytest.raises(TpaydError) as refused:
        counter.pos.show_text("1", *"12345")
    assert ("invalid_body", "$.lines") == (refused.value.code, refused.value.field)
    counter.wait_free()


@pytest.mark.parametrize("counter", [UNMARKED], indirect=True)
def test_what_a_lane_has_not_is_told(counter: Counter) -> None:
    """No pad, no screen, no scanner: each at once, and nothing was started."""
    for call in (
        lambda: counter.pos.key_number("4"),
        lambda: counter.pos.scan_code("4"),
        lambda: counter.pos.show_text("4", "Hello"),
    ):
        with pytest.raises(TpaydError) as refused:
            call()
        assert ("reader_unavailable", "not_started") == (refused.value.code, refused.value.outcome)


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_bad_requests_are_refused_by_name(counter: Counter) -> None:
    """Limits, lanes and rights."""
    for op, body, code in (
        ("ability.number", {"lane": "3", "min_digits": 5, "max_digits": 4}, "invalid_body"),
        ("ability.number", {"lane": "3", "max_digits": 21}, "invalid_body"),
        ("ability.number", {"lane": "nine"}, "not_found"),
        ("ability.code", {"lane": "3", "wait_s": 0}, "invalid_body"),
        ("ability.card", {"lane": "nine"}, "invalid_body"),
        ("ability.eject", {}, "invalid_body"),
        ("ability.show", {"lane": "3", "lines": []}, "invalid_body"),
        ("screen.watch", {"lane": "nine"}, "not_found"),
    ):
        with pytest.raises(TpaydError) as refused:
            counter.pos.call(op, body)
        assert (op, code) == (op, refused.value.code)
    till = ClientRegistry.open(counter.store.instance).add("lane-one", ("1",), Right.POS)
    looker = ClientRegistry.open(counter.store.instance).add("looker", ("3",), Right.READ_ONLY)
    for key_file, code in ((till, "lane_not_yours"), (looker, "not_permitted")):
        with counter.store.client("other", key_file=key_file) as other:
            for op in ("ability.number", "ability.card", "screen.watch"):
                with pytest.raises(TpaydError) as refused:
                    other.call(op, {"lane": "3"})
                assert code == refused.value.code


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_a_lane_asks_for_one_thing_at_a_time_and_may_cancel_it(counter: Counter) -> None:
    """A second one is refused as `lane_busy`; a client that goes away leaves the pad to the next one."""
    counter.store.sandbox.customer("reader-4", keying=Keying.WALKS_AWAY)
    asked = threading.Event()

    async def ask_and_go() -> None:
        async with connect_async(counter.store.instance.public(), OWNER_CLIENT) as pos:
            asking = asyncio.create_task(pos.key_number("3", on_progress=lambda _: asked.set()))
            await asyncio.to_thread(asked.wait, 30)
            with pytest.raises(TpaydError) as busy:
                await pos.scan_code("3")
            assert "lane_busy" == busy.value.code
            asking.cancel()
            await asyncio.wait([asking])

    asyncio.run(ask_and_go())
    counter.reset()
    keyed: list[KeyedNumber] = []

    def free() -> bool:
        try:
            keyed.append(counter.pos.key_number("3"))
        except TpaydError as error:
            assert "lane_busy" == error.code  # noqa: PT017
        return bool(keyed)

    eventually(free, timeout_s=30, what="the pad free for the next one")
    assert keyed[0].number.isdigit()

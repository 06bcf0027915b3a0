"""T7: a lane's profile says where its customers sign and key numbers: its reader, a pad of its own, or its screen."""

from __future__ import annotations

import uuid

import pytest

from tests.features.counters import ON_ITS_PAD, ON_ITS_READER, ON_ITS_SCREEN, UNMARKED, Counter, Display, changed
from tpayd_client import PaymentProgress, Pos, TpaydError
from tpayd_client.types import (
    Amount,
    CashReceiptPurpose,
    CashReceiptRequest,
    ScreenAsk,
    ScreenPrompt,
)
from tpayd_contracts.sandbox import Signing

LINE = (10, 10, 100, 50)
SIGNED_AND_PAID = ["present_card", "card_read", "sign", "asking_host"]


def sign(pos: Pos, prompt: ScreenPrompt) -> None:
    pos.sign_on_screen(prompt.lane, prompt.token, [LINE])


@pytest.mark.parametrize("counter", [ON_ITS_PAD], indirect=True)
def test_the_customer_signs_on_the_pad_beside_the_reader(counter: Counter) -> None:
    """The card is in one device, the signature comes from another, and both are free afterwards."""
    paid = counter.sale()
    assert ("PAID", True) == (paid.verdict, "reader-2" in counter.signed_on(paid))
    assert {"Device 2"} == {told.reader for told in counter.told if told.step == "sign"} | {"Device 2"}
    counter.wait_free()


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_with_nothing_marked_the_reader_in_hand_is_signed_on(counter: Counter) -> None:
    """If it is able to."""
    paid = counter.sale()
    assert ("PAID", True) == (paid.verdict, "reader-4" in counter.signed_on(paid))


@pytest.mark.parametrize("counter", [ON_ITS_SCREEN], indirect=True)
def test_the_pos_takes_the_signature_on_its_screen(counter: Counter) -> None:
    """Its own progress tells it to, with what to show and for how long."""
    prompts: list[ScreenPrompt] = []

    def step(progress: PaymentProgress) -> None:
        if progress.prompt is not None:
            prompts.append(progress.prompt)
            sign(counter.pos, progress.prompt)

    request_id = str(uuid.uuid4())
    paid = counter.sale(60_001, request_id=request_id, step=step)
    assert ("PAID", True) == (paid.verdict, "screen" in counter.signed_on(paid))
    (prompt,) = prompts
    assert (ScreenAsk.SIGN, "2", request_id, 60_001) == (
        prompt.asks, prompt.lane, prompt.request_id, prompt.amount_minor,
    )  # fmt: skip
    assert 0 < prompt.remaining_ms <= 20_000


@pytest.mark.parametrize("counter", [UNMARKED], indirect=True)
def test_a_lane_without_a_pad_uses_its_screen_while_somebody_watches(counter: Counter) -> None:
    """A display of its own shows the wish until it is answered, and then nothing."""
    with Display(counter.store, UNMARKED, sign) as display:
        paid = counter.sale()
    assert ("PAID", True) == (paid.verdict, "screen" in counter.signed_on(paid))
    assert [True, False] == [prompt is not None for prompt in display.shown]


@pytest.mark.parametrize("counter", [UNMARKED], indirect=True)
def test_a_lane_with_neither_pays_without_a_signature(counter: Counter) -> None:
    """The slip is signed on paper; nobody waits for anything."""
    paid = counter.sale()
    assert ("PAID", True) == (paid.verdict, "on paper" in counter.signed_on(paid))
    assert "sign" not in counter.steps


@pytest.mark.parametrize("counter", [ON_ITS_SCREEN], indirect=True)
def test_who_does_not_want_to_sign_does_not_pay(counter: Counter) -> None:
    """An answer without strokes says so; the host hears of nothing."""

    def step(progress: PaymentProgress) -> None:
        if progress.prompt is not None:
            counter.pos.sign_on_screen("2", progress.prompt.token, [])

    result = counter.sale(step=step)
    assert ("NOT_PAID", "signature_failed", None) == (result.verdict, result.reason, counter.booked(result))


@pytest.mark.parametrize("counter", [ON_ITS_SCREEN], indirect=True)
def test_only_the_first_answer_to_the_present_prompt_counts(counter: Counter) -> None:
    """A second one, one under another token, one of another kind or off the canvas: each is refused by name."""
    codes: list[tuple[str, str | None]] = []

    def refused(lane: str, token: str, stroke: tuple[int, ...]) -> None:
        with pytest.raises(TpaydError) as error:
            counter.pos.sign_on_screen(lane, token, [stroke])
        codes.append((error.value.code, error.value.field))

    def step(progress: PaymentProgress) -> None:
        if progress.prompt is not None:
            token = progress.prompt.token
            refused("2", "0" * 32, LINE)
            refused("3", token, LINE)
            refused("2", token, (10, 64))
            refused("2", token, (10, 20, 30))
            with pytest.raises(TpaydError) as error:
                counter.pos.number_on_screen("2", token, "0101234")
            codes.append((error.value.code, error.value.field))
            counter.pos.sign_on_screen("2", token, [LINE])
            refused("2", token, LINE)

    paid = counter.sale(step=step)
    assert "PAID" == paid.verdict
    assert ["too_late", "too_late", "invalid_body", "invalid_body", "invalid_body", "too_late"] == [
        code for code, _ in codes
    ]
    assert "$.token" == codes[4][1]


@pytest.mark.parametrize("counter", [ON_ITS_PAD], indirect=True)
def test_a_pad_unplugged_while_its_customer_signs_costs_no_payment(counter: Counter) -> None:
    """The card is in another device: it is paid, and signed on paper, once."""
    counter.store.sandbox.customer("reader-2", signing=Signing.WALKS_AWAY)

    def step(progress: PaymentProgress) -> None:
        if progress.step == "sign":
            counter.store.sandbox.unplug("reader-2")

    paid = counter.sale(step=step)
    assert ("PAID", True) == (paid.verdict, "on paper" in counter.signed_on(paid))
    booked = counter.booked(paid)
    assert booked is not None
    assert 60_000 == booked.net_minor
    counter.reset()
    counter.wait_free()


@pytest.mark.parametrize("counter", [ON_ITS_PAD], indirect=True)
def test_a_number_is_keyed_on_the_number_pad(counter: Counter) -> None:
    """For a cash receipt: it is shown masked, and no card is asked for."""
    counter.store.sandbox.customer("reader-2", number="01098765432")
    order = CashReceiptRequest("1", Amount(30_000), CashReceiptPurpose.DEDUCTION, key_number=True)
    issued = counter.pos.order(order, timeout_s=60)
    assert ("PAID", "010*****432") == (issued.verdict, issued.card and issued.card.masked_pan)


@pytest.mark.parametrize("counter", [ON_ITS_SCREEN], indirect=True)
def test_a_number_is_keyed_on_the_screen(counter: Counter) -> None:
    """One that is too short is refused, and may be mended."""

    def key(pos: Pos, prompt: ScreenPrompt) -> None:
        with pytest.raises(TpaydError) as short:
            pos.number_on_screen("2", prompt.token, "123")
        assert ("invalid_body", "$.number") == (short.value.code, short.value.field)
        pos.number_on_screen("2", prompt.token, "01012345678")

    order = CashReceiptRequest("2", Amount(31_000), CashReceiptPurpose.DEDUCTION, key_number=True)
    with Display(counter.store, ON_ITS_SCREEN, key) as display:
        issued = counter.pos.order(order, timeout_s=60)
    assert ("PAID", "010*****678") == (issued.verdict, issued.card and issued.card.masked_pan)
    assert [(10, 19)] == [(prompt.min_digits, prompt.max_digits) for prompt in display.shown if prompt is not None]


@pytest.mark.parametrize("counter", [ON_ITS_SCREEN], indirect=True)
def test_nobody_at_the_screen_is_for_the_stores_policy(counter: Counter) -> None:
    """when_able: paid without a signature; required: NOT_PAID, and nothing at the host. Too late is too late."""
    tokens: list[str] = []

    def step(progress: PaymentProgress) -> None:
        if progress.prompt is not None:
            tokens.append(progress.prompt.token)

    with changed(counter.store, signature_wait_s=5.0):
        paid = counter.sale(61_000, step=step)
    assert ("PAID", True) == (paid.verdict, "on paper" in counter.signed_on(paid))
    with pytest.raises(TpaydError) as late:
        counter.pos.sign_on_screen("2", tokens[0], [LINE])
    assert "too_late" == late.value.code
    with changed(counter.store, signature_wait_s=1.0, signature="required"):
        result = counter.sale(62_000)
        assert ("NOT_PAID", "signature_failed", None) == (result.verdict, result.reason, counter.booked(result))

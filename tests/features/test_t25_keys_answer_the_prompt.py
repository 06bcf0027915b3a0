"""T25: Enter and Esc at the POS [키보드 이벤트] confirm or cancel the present prompt; on by default, and can be off."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.features.counters import ON_ITS_PAD, ON_ITS_READER, ON_ITS_SCREEN, Counter, changed
from tests.harness import Store
from tpayd.transaction.settings import TransactionSettings
from tpayd_client import PaymentProgress, TpaydError
from tpayd_client.types import PaymentResult, PosKey
from tpayd_contracts.sandbox import HostMode, Signing


@pytest.fixture(scope="module")
def asking(counters: Store) -> Iterator[Store]:
    """The store, asking about what looks like a payment that was just made."""
    with changed(counters, duplicate_window_s=300.0):
        yield counters


def pressed(counter: Counter, at: str, key: PosKey, amount: int) -> tuple[PaymentResult, list[str]]:
    """A sale at whose step `at` the cashier presses a key, and the error codes that this met."""
    refused: list[str] = []
    done: list[str] = []

    def step(progress: PaymentProgress) -> None:
        if progress.step == at and not done:
            done.append(at)
            try:
                counter.pos.key(counter.lane, key)
            except TpaydError as error:
                refused.append(error.code)

    return counter.sale(amount, step=step), refused


def test_keys_are_on_by_default() -> None:
    """As the manual has it."""
    assert TransactionSettings().keyboard_events


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_enter_and_esc_answer_the_question_about_a_duplicate(asking: Store, counter: Counter) -> None:
    """Enter: it is meant, and paid. Esc: it is not, and nothing goes to the host."""
    assert "PAID" == counter.sale(41_000).verdict
    meant, refused = pressed(counter, "confirm_duplicate", PosKey.ENTER, 41_000)
    assert ("PAID", []) == (meant.verdict, refused)
    other, refused = pressed(counter, "confirm_duplicate", PosKey.ESC, 41_000)
    assert ("NOT_PAID", "duplicate", []) == (other.verdict, other.reason, refused)
    assert counter.booked(other) is None


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_esc_ends_a_payment_that_waits_for_its_card(asking: Store, counter: Counter) -> None:
    """Enter has nothing to confirm there, says so, and changes nothing."""
    counter.reset("")

    def step(progress: PaymentProgress) -> None:
        if progress.step == "present_card":
            with pytest.raises(TpaydError) as refused:
                counter.pos.key("3", PosKey.ENTER)
            assert "too_late" == refused.value.code
            counter.pos.key("3", PosKey.ESC)

    result = counter.sale(42_000, step=step)
    assert ("NOT_PAID", "aborted_by_pos") == (result.verdict, result.reason)
    counter.wait_free()


@pytest.mark.parametrize("counter", [ON_ITS_PAD, ON_ITS_SCREEN, ON_ITS_READER], indirect=True)
def test_esc_has_the_signature_left_out(asking: Store, counter: Counter) -> None:
    """On whatever the customer is asked to sign: the payment goes on, to be signed on paper."""
    for reader in counter.readers:
        counter.store.sandbox.customer(reader, signing=Signing.WALKS_AWAY)
    paid, refused = pressed(counter, "sign", PosKey.ESC, 63_000 + int(counter.lane))
    assert ("PAID", []) == (paid.verdict, refused)
    assert "on paper" in counter.signed_on(paid)
    counter.wait_free()


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_esc_is_too_late_once_the_host_is_asked(asking: Store, counter: Counter) -> None:
    """And is then not obeyed: the payment has its verdict from the host."""
    counter.store.sandbox.host(HostMode.APPROVE, delay_ms=5_000)
    paid, refused = pressed(counter, "asking_host", PosKey.ESC, 43_000)
    assert ("PAID", ["too_late"]) == (paid.verdict, refused)


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_a_key_for_nothing_is_refused_by_name(asking: Store, counter: Counter) -> None:
    """No payment, another payment, no such lane, no such key."""
    for body, code in (
        ({"lane": "3", "key": "enter"}, "too_late"),
        ({"lane": "3", "key": "esc", "request_id": str(uuid.uuid4())}, "too_late"),
        ({"lane": "3", "key": "f1"}, "invalid_body"),
        ({"key": "esc"}, "invalid_body"),
    ):
        with pytest.raises(TpaydError) as refused:
            counter.pos.call("payment.key", body)
        assert code == refused.value.code


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_switched_off_keys_do_nothing(asking: Store, counter: Counter) -> None:
    """They are refused with the setting's name; what the question asks is still answered by `payment.confirm`."""
    with changed(counter.store, keyboard_events=False):
        counter.reset("visa-tap")
        assert "PAID" == counter.sale(44_000).verdict
        result, refused = pressed(counter, "present_card", PosKey.ESC, 44_100)
        assert ("PAID", True) == (result.verdict, set(refused) <= {"not_permitted"})
        with pytest.raises(TpaydError, match="keyboard_events"):
            counter.pos.key("3", PosKey.ESC)

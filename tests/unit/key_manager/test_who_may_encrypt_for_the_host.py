"""A keyed number leaves under a key of its own, by the rules that MACs follow."""

from __future__ import annotations

import pytest

from tests.unit.key_manager.setting import IK, IKID, LIFE_MS, NOW_MS, PROFILE, TERMINAL, key, reader_key
from tpayd.crypto.data import decrypt_data
from tpayd.crypto.dukpt import Usage, next_counter, split_ksn, working_key
from tpayd.key_manager.counters import Counters
from tpayd.key_manager.errors import NoUsableKeyError
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.macs import Macs
from tpayd.key_manager.records import KeyRecord
from tpayd_contracts.keys import EncryptData, ExchangeMaced, KeyState, Purpose

NUMBER = b"01012345678"


def desk(*records: KeyRecord, now_ms: int = NOW_MS, reserved: int = 0, frozen: str | None = None) -> Macs:
    counters = Counters({key().key_id: reserved}, lambda: counters.reserved(counters.wanted()))
    counters.use(record.key_id for record in records)
    return Macs(Keyring(records, frozen), counters, lambda: now_ms)


def ask(purpose: Purpose = Purpose.NEW_PAYMENT, key_id: str | None = None) -> EncryptData:
    return EncryptData(PROFILE, TERMINAL, purpose, NUMBER, key_id)


def test_the_host_can_read_it() -> None:
    """Under the data encryption key of a counter after all reserved ones."""
    made = desk(key(), reserved=512).encrypt(ask())
    counter = next_counter(512)
    assert (IKID, counter) == split_ksn(made.ksn)
    assert NUMBER == decrypt_data(working_key(IK, IKID, counter, Usage.DATA_ENCRYPTION), made.cipher)
    assert key().key_id == made.key_id


def test_macs_and_ciphers_never_share_a_ksn() -> None:
    """They take their counters from the same row."""
    both = desk(key())
    sent = ExchangeMaced(PROFILE, TERMINAL, Purpose.NEW_PAYMENT, b"head", b"tail", 20.0, key().key_id)
    ksns = [made.ksn for _ in range(25) for made in (both.encrypt(ask()), both.seal(sent))]
    assert 50 == len(set(ksns))


@pytest.mark.parametrize(
    ("records", "now_ms", "reason"),
    [
        ((), NOW_MS, "missing"),
        ((key(state=KeyState.RETIRED),), NOW_MS, "missing"),
        ((key(state=KeyState.EXPIRED),), NOW_MS, "expired"),
        ((key(),), NOW_MS + LIFE_MS, "expired"),
        ((key(profile="live"),), NOW_MS, "missing"),
        ((key(owner="TPAY0002"),), NOW_MS, "missing"),
        ((reader_key(),), NOW_MS, "missing"),
    ],
)
def test_no_new_payment_without_a_valid_key(records: tuple[KeyRecord, ...], now_ms: int, reason: str) -> None:
    """Missing, expired, another's: nothing is encrypted."""
    with pytest.raises(NoUsableKeyError) as caught:
        desk(*records, now_ms=now_ms).encrypt(ask())
    assert reason == caught.value.reason


def test_no_new_payment_without_integrity() -> None:
    """A broken audit chain freezes this too."""
    with pytest.raises(NoUsableKeyError) as caught:
        desk(key(), frozen="the audit chain is broken").encrypt(ask())
    assert "audit" == caught.value.reason


def test_settling_is_not_refused_for_age() -> None:
    """Under the key that the payment began under."""
    old = key(state=KeyState.RETIRED)
    made = desk(old, now_ms=NOW_MS + 10 * LIFE_MS).encrypt(ask(Purpose.SETTLE, old.key_id))
    assert old.key_id == made.key_id


def test_a_used_up_key_says_so() -> None:
    """After the last counter nothing is encrypted, and the reason is told."""
    with pytest.raises(NoUsableKeyError) as caught:
        desk(key(), reserved=0xFFFF_0000).encrypt(ask())
    assert "exhausted" == caught.value.reason


def test_no_repr_shows_the_number() -> None:
    """Not even by accident in a log."""
    shown = repr(ask()) + repr(ask().__rich_repr__())
    assert (2, False) == (shown.count("<hidden>"), NUMBER.decode() in shown)

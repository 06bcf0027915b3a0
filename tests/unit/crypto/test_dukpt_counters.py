"""Counters: only those that a device may use, each once, and cheaply."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.crypto import dukpt
from tpayd.crypto.dukpt import (
    LAST_COUNTER,
    Derivation,
    Usage,
    check_counter,
    derive_initial_key,
    make_ksn,
    next_counter,
    split_ksn,
    working_key,
)
from tpayd.crypto.errors import CounterExhaustedError, CounterInvalidError, KeySizeError

IKID = bytes.fromhex("1234567890123456")
IK = bytes.fromhex("1273671EA26AC29AFA4D1084127652A1")

counters = st.integers(0, LAST_COUNTER - 1).map(next_counter)


@given(st.integers(0, LAST_COUNTER - 1))
def test_next_counter_skips_nothing_usable(counter: int) -> None:
    """The next counter is usable, and nothing usable lies between."""
    following = next_counter(counter)
    check_counter(following)
    between = range(counter + 1, min(following, counter + 2000))
    assert [] == [number for number in between if number.bit_count() <= 16]


def test_first_skip() -> None:
    """17 one bits are never used: after 0x1FFFE comes a counter of 16."""
    assert 0x20000 == next_counter(0x1FFFE)


def test_last_counter_is_last() -> None:
    """After the last counter nothing follows."""
    with pytest.raises(CounterExhaustedError):
        next_counter(LAST_COUNTER)


@pytest.mark.parametrize("counter", [0, -1, 0x1FFFF, LAST_COUNTER + 1, 0xFFFFFFFF, 1 << 32])
def test_unusable_counter_is_refused(counter: int) -> None:
    """Zero, too many one bits, and beyond the last: no key, no KSN."""
    with pytest.raises(CounterInvalidError):
        working_key(IK, IKID, counter, Usage.MAC_GENERATION)
    with pytest.raises(CounterInvalidError):
        make_ksn(IKID, counter)


@given(counters)
def test_key_serial_number_round_trip(counter: int) -> None:
    """A KSN tells the IKID and counter that it was made of."""
    assert (IKID, counter) == split_ksn(make_ksn(IKID, counter))


@given(st.lists(counters, min_size=1, max_size=40))
def test_kept_keys_change_nothing(numbers: list[int]) -> None:
    """Whatever was derived before, a counter's key is the same as derived afresh."""
    derivation = Derivation(IK, IKID, max_intermediate_keys=32)
    kept = [derivation.working_key(number, Usage.MAC_GENERATION) for number in numbers]
    assert [working_key(IK, IKID, number, Usage.MAC_GENERATION) for number in numbers] == kept


@given(counters)
def test_usages_give_different_keys(counter: int) -> None:
    """No two usages of a counter share a key."""
    usages = [usage for usage in Usage if usage not in (Usage.KEY_DERIVATION, Usage.INITIAL_KEY)]
    assert len(usages) == len({working_key(IK, IKID, counter, usage) for usage in usages})


def test_successive_counters_cost_few_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand successive counters, two keys each: three derivations and one cipher set up per counter, not 34."""
    derivations, ciphers = _calls(monkeypatch, "_derive"), _calls(monkeypatch, "_cipher")
    derivation = Derivation(IK, IKID)
    counter = 0x0FFF_0000
    for _ in range(1000):
        counter = next_counter(counter)
        derivation.working_key(counter, Usage.MAC_GENERATION)
        derivation.working_key(counter, Usage.MAC_VERIFICATION)
    assert derivations.call_count <= 3 * 1000 + 100
    assert ciphers.call_count <= 1000 + 100


def _calls(monkeypatch: pytest.MonkeyPatch, name: str) -> Mock:
    counted = Mock(wraps=getattr(dukpt, name))
    monkeypatch.setattr(dukpt, name, counted)
    return counted


def test_kept_keys_are_bounded() -> None:
    """However many counters are used, no more than the limit is kept."""
    derivation = Derivation(IK, IKID, max_intermediate_keys=40)
    counter = 0
    for _ in range(500):
        counter = next_counter(counter)
        derivation.working_key(counter, Usage.MAC_GENERATION)
    assert len(derivation._intermediate) <= 40


@pytest.mark.parametrize("size", [0, 8, 15, 17, 33])
def test_wrong_key_size_is_refused(size: int) -> None:
    """Only AES keys derive."""
    with pytest.raises(KeySizeError):
        Derivation(bytes(size), IKID)
    with pytest.raises(KeySizeError):
        derive_initial_key(bytes(size), IKID)


def test_working_key_is_not_stronger_than_its_origin() -> None:
    """A 128-bit initial key gives no 256-bit working key."""
    with pytest.raises(KeySizeError):
        working_key(IK, IKID, 1, Usage.MAC_GENERATION, 256)


@pytest.mark.parametrize("size", [0, 7, 9, 12])
def test_wrong_identity_size_is_refused(size: int) -> None:
    """An IKID has 8 bytes, a KSN 12."""
    with pytest.raises(KeySizeError):
        Derivation(IK, bytes(size))
    if size != 12:
        with pytest.raises(KeySizeError):
            split_ksn(bytes(size))


def test_key_is_not_shown() -> None:
    """Neither the initial key nor a derived one appears in a repr."""
    derivation = Derivation(IK, IKID)
    key = derivation.transaction_key(1)
    shown = repr(derivation).lower()
    assert [] == [part for part in (IK.hex(), key.hex(), repr(IK).lower()) if part in shown]

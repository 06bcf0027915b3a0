"""New payments need valid keys; what settles an old one is never refused for age (DESIGN, payments, 13)."""

from __future__ import annotations

import pytest

from tests.unit.key_manager.setting import IK, IKID, LIFE_MS, NOW_MS, PROFILE, READER, TERMINAL, key, reader_key
from tpayd.crypto.dukpt import Usage, next_counter, split_ksn, working_key
from tpayd.crypto.mac import cmac8
from tpayd.key_manager.counters import Counters
from tpayd.key_manager.errors import NoUsableKeyError
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.macs import Macs, Seal
from tpayd.key_manager.records import KeyRecord
from tpayd_contracts.keys import ExchangeMaced, FindMacKey, KeyState, Purpose

HEAD, TAIL = b"0200 and the fields before", b"and those after"


def macs(*records: KeyRecord, now_ms: int = NOW_MS, reserved: int = 0) -> Macs:
    counters = Counters({key().key_id: reserved}, lambda: counters.reserved(counters.wanted()))
    counters.use(record.key_id for record in records)
    return Macs(Keyring(records), counters, lambda: now_ms)


def ask(
    purpose: Purpose, *, reader_id: str | None = None, key_id: str | None = key().key_id, **other: str
) -> ExchangeMaced:
    """An exchange under the key that was recorded for its payment."""
    named = {"profile": PROFILE, "terminal_id": TERMINAL} | other
    return ExchangeMaced(
        **named, purpose=purpose, head=HEAD, tail=TAIL, answer_wait_s=20.0, key_id=key_id, reader_id=reader_id
    )


def answer(seal: Seal, data: bytes, usage: Usage = Usage.MAC_VERIFICATION) -> bytes:
    """The MAC that the host makes of an answer."""
    ikid, counter = split_ksn(seal.ksn)
    return cmac8(working_key(IK, ikid, counter, usage), data)


def test_mac_is_the_hosts() -> None:
    """The MAC covers head, KSN and tail, under the generation key of a counter after all reserved ones."""
    made = macs(key(), reserved=512).seal(ask(Purpose.NEW_PAYMENT))
    counter = next_counter(512)
    expected_key = working_key(IK, IKID, counter, Usage.MAC_GENERATION)
    assert (IKID, counter) == split_ksn(made.ksn)
    assert cmac8(expected_key, HEAD + made.ksn + TAIL) == made.mac


def test_each_message_has_its_own_ksn() -> None:
    """Two MACs never share a KSN, not even for one payment."""
    desk = macs(key())
    made = [desk.seal(ask(Purpose.NEW_PAYMENT)) for _ in range(50)]
    assert 50 == len({each.ksn for each in made})


def test_answer_of_the_host_is_verified() -> None:
    """A MAC under the verification key of the same KSN is valid, over these bytes only."""
    desk = macs(key())
    made, other = desk.seal(ask(Purpose.NEW_PAYMENT)), desk.seal(ask(Purpose.NEW_PAYMENT))
    good = answer(made, b"0210")
    assert [True, False, False] == [
        made.answered(b"0210", good), made.answered(b"0211", good), other.answered(b"0210", good),
    ]  # fmt: skip


def test_our_own_mac_is_no_answer() -> None:
    """A request sent back to us does not pass as the host's answer."""
    made = macs(key()).seal(ask(Purpose.NEW_PAYMENT))
    assert False is made.answered(HEAD + made.ksn + TAIL, made.mac)


@pytest.mark.parametrize("size", [0, 7, 9, 16])
def test_mac_of_another_length_is_not_valid(size: int) -> None:
    """Only eight bytes can be a MAC."""
    assert False is macs(key()).seal(ask(Purpose.NEW_PAYMENT)).answered(b"x", bytes(size))


@pytest.mark.parametrize(
    ("records", "now_ms", "reason"),
    [
        ((), NOW_MS, "missing"),
        ((key(state=KeyState.STAGED),), NOW_MS, "missing"),
        ((key(state=KeyState.CONFIRMED),), NOW_MS, "missing"),
        ((key(state=KeyState.RETIRED),), NOW_MS, "missing"),
        ((key(state=KeyState.EXPIRED),), NOW_MS, "expired"),
        ((key(),), NOW_MS + LIFE_MS, "expired"),
        ((key(profile="live"),), NOW_MS, "missing"),
        ((key(owner="TPAY0002"),), NOW_MS, "missing"),
        ((key(expires_at_ms=None),), NOW_MS, "expired"),
    ],
)
def test_no_new_payment_without_a_valid_terminal_key(records: tuple[KeyRecord, ...], now_ms: int, reason: str) -> None:
    """Missing, not active, expired (to the millisecond), or another's: no MAC."""
    with pytest.raises(NoUsableKeyError) as caught:
        macs(*records, now_ms=now_ms).seal(ask(Purpose.NEW_PAYMENT))
    assert reason == caught.value.reason


@pytest.mark.parametrize(
    ("records", "now_ms", "reason"),
    [
        ((key(),), NOW_MS, "missing"),
        ((key(), reader_key(state=KeyState.STAGED)), NOW_MS, "missing"),
        ((key(), reader_key(state=KeyState.EXPIRED)), NOW_MS, "expired"),
        ((key(), reader_key(expires_at_ms=NOW_MS)), NOW_MS, "expired"),
        ((key(), reader_key(profile="live")), NOW_MS, "missing"),
    ],
)
def test_no_new_payment_without_a_valid_reader_key(records: tuple[KeyRecord, ...], now_ms: int, reason: str) -> None:
    """The named reader's key must be valid as well."""
    with pytest.raises(NoUsableKeyError) as caught:
        macs(*records, now_ms=now_ms).seal(ask(Purpose.NEW_PAYMENT, reader_id=READER))
    assert (reason, True) == (caught.value.reason, READER in caught.value.text)


def test_new_payment_with_both_keys() -> None:
    """With terminal and reader keys valid there is a MAC."""
    made = macs(key(), reader_key()).seal(ask(Purpose.NEW_PAYMENT, reader_id=READER))
    assert IKID == made.ksn[:8]


@pytest.mark.parametrize("state", [KeyState.ACTIVE, KeyState.EXPIRED, KeyState.RETIRED])
def test_settling_is_not_refused_for_age(state: KeyState) -> None:
    """Long after expiry, and after another key took its place, a payment is settled under the key it began under."""
    old = key(state=state)
    new = key(ikid=bytes(8), initial_key=bytes(16))
    desk = macs(old, new, now_ms=NOW_MS + 10 * LIFE_MS)
    made = desk.seal(ask(Purpose.SETTLE, key_id=old.key_id, reader_id=READER))
    assert (IKID, True) == (made.ksn[:8], made.answered(b"0430", answer(made, b"0430")))


def test_settling_without_a_key_id_takes_the_current_key() -> None:
    """The current key serves, even expired."""
    made = macs(key(state=KeyState.EXPIRED)).seal(ask(Purpose.SETTLE, key_id=None))
    assert IKID == made.ksn[:8]


@pytest.mark.parametrize("state", [KeyState.STAGED, KeyState.CONFIRMED])
def test_key_that_was_never_active_settles_nothing(state: KeyState) -> None:
    """What nobody has confirmed is used for nothing."""
    with pytest.raises(NoUsableKeyError):
        macs(key(state=state)).seal(ask(Purpose.SETTLE, key_id=key().key_id))


@pytest.mark.parametrize("other", [{"terminal_id": "TPAY0002"}, {"profile": "live"}, {"key_id": "test:TPAY0001:FFFF"}])
def test_anothers_key_settles_nothing(other: dict[str, str]) -> None:
    """A key serves its own terminal and profile."""
    named = {"profile": PROFILE, "terminal_id": TERMINAL, "key_id": key().key_id} | other
    with pytest.raises(NoUsableKeyError):
        macs(key()).seal(ask(Purpose.SETTLE, **named))


def test_reader_key_makes_no_mac() -> None:
    """A reader's key is never taken for a MAC, even by its id."""
    with pytest.raises(NoUsableKeyError):
        macs(reader_key()).seal(ask(Purpose.SETTLE, terminal_id=READER, key_id=reader_key().key_id))


def test_used_up_key_says_so() -> None:
    """After the last counter there is no MAC, and the reason is told."""
    with pytest.raises(NoUsableKeyError) as caught:
        macs(key(), reserved=0xFFFF_0000).seal(ask(Purpose.NEW_PAYMENT))
    assert "exhausted" == caught.value.reason


@pytest.mark.parametrize("recorded", [None, "test:TPAY0001:FFFF"])
def test_no_new_payment_under_another_key_than_was_recorded(recorded: str | None) -> None:
    """What takes it back would be MACed under the recorded one."""
    with pytest.raises(NoUsableKeyError) as caught:
        macs(key()).seal(ask(Purpose.NEW_PAYMENT, key_id=recorded))
    assert "replaced" == caught.value.reason


def test_a_replaced_key_settles_what_began_under_it() -> None:
    """A reversal is sealed under the payment's own key, a reconciliation under the terminal's present one."""
    old = key(state=KeyState.RETIRED)
    new = key(ikid=bytes(8), initial_key=bytes(16))
    desk = macs(old, new)
    seals = [desk.seal(ask(Purpose.SETTLE, key_id=key_id)) for key_id in (old.key_id, None)]
    assert [IKID, bytes(8)] == [seal.ksn[:8] for seal in seals]


def test_the_key_of_a_new_payment_is_told() -> None:
    """It is the one that a payment's request is sealed under; where none would be, none is told."""
    asked = FindMacKey(PROFILE, TERMINAL, READER)
    assert key().key_id == macs(key(), reader_key()).key_of(asked)
    with pytest.raises(NoUsableKeyError) as caught:
        macs(key()).key_of(asked)
    assert "missing" == caught.value.reason

"""New payments need valid keys; what settles an old one is never refused for age (DESIGN, payments, 13)."""

from __future__ import annotations

import pytest

from tests.unit.key_manager.setting import IK, IKID, LIFE_MS, NOW_MS, PROFILE, READER, TERMINAL, key, reader_key
from tpayd.crypto.dukpt import Usage, next_counter, split_ksn, working_key
from tpayd.crypto.mac import cmac8
from tpayd.key_manager.counters import Counters
from tpayd.key_manager.errors import NoUsableKeyError
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.macs import Macs
from tpayd.key_manager.records import KeyRecord
from tpayd_contracts.keys import GeneratedMac, GenerateMac, KeyState, Purpose, VerifyMac

HEAD, TAIL = b"0200 and the fields before", b"and those after"


def macs(*records: KeyRecord, now_ms: int = NOW_MS, reserved: int = 0) -> Macs:
    counters = Counters({key().key_id: reserved}, lambda *_: None, lambda *_: None)
    return Macs(Keyring(records), counters, lambda: now_ms)


def ask(purpose: Purpose, *, reader_id: str | None = None, key_id: str | None = None, **other: str) -> GenerateMac:
    named = {"profile": PROFILE, "terminal_id": TERMINAL} | other
    return GenerateMac(**named, purpose=purpose, head=HEAD, tail=TAIL, reader_id=reader_id, key_id=key_id)


def _answer(made: GeneratedMac, data: bytes, usage: Usage = Usage.MAC_VERIFICATION) -> VerifyMac:
    ikid, counter = split_ksn(made.ksn)
    mac = cmac8(working_key(IK, ikid, counter, usage), data)
    return VerifyMac(PROFILE, TERMINAL, made.key_id, made.ksn, data, mac)


def test_mac_is_the_hosts() -> None:
    """The MAC covers head, KSN and tail, under the generation key of a counter after all reserved ones."""
    made = macs(key(), reserved=512).generate(ask(Purpose.NEW_PAYMENT))
    counter = next_counter(512)
    expected_key = working_key(IK, IKID, counter, Usage.MAC_GENERATION)
    assert (IKID, counter) == split_ksn(made.ksn)
    assert cmac8(expected_key, HEAD + made.ksn + TAIL) == made.mac
    assert key().key_id == made.key_id


def test_each_message_has_its_own_ksn() -> None:
    """Two MACs never share a KSN, not even for one payment."""
    desk = macs(key())
    made = [desk.generate(ask(Purpose.NEW_PAYMENT)) for _ in range(50)]
    assert 50 == len({each.ksn for each in made})


def test_answer_of_the_host_is_verified() -> None:
    """A MAC under the verification key of the same KSN is valid, over these bytes only."""
    desk = macs(key())
    made = desk.generate(ask(Purpose.NEW_PAYMENT))
    good = _answer(made, b"0210")
    other_data = VerifyMac(PROFILE, TERMINAL, made.key_id, made.ksn, b"0211", good.mac)
    assert [True, False] == [desk.verify(good).valid, desk.verify(other_data).valid]


def test_our_own_mac_is_no_answer() -> None:
    """A request sent back to us does not pass as the host's answer."""
    desk = macs(key())
    made = desk.generate(ask(Purpose.NEW_PAYMENT))
    echo = VerifyMac(PROFILE, TERMINAL, made.key_id, made.ksn, HEAD + made.ksn + TAIL, made.mac)
    assert False is desk.verify(echo).valid


@pytest.mark.parametrize(
    "ksn", [b"", bytes(12), IKID, IKID + bytes(4), IKID + b"\xff" * 4, bytes(8) + b"\0\0\0\1", IKID + b"\0\0\0\1\0"]
)
def test_strange_ksn_is_not_valid(ksn: bytes) -> None:
    """A KSN of another key, of no counter or of another length verifies nothing, and is no fault of ours."""
    assert False is macs(key()).verify(VerifyMac(PROFILE, TERMINAL, key().key_id, ksn, b"data", bytes(8))).valid


def test_mac_under_a_ksn_of_another_key_is_not_valid() -> None:
    """Even a MAC that our own key would give does not pass under a KSN that names another."""
    desk = macs(key())
    good = _answer(desk.generate(ask(Purpose.NEW_PAYMENT)), b"0210")
    foreign = VerifyMac(PROFILE, TERMINAL, good.key_id, bytes(8) + good.ksn[8:], good.data, good.mac)
    assert [True, False] == [desk.verify(good).valid, desk.verify(foreign).valid]


@pytest.mark.parametrize("size", [0, 7, 9, 16])
def test_mac_of_another_length_is_not_valid(size: int) -> None:
    """Only eight bytes can be a MAC."""
    desk = macs(key())
    made = desk.generate(ask(Purpose.NEW_PAYMENT))
    assert False is desk.verify(VerifyMac(PROFILE, TERMINAL, made.key_id, made.ksn, b"x", bytes(size))).valid


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
        macs(*records, now_ms=now_ms).generate(ask(Purpose.NEW_PAYMENT))
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
        macs(*records, now_ms=now_ms).generate(ask(Purpose.NEW_PAYMENT, reader_id=READER))
    assert (reason, True) == (caught.value.reason, READER in caught.value.text)


def test_new_payment_with_both_keys() -> None:
    """With terminal and reader keys valid there is a MAC."""
    made = macs(key(), reader_key()).generate(ask(Purpose.NEW_PAYMENT, reader_id=READER))
    assert key().key_id == made.key_id


@pytest.mark.parametrize("state", [KeyState.ACTIVE, KeyState.EXPIRED, KeyState.RETIRED])
def test_settling_is_not_refused_for_age(state: KeyState) -> None:
    """Long after expiry, and after another key took its place, a payment is settled under the key it began under."""
    old = key(state=state)
    new = key(ikid=bytes(8), initial_key=bytes(16))
    desk = macs(old, new, now_ms=NOW_MS + 10 * LIFE_MS)
    made = desk.generate(ask(Purpose.SETTLE, key_id=old.key_id, reader_id=READER))
    assert (old.key_id, IKID) == (made.key_id, made.ksn[:8])
    assert desk.verify(_answer(made, b"0430")).valid


def test_settling_without_a_key_id_takes_the_current_key() -> None:
    """The current key serves, even expired."""
    made = macs(key(state=KeyState.EXPIRED)).generate(ask(Purpose.SETTLE))
    assert key().key_id == made.key_id


@pytest.mark.parametrize("state", [KeyState.STAGED, KeyState.CONFIRMED])
def test_key_that_was_never_active_settles_nothing(state: KeyState) -> None:
    """What nobody has confirmed is used for nothing."""
    with pytest.raises(NoUsableKeyError):
        macs(key(state=state)).generate(ask(Purpose.SETTLE, key_id=key().key_id))


@pytest.mark.parametrize("other", [{"terminal_id": "TPAY0002"}, {"profile": "live"}, {"key_id": "test:TPAY0001:FFFF"}])
def test_anothers_key_settles_nothing(other: dict[str, str]) -> None:
    """A key serves its own terminal and profile, for making and for checking."""
    named = {"profile": PROFILE, "terminal_id": TERMINAL, "key_id": key().key_id} | other
    with pytest.raises(NoUsableKeyError):
        macs(key()).generate(ask(Purpose.SETTLE, **named))
    with pytest.raises(NoUsableKeyError):
        macs(key()).verify(VerifyMac(**named, ksn=IKID + b"\0\0\0\1", data=b"", mac=bytes(8)))


def test_reader_key_makes_no_mac() -> None:
    """A reader's key is never taken for a MAC, even by its id."""
    with pytest.raises(NoUsableKeyError):
        macs(reader_key()).generate(ask(Purpose.SETTLE, terminal_id=READER, key_id=reader_key().key_id))


def test_used_up_key_says_so() -> None:
    """After the last counter there is no MAC, and the reason is told."""
    with pytest.raises(NoUsableKeyError) as caught:
        macs(key(), reserved=0xFFFF_0000).generate(ask(Purpose.NEW_PAYMENT))
    assert "exhausted" == caught.value.reason

"""The key exchange brings the right key to the right owner once, and everything else is found."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tpayd.crypto.check_value import check_value
from tpayd.crypto.errors import (
    CryptoError,
    ExchangeFormatError,
    InitialKeyIdMismatchError,
    KeySizeError,
    NotGenuineError,
    ReplayedError,
    WrongOwnerError,
)
from tpayd.crypto.exchange import (
    Pending,
    Role,
    accept,
    answer,
    begin,
    finish,
    ikid_of,
    owner_of,
    transport_key,
)

OWNER = "SANDBOX-READER-0001"
KEY = transport_key(bytes(16), Role.READER, OWNER)
IKID = bytes.fromhex("0000000100000002")
IK = bytes(range(16))


def _answered(pending: Pending, ikid: bytes = IKID) -> bytes:
    return answer(accept(pending.role, pending.request, KEY, 0), KEY, ikid, IK)


@given(st.sampled_from(Role), st.text("ABCDEFGH-0123456789", min_size=1, max_size=32), st.integers(1, 2**64 - 1))
def test_key_arrives(role: Role, owner: str, sequence: int) -> None:
    """Owner and host end with the same key, identity and check value, over 128 and 48 bytes."""
    key = transport_key(bytes(16), role, owner)
    pending = begin(role, owner, key, sequence)
    reply = answer(accept(role, pending.request, key, sequence - 1, owner), key, IKID, IK)
    received = finish(pending, reply, key, IKID)
    assert (128, 48) == (len(pending.request), len(reply))
    assert (IK, IKID, check_value(IK)) == (received.initial_key, received.ikid, received.check_value)
    assert (owner, IKID) == (owner_of(pending.request), ikid_of(reply))


@given(st.integers(0, 128 * 8 - 1))
@settings(max_examples=300)
def test_changed_request_is_refused(bit: int) -> None:
    """One changed bit anywhere in the request, and the host accepts nothing."""
    request = bytearray(begin(Role.READER, OWNER, KEY, 5).request)
    request[bit // 8] ^= 1 << bit % 8
    with pytest.raises((NotGenuineError, ExchangeFormatError)):
        accept(Role.READER, bytes(request), KEY, 0)


def test_changed_answer_is_refused() -> None:
    """One changed bit anywhere in the answer, its IKID and random included, and the owner takes no key."""
    pending = begin(Role.READER, OWNER, KEY, 5)
    reply = _answered(pending)
    for byte, bit in itertools.product(range(len(reply)), range(8)):
        changed = bytearray(reply)
        changed[byte] ^= 1 << bit
        with pytest.raises(NotGenuineError):
            finish(pending, bytes(changed), KEY)


def test_replayed_request_is_refused() -> None:
    """The host accepts a sequence number once."""
    pending = begin(Role.READER, OWNER, KEY, 5)
    assert 5 == accept(Role.READER, pending.request, KEY, 4).sequence
    with pytest.raises(ReplayedError):
        accept(Role.READER, pending.request, KEY, 5)


def test_replayed_answer_is_refused() -> None:
    """The answer to an earlier request does not open in a later exchange."""
    old = _answered(begin(Role.READER, OWNER, KEY, 5))
    with pytest.raises(NotGenuineError):
        finish(begin(Role.READER, OWNER, KEY, 6), old, KEY)


def test_answer_is_bound_to_the_random() -> None:
    """An owner that lost count and begins with a used sequence number still takes no old answer: its random is new."""
    old = _answered(begin(Role.READER, OWNER, KEY, 5))
    with pytest.raises(NotGenuineError):
        finish(begin(Role.READER, OWNER, KEY, 5), old, KEY)


def test_answer_for_another_owner_is_refused() -> None:
    """Even under the same transport key, an answer opens for the owner it was made for alone."""
    pending = begin(Role.READER, OWNER, KEY, 5)
    other = Pending(pending.role, "SANDBOX-READER-0002", pending.sequence, pending.random, pending.request)
    with pytest.raises(NotGenuineError):
        finish(other, _answered(pending), KEY)


def test_request_of_another_owner_is_refused() -> None:
    """A host that knows who must be asking refuses everyone else."""
    pending = begin(Role.READER, OWNER, KEY, 5)
    with pytest.raises(WrongOwnerError):
        accept(Role.READER, pending.request, KEY, 0, "SANDBOX-READER-0002")


def test_owner_without_the_transport_key_is_refused() -> None:
    """Who does not hold the transport key proves nothing."""
    pending = begin(Role.READER, OWNER, bytes(16), 5)
    with pytest.raises(NotGenuineError):
        accept(Role.READER, pending.request, KEY, 0)


def test_host_without_the_transport_key_is_refused() -> None:
    """An answer under another transport key gives no key: the proof is mutual."""
    pending = begin(Role.READER, OWNER, KEY, 5)
    forged = answer(accept(Role.READER, pending.request, KEY, 0), bytes(16), IKID, IK)
    with pytest.raises(NotGenuineError):
        finish(pending, forged, KEY)


def test_swapped_identity_is_refused() -> None:
    """An IKID swapped inside the answer, or beside it, is found."""
    pending = begin(Role.READER, OWNER, KEY, 5)
    other = bytes.fromhex("0000000100000003")
    with pytest.raises(NotGenuineError):
        finish(pending, other + _answered(pending)[8:], KEY)
    with pytest.raises(InitialKeyIdMismatchError):
        finish(pending, _answered(pending), KEY, told_ikid=other)


def test_roles_do_not_mix() -> None:
    """A terminal's request is no reader's, and an answer made for one role does not open in the other."""
    terminal = begin(Role.TERMINAL, OWNER, KEY, 5)
    with pytest.raises(ExchangeFormatError):
        accept(Role.READER, terminal.request, KEY, 0)
    reader = Pending(Role.READER, OWNER, 5, terminal.random, terminal.request)
    with pytest.raises(NotGenuineError):
        finish(reader, answer(accept(Role.TERMINAL, terminal.request, KEY, 0), KEY, IKID, IK), KEY)


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    """Whatever arrives, the errors are ours."""
    pending = begin(Role.READER, OWNER, KEY, 5)
    for attempt in (
        lambda: accept(Role.READER, noise, KEY, 0),
        lambda: accept(Role.READER, noise[:128].ljust(128, b"\x80"), KEY, 0),
        lambda: finish(pending, noise, KEY),
        lambda: finish(pending, noise[:48].ljust(48, b"\0"), KEY),
    ):
        with pytest.raises(CryptoError):
            attempt()


@pytest.mark.parametrize("owner", ["", "A" * 33, "tail ", "결제", "line\nbreak"])
def test_name_that_does_not_fit_is_refused(owner: str) -> None:
    """An owner's name fills at most 32 printable ASCII characters."""
    with pytest.raises(ExchangeFormatError):
        begin(Role.READER, owner, KEY, 1)


def test_keys_of_other_sizes_are_refused() -> None:
    """48 bytes carry one AES-128 key with an 8-byte identity."""
    accepted = accept(Role.READER, begin(Role.READER, OWNER, KEY, 5).request, KEY, 0)
    with pytest.raises(KeySizeError):
        answer(accepted, KEY, IKID, bytes(32))
    with pytest.raises(KeySizeError):
        answer(accepted, KEY, IKID[:7], IK)


def test_nothing_secret_is_shown() -> None:
    """No repr holds the key, the random or the messages."""
    pending = begin(Role.READER, OWNER, KEY, 5)
    received = finish(pending, _answered(pending), KEY)
    shown = repr(pending) + repr(received) + repr(accept(Role.READER, pending.request, KEY, 0))
    secrets = (IK, pending.random, pending.request)
    assert [] == [secret for secret in secrets if repr(secret) in shown or secret.hex() in shown.lower()]

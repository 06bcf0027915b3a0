"""AES-DUKPT: one key per transaction, from an initial key and a counter (ANSI X9.24-3-2017).

The base derivation key stays with the host. Each device gets one initial key, named by its 8-byte initial key
identifier (IKID). Transaction number `counter` has its own working keys, one per usage. Going from the initial key to
the working key of a counter takes one derivation per one bit of the counter, from the highest to the lowest, and one
for the usage; no counter has more than 16 one bits, so that no derivation takes more than 17 steps.

A key serial number (KSN) names the key of a message: IKID (8 bytes), then the counter (4 bytes, big endian).
"""

from __future__ import annotations

import enum
import struct

from cryptography.hazmat.primitives.ciphers import CipherContext, modes

from tpayd.crypto.ciphers import Aes
from tpayd.crypto.errors import CounterExhaustedError, CounterInvalidError, KeySizeError

__all__ = [
    "IKID_BYTES",
    "KSN_BYTES",
    "LAST_COUNTER",
    "MAX_ONE_BITS",
    "Derivation",
    "Usage",
    "check_counter",
    "derive_initial_key",
    "make_ksn",
    "next_counter",
    "split_ksn",
    "update_key",
    "working_key",
]

IKID_BYTES = 8
KSN_BYTES = 12
MAX_ONE_BITS = 16
"""A counter with more one bits is skipped (X9.24-3, the counter rule)."""
LAST_COUNTER = 0xFFFF_0000
"""The highest counter with 16 one bits. After it the device needs a new initial key."""

_FIRST_COUNTER = 1
_UPDATE_COUNTER = 0xFFFF_FFFF
_BLOCK_BITS = 128
_BLOCK_BYTES = 16
_AES_128 = 0x0002
_ALGORITHM_OF_BITS = {128: _AES_128, 192: 0x0003, 256: 0x0004}
_ECB = modes.ECB()  # noqa: S305 - the standard's key derivation
_derivation_data = struct.Struct(">BBHHH4sI").pack
"""X9.24-3: version 1, block number, usage, algorithm and length of the derived key, who, when."""
_mac_derivation_data = struct.Struct(">BBHHH4sIBBHHH4sI").pack
"""The same for two keys."""


class Usage(enum.IntEnum):
    """What a derived key is for (X9.24-3, key usage indicators). Keys of different usages are unrelated."""

    KEY_ENCRYPTION = 0x0002
    PIN_ENCRYPTION = 0x1000
    MAC_GENERATION = 0x2000
    MAC_VERIFICATION = 0x2001
    DATA_ENCRYPTION = 0x3000
    DATA_DECRYPTION = 0x3001
    KEY_DERIVATION = 0x8000
    INITIAL_KEY = 0x8001


_GENERATION, _VERIFICATION = int(Usage.MAC_GENERATION), int(Usage.MAC_VERIFICATION)
_KEY_DERIVATION = int(Usage.KEY_DERIVATION)


def next_counter(counter: int) -> int:
    """The counter after `counter` that a device may use; after 0 comes 1.

    Raises:
        CounterExhaustedError: `counter` was the last.
    """
    following = counter + 1
    while following.bit_count() > MAX_ONE_BITS:
        # Adding the lowest one bit carries it away: the nearest higher number with fewer one bits.
        following += following & -following
    if following > LAST_COUNTER:
        raise CounterExhaustedError("the DUKPT counter is used up: exchange the key")
    return following


def check_counter(counter: int) -> None:
    """Refuse a counter that no device may use.

    Raises:
        CounterInvalidError: 0, above `LAST_COUNTER`, or with more than 16 one bits.
    """
    if not _FIRST_COUNTER <= counter <= LAST_COUNTER or counter.bit_count() > MAX_ONE_BITS:
        raise CounterInvalidError(f"DUKPT counter {counter:#010x} is not one that a device may use")


def make_ksn(ikid: bytes, counter: int) -> bytes:
    """The 12-byte key serial number of a counter.

    Raises:
        KeySizeError: the IKID is not 8 bytes.
        CounterInvalidError: see `check_counter`.
    """
    _check_ikid(ikid)
    check_counter(counter)
    return ikid + counter.to_bytes(4, "big")


def split_ksn(ksn: bytes) -> tuple[bytes, int]:
    """IKID and counter of a key serial number.

    Raises:
        KeySizeError: it is not 12 bytes.
        CounterInvalidError: see `check_counter`.
    """
    if len(ksn) != KSN_BYTES:
        raise KeySizeError(f"a key serial number has {KSN_BYTES} bytes, not {len(ksn)}")
    counter = int.from_bytes(ksn[IKID_BYTES:], "big")
    check_counter(counter)
    return ksn[:IKID_BYTES], counter


def derive_initial_key(bdk: bytes, ikid: bytes) -> bytes:
    """The initial key of a device, as long as the base derivation key (X9.24-3, 'Derive Initial Key').

    Raises:
        KeySizeError: the base derivation key is not an AES key, or the IKID is not 8 bytes.
    """
    cipher = _cipher(bdk)
    _check_ikid(ikid)
    return _derive(cipher, Usage.INITIAL_KEY, len(bdk) * 8, ikid[:4], int.from_bytes(ikid[4:], "big"))


def working_key(ik: bytes, ikid: bytes, counter: int, usage: Usage, key_bits: int = 128) -> bytes:
    """The key of one transaction and usage. For a run of transactions use `Derivation`.

    Raises:
        KeySizeError: a key or IKID of the wrong length, or a working key longer than the initial key.
        CounterInvalidError: see `check_counter`.
    """
    return Derivation(ik, ikid).working_key(counter, usage, key_bits)


def update_key(ik: bytes, ikid: bytes) -> bytes:
    """The key under which a host may send the device its next initial key (X9.24-3, 'DUKPT Update Key').

    Raises:
        KeySizeError: a key or IKID of the wrong length.
    """
    return Derivation(ik, ikid).update_key()


class Derivation:
    """The keys of one device. Keeps a bounded number of intermediate keys, so that successive counters cost little.

    Counters that follow each other differ in their low bits only: their way down from the initial key is shared up to
    there. With the shared part kept, a new counter costs one AES block for its intermediate key, and one for each
    usage; without, up to 17. What is kept is the key ready for use: setting one up costs twenty times a block.

    A counter's own key, with which no other counter's way goes on, is let go as soon as another counter is asked for:
    its memory is then the next key's, and still in the processor's caches.
    """

    __slots__ = ("_bits", "_ikid", "_initial", "_intermediate", "_last", "_limit", "_who")

    def __init__(self, ik: bytes, ikid: bytes, max_intermediate_keys: int = 32) -> None:
        """`max_intermediate_keys` bounds what is kept; at least 32 are needed for the longest way.

        Raises:
            KeySizeError: a key or IKID of the wrong length.
        """
        self._initial = _cipher(ik)
        _check_ikid(ikid)
        self._bits = len(ik) * 8
        self._ikid = ikid
        self._who = ikid[4:]
        self._limit = max(max_intermediate_keys, 32)
        self._intermediate: dict[int, CipherContext] = {}
        self._last = 0

    @property
    def ikid(self) -> bytes:
        """Which initial key this is."""
        return self._ikid

    def working_key(self, counter: int, usage: Usage, key_bits: int = 128) -> bytes:
        """The key of one transaction and usage (X9.24-3, 'Derive Working Key').

        Raises:
            KeySizeError: a working key longer than the initial key, or not 128, 192 or 256 bits.
            CounterInvalidError: see `check_counter`.
        """
        check_counter(counter)
        if key_bits != _BLOCK_BITS:
            return self._working_key(counter, usage, key_bits)
        data = _derivation_data(1, 1, usage, _AES_128, _BLOCK_BITS, self._who, counter)
        return self._intermediate_cipher(counter).update(data)

    def mac_keys(self, counter: int) -> tuple[bytes, bytes]:
        """Both 128-bit MAC keys of one transaction at one go: its request's (generation), its answer's (verification).

        Raises:
            CounterInvalidError: see `check_counter`.
        """
        check_counter(counter)
        data = _mac_derivation_data(
            1, 1, _GENERATION, _AES_128, _BLOCK_BITS, self._who, counter,
            1, 1, _VERIFICATION, _AES_128, _BLOCK_BITS, self._who, counter,
        )  # fmt: skip
        keys = self._intermediate_cipher(counter).update(data)
        return keys[:_BLOCK_BYTES], keys[_BLOCK_BYTES:]

    def update_key(self) -> bytes:
        """See `update_key`. Its counter, all ones, is kept for this alone."""
        return self._working_key(_UPDATE_COUNTER, Usage.KEY_ENCRYPTION, self._bits)

    def transaction_key(self, counter: int) -> bytes:
        """The intermediate key of a counter, from which its working keys come. For known-answer tests.

        Raises:
            CounterInvalidError: see `check_counter`.
        """
        check_counter(counter)
        return self._intermediate_key(counter)

    def _working_key(self, counter: int, usage: Usage, key_bits: int) -> bytes:
        if key_bits not in _ALGORITHM_OF_BITS or key_bits > self._bits:
            raise KeySizeError(f"a {self._bits}-bit initial key gives no {key_bits}-bit working key")
        return _derive(self._intermediate_cipher(counter), usage, key_bits, self._who, counter)

    def _intermediate_cipher(self, counter: int) -> CipherContext:
        found = self._intermediate.get(counter)
        if found is not None:
            return found
        cipher = _cipher(self._intermediate_key(counter))
        kept = self._intermediate
        last, self._last = self._last, counter
        if counter & last != last:
            kept.pop(last, None)
        if len(kept) >= self._limit:
            self._intermediate = kept = {step: kept[step] for step in kept if counter ^ step < step & -step}
        kept[counter] = cipher
        return cipher

    def _intermediate_key(self, counter: int) -> bytes:
        # `counter` without its lowest one bit is the step before it on the way from the initial key: a step of the way
        # to a counter differs from it below its own lowest one bit only.
        before = counter & (counter - 1)
        parent = self._intermediate_cipher(before) if before else self._initial
        return _derive(parent, _KEY_DERIVATION, self._bits, self._who, counter)

    def __repr__(self) -> str:
        return f"Derivation(ikid={self._ikid.hex().upper()})"


def _derive(cipher: CipherContext, usage: int, bits: int, who: bytes, when: int) -> bytes:
    if bits == _BLOCK_BITS:
        return cipher.update(_derivation_data(1, 1, usage, _AES_128, _BLOCK_BITS, who, when))
    algorithm = _ALGORITHM_OF_BITS[bits]
    data = _derivation_data(1, 1, usage, algorithm, bits, who, when)
    data += _derivation_data(1, 2, usage, algorithm, bits, who, when)
    return cipher.update(data)[: bits // 8]


def _cipher(key: bytes) -> CipherContext:
    return Aes(key, _ECB).encryptor()


def _check_ikid(ikid: bytes) -> None:
    if len(ikid) != IKID_BYTES:
        raise KeySizeError(f"an initial key identifier has {IKID_BYTES} bytes, not {len(ikid)}")

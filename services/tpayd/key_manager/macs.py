"""Making and checking the MACs of host messages, and encrypting for the host: a few dozen microseconds, no await.

A request's MAC is made under the working key 'MAC generation' of a fresh counter, the host's answer is checked under
'MAC verification' of the same KSN: so a request sent back to us is no answer.
"""

from __future__ import annotations

from collections.abc import Callable

from tpayd.crypto.data import encrypt_data
from tpayd.crypto.dukpt import Derivation, Usage, make_ksn
from tpayd.crypto.errors import CounterExhaustedError
from tpayd.crypto.mac import cmac8, verify8
from tpayd.key_manager.counters import Counters
from tpayd.key_manager.errors import NoUsableKeyError
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.records import KeyRecord
from tpayd.kit import crashpoints
from tpayd_contracts.keys import (
    REPLACED,
    EncryptData,
    EncryptedData,
    ExchangeMaced,
    FindMacKey,
    KeyUsage,
    Purpose,
)

__all__ = ["Macs", "Seal"]


class Seal:
    """A request's MAC, and what its answer is checked with. Lives as long as the exchange; shows nothing."""

    __slots__ = ("_answers", "ksn", "mac")

    def __init__(self, ksn: bytes, mac: bytes, answers: bytes) -> None:
        """`answers`: the working key of the host's own MAC under this KSN."""
        self.ksn = ksn
        self.mac = mac
        self._answers = answers

    def answered(self, covered: bytes, mac: bytes) -> bool:
        """Whether the host made this MAC."""
        return verify8(self._answers, covered, mac)


class Macs:
    """MACs under the keys of a keyring."""

    def __init__(self, keyring: Keyring, counters: Counters, now_ms: Callable[[], int]) -> None:
        self._keyring = keyring
        self._counters = counters
        self._now_ms = now_ms
        self._derivations: dict[str, Derivation] = {}

    def key_of(self, body: FindMacKey) -> str:
        """The key that a payment would have that begins now. Raises NoUsableKeyError."""
        return self._keyring.for_new_payment(body.profile, body.terminal_id, body.reader_id, self._now_ms()).key_id

    def seal(self, body: ExchangeMaced) -> Seal:
        """MAC head, KSN and tail under a counter that was never used, and keep what the answer is checked with.

        Raises:
            NoUsableKeyError: no key fits the purpose, or another than the one recorded (`replaced`).
            NotReservedError: the key has no counter in hand; nothing was used.
        """
        crashpoints.passing("mac.before_made")
        key = self._key_for(body, body.reader_id)
        if body.purpose is Purpose.NEW_PAYMENT and body.key_id != key.key_id:
            # The payment would be taken back under the key that is recorded: it must not begin under another.
            text = f"terminal {body.terminal_id} has had another key since this message was recorded"
            raise NoUsableKeyError(REPLACED, text)
        counter = self._next_counter(key)
        ksn = make_ksn(key.ikid, counter)
        requests, answers = self._derivation(key).mac_keys(counter)
        mac = cmac8(requests, body.head + ksn + body.tail)
        crashpoints.passing("mac.after_made")
        return Seal(ksn, mac, answers)

    def encrypt(self, body: EncryptData) -> EncryptedData:
        """Encrypt for the host under a counter that was never used; the rules are those of `seal`.

        Raises:
            NoUsableKeyError: no key fits the purpose.
            NotReservedError: the key has no counter in hand; nothing was used.
        """
        key = self._key_for(body, None)
        counter = self._next_counter(key)
        working_key = self._derivation(key).working_key(counter, Usage.DATA_ENCRYPTION)
        return EncryptedData(make_ksn(key.ikid, counter), encrypt_data(working_key, body.data), key.key_id)

    def forget(self, key_id: str) -> None:
        """The key is gone."""
        self._derivations.pop(key_id, None)

    def _key_for(self, body: EncryptData | ExchangeMaced, reader_id: str | None) -> KeyRecord:
        if body.purpose is Purpose.NEW_PAYMENT:
            return self._keyring.for_new_payment(body.profile, body.terminal_id, reader_id, self._now_ms())
        return self._keyring.for_settling(body.profile, body.terminal_id, body.key_id)

    def _next_counter(self, key: KeyRecord) -> int:
        try:
            return self._counters.take(key.key_id)
        except CounterExhaustedError:
            text = f"key {key.key_id} has no counter left: `tpayd keys exchange` brings a new one"
            raise NoUsableKeyError("exhausted", text) from None

    def _derivation(self, key: KeyRecord) -> Derivation:
        derivation = self._derivations.get(key.key_id)
        if derivation is None:
            assert key.usage is KeyUsage.TERMINAL_MAC  # noqa: S101  the keyring gives no other
            derivation = self._derivations[key.key_id] = Derivation(key.initial_key, key.ikid)
        return derivation

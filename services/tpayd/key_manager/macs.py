"""Making and checking the MACs of host messages, and encrypting for the host: a few dozen microseconds, no await.

A request's MAC is made under the working key 'MAC generation' of a fresh counter, the host's answer is checked under
'MAC verification' of the same KSN: so a request sent back to us is no answer.
"""

from __future__ import annotations

from collections.abc import Callable

from tpayd.crypto.data import encrypt_data
from tpayd.crypto.dukpt import Derivation, Usage, make_ksn, split_ksn
from tpayd.crypto.errors import CounterExhaustedError, CryptoError
from tpayd.crypto.mac import cmac8, verify8
from tpayd.key_manager.counters import Counters
from tpayd.key_manager.errors import NoUsableKeyError
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.records import KeyRecord
from tpayd.kit import crashpoints
from tpayd_contracts.keys import (
    EncryptData,
    EncryptedData,
    GeneratedMac,
    GenerateMac,
    KeyUsage,
    Purpose,
    VerifiedMac,
    VerifyMac,
)

__all__ = ["Macs"]


class Macs:
    """MACs under the keys of a keyring."""

    def __init__(self, keyring: Keyring, counters: Counters, now_ms: Callable[[], int]) -> None:
        self._keyring = keyring
        self._counters = counters
        self._now_ms = now_ms
        self._derivations: dict[str, Derivation] = {}

    def generate(self, body: GenerateMac) -> GeneratedMac:
        """MAC head, KSN and tail under a counter that was never used.

        Raises:
            NoUsableKeyError: no key fits the purpose.
            StoreError: the disk did not take the reservation of counters; none was used.
        """
        crashpoints.passing("mac.before_made")
        key = self._key_for(body, body.reader_id)
        counter = self._next_counter(key)
        ksn = make_ksn(key.ikid, counter)
        working_key = self._derivation(key).working_key(counter, Usage.MAC_GENERATION)
        mac = cmac8(working_key, body.head + ksn + body.tail)
        crashpoints.passing("mac.after_made")
        return GeneratedMac(ksn, mac, key.key_id)

    def encrypt(self, body: EncryptData) -> EncryptedData:
        """Encrypt for the host under a counter that was never used; the rules are those of `generate`.

        Raises:
            NoUsableKeyError: no key fits the purpose.
            StoreError: the disk did not take the reservation of counters; none was used.
        """
        key = self._key_for(body, None)
        counter = self._next_counter(key)
        working_key = self._derivation(key).working_key(counter, Usage.DATA_ENCRYPTION)
        return EncryptedData(make_ksn(key.ikid, counter), encrypt_data(working_key, body.data), key.key_id)

    def verify(self, body: VerifyMac) -> VerifiedMac:
        """Whether the host made this MAC, under the key and KSN of the request.

        Raises:
            NoUsableKeyError: no such key of this terminal and profile.
        """
        key = self._keyring.for_settling(body.profile, body.terminal_id, body.key_id)
        try:
            ikid, counter = split_ksn(body.ksn)
        except CryptoError:
            return VerifiedMac(valid=False)
        if ikid != key.ikid:
            return VerifiedMac(valid=False)
        working_key = self._derivation(key).working_key(counter, Usage.MAC_VERIFICATION)
        valid = verify8(working_key, body.data, body.mac)
        crashpoints.passing("mac.after_check")
        return VerifiedMac(valid=valid)

    def forget(self, key_id: str) -> None:
        """The key is gone."""
        self._derivations.pop(key_id, None)

    def _key_for(self, body: GenerateMac | EncryptData, reader_id: str | None) -> KeyRecord:
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

"""The host's keys: MACs of terminals, card data of readers. All are derived from the play BDKs when needed."""

from __future__ import annotations

from collections import OrderedDict

from tpayd.crypto.data import decrypt_data
from tpayd.crypto.dukpt import Derivation, Usage, derive_initial_key, split_ksn
from tpayd.crypto.errors import CryptoError
from tpayd.crypto.exchange import Role
from tpayd.crypto.track import decrypt_track
from tpayd.hosts.quiet import Quiet
from tpayd.sandbox.secrets import BDK

__all__ = ["Keychain", "MacKeys"]

_DERIVATIONS_MAX = 1024


class MacKeys(Quiet, frozen=True):
    """Both of one transaction: a request sent back to its sender is no answer."""

    request: bytes
    answer: bytes


class Keychain:
    """Every key of this host."""

    def __init__(self) -> None:
        self._terminals = _Keys(BDK[Role.TERMINAL])
        self._readers = _Keys(BDK[Role.READER])

    def mac_keys(self, ksn: bytes) -> MacKeys | None:
        """The keys of a terminal's request and of its answer; None where that is no KSN."""
        try:
            ikid, counter = split_ksn(ksn)
            return MacKeys(*self._terminals.of(ikid).mac_keys(counter))
        except CryptoError:
            return None

    def track(self, ksn: bytes, cipher: bytes) -> str | None:
        """The card's track 2 equivalent, or None where it is none under this key."""
        try:
            return decrypt_track(self._readers.key(ksn, Usage.DATA_ENCRYPTION), cipher)
        except CryptoError:
            return None

    def data(self, ksn: bytes, cipher: bytes) -> bytes | None:
        """What a terminal encrypted, or None where it is nothing under this key."""
        try:
            return decrypt_data(self._terminals.key(ksn, Usage.DATA_ENCRYPTION), cipher)
        except CryptoError:
            return None

    def pin_key(self, ksn: bytes) -> bytes | None:
        """A reader's PIN key; None where that is no KSN."""
        try:
            return self._readers.key(ksn, Usage.PIN_ENCRYPTION)
        except CryptoError:
            return None


class _Keys:
    """Derivations are kept per initial key, so that the next transaction of a device costs a few AES blocks."""

    def __init__(self, bdk: bytes) -> None:
        self._bdk = bdk
        self._derivations: OrderedDict[bytes, Derivation] = OrderedDict()

    def key(self, ksn: bytes, usage: Usage) -> bytes:
        """The working key of a KSN. Raises CryptoError."""
        ikid, counter = split_ksn(ksn)
        return self.of(ikid).working_key(counter, usage)

    def of(self, ikid: bytes) -> Derivation:
        """The keys of a device. Raises CryptoError."""
        derivation = self._derivations.get(ikid)
        if derivation is None:
            derivation = self._derivations[ikid] = Derivation(derive_initial_key(self._bdk, ikid), ikid)
            if len(self._derivations) > _DERIVATIONS_MAX:
                self._derivations.popitem(last=False)
        else:
            self._derivations.move_to_end(ikid)
        return derivation

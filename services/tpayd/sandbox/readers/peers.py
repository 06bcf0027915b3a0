"""Virtual readers as peers of a driver under test (docs/drivers.md): the entry points `tpayd.reader_peers`.

They satisfy `tpayd.device_broker.drivers.conformance.Peer` without knowing it: processes don't import each other.
"""

from __future__ import annotations

import hashlib

from tpayd.crypto.dukpt import derive_initial_key
from tpayd.crypto.exchange import Role, accept, answer
from tpayd.crypto.firmware import Image, public_of, ticket
from tpayd.kit.clock import SystemClock
from tpayd.sandbox.card_list import CardKind, TestCard
from tpayd.sandbox.readers.devices import VirtualDevice
from tpayd.sandbox.readers.flash import ImageHead, sandbox_image
from tpayd.sandbox.readers.neo import VirtualNeo, neo_reader_id
from tpayd.sandbox.readers.rounds import Deed
from tpayd.sandbox.readers.vault import Vault
from tpayd.sandbox.readers.virtual import MODEL, VirtualReader, reader_id
from tpayd.sandbox.secrets import BDK, FIRMWARE_VENDOR_SEED, sandbox_transport_key

__all__ = ["SandboxPeer", "UpdatablePeer", "neo", "stx"]

_SERIAL_NUMBER = "SBX0000001"
_SECRET = bytes(32)
_IKID = b"TESTPEER"
_NEW_VERSION = "01.01"
_IMAGE_BYTES = 5_000
_STAYS_MS = 600_000
_KINDS = {"ic": CardKind.IC, "contactless": CardKind.CONTACTLESS, "stripe": CardKind.STRIPE}


class SandboxPeer:
    """A virtual reader with a key, and a customer who does nothing but what he is told."""

    ways = frozenset(_KINDS)

    def __init__(self, vault: Vault, device: VirtualDevice) -> None:
        self._device = device
        self._load_key(vault, vault.reader_id)

    @property
    def opening(self) -> bytes:
        return self._device.opening

    def received(self, data: bytes) -> bytes:
        return self._device.received(data)

    def present(self, way: str, *, stays: bool = False) -> bytes:
        card = TestCard(
            name="test", kind=_KINDS[way], pan="4761739001010119", label="TEST", stays_ms=_STAYS_MS if stays else 0
        )  # fmt: skip
        return self._device.give(card)

    def take_out(self) -> bytes:
        return self._device.pull_card()

    def _load_key(self, vault: Vault, identity: str) -> None:
        transport = sandbox_transport_key(Role.READER, identity)
        accepted = accept(Role.READER, vault.prepare(1), transport, last_sequence=0, expected_owner=identity)
        vault.inject(answer(accepted, transport, _IKID, derive_initial_key(BDK[Role.READER], _IKID)))


class UpdatablePeer(SandboxPeer):
    """One that takes firmware, and brings an image of it."""

    def image(self) -> tuple[str, str, str, bytes, bytes, bytes]:
        """Model, mode, version, content, ticket and vendor's key of an image that it takes."""
        content = sandbox_image(ImageHead(_NEW_VERSION), _IMAGE_BYTES)
        told = Image(MODEL, "any", _NEW_VERSION, len(content), hashlib.sha256(content).digest())
        signed, vendor = ticket(FIRMWARE_VENDOR_SEED, told), public_of(FIRMWARE_VENDOR_SEED)
        return MODEL, "any", _NEW_VERSION, content, signed, vendor


def stx() -> UpdatablePeer:
    """The peer of the driver `stx`."""
    vault = Vault(None, reader_id(_SERIAL_NUMBER), _SECRET)
    return UpdatablePeer(vault, VirtualReader(_SERIAL_NUMBER, vault, SystemClock(), _never))


def neo() -> SandboxPeer:
    """The peer of the driver `neo`."""
    vault = Vault(None, neo_reader_id(_SERIAL_NUMBER), _SECRET)
    return SandboxPeer(vault, VirtualNeo(_SERIAL_NUMBER, MODEL, vault, SystemClock(), _never))


def _never(_: int, __: Deed) -> None:
    """What would come after a while does not come by itself: time is the test's."""

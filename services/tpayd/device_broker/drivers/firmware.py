"""What a driver offers that can update a reader's firmware: a second protocol without I/O, beside `driver.Driver`.

A kind of reader has this ability by its own choice: its `DriverKind` has an attribute `firmware`, a `FirmwareMaker`.
One that has none is told apart by `firmware_of`.

The work is done on a line of its own: the device broker has closed the driver's and opened the port anew, or the reader
never started, since all that is left of it is its boot loader. A `FirmwareTalk` is made for one opening of the port; if
the port is lost, another one begins, and the reader says how much of the image it holds. What a talk owes:

* It ends with exactly one `FirmwareEnded`, after bounded waits and tries, whatever comes off the line.
* An identification changes nothing in the reader.
* A transfer sends no byte of the image to a reader that has not proven to be one of the vendor's, and of this model.
* `INSTALLED` means that the reader has said so itself, of the whole image.
* A byte that the reader has said it holds is not sent again, unless the reader has forgotten it.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias, cast

from msgspec import Struct

from tpayd.device_broker.drivers.driver import DriverKind
from tpayd.device_broker.drivers.events import Identity

__all__ = [
    "FirmwareEnd",
    "FirmwareEnded",
    "FirmwareImage",
    "FirmwareJob",
    "FirmwareMaker",
    "FirmwareTalk",
    "FirmwareTold",
    "FirmwareTurn",
    "IdentifyFirmware",
    "ReaderSeen",
    "TransferFirmware",
    "Transferred",
    "firmware_of",
]


class FirmwareImage(Struct, frozen=True):
    """An image as the vendor has signed it."""

    model: str
    mode: str
    version: str
    sha256: bytes
    ticket: bytes
    """The vendor's word to the reader that it may take this image."""
    vendor_key: bytes
    """By which the vendor's readers are known."""


class IdentifyFirmware(Struct, frozen=True):
    """Say who you are, and whether you can be updated. Changes nothing. `at` is the local time, YYYYMMDDhhmmss."""

    at: str


class TransferFirmware(Struct, frozen=True):
    """Take this image, or the rest of it."""

    at: str
    image: FirmwareImage
    content: bytes
    seed: bytes
    """32 random bytes, never used before."""


FirmwareJob: TypeAlias = IdentifyFirmware | TransferFirmware


class ReaderSeen(Struct, frozen=True):
    """Who answered."""

    identity: Identity
    updatable: bool
    """By its own word."""


class Transferred(Struct, frozen=True):
    """So much of the image lies in the reader."""

    held_bytes: int


class FirmwareEnd(enum.StrEnum):
    """How a talk ended."""

    IDENTIFIED = "identified"
    INSTALLED = "installed"
    """The reader has the whole image, has checked it, and starts again with it."""
    LOST = "lost"
    """No answer, or none that can be understood: to be begun anew; the reader may hold a part of the image."""
    NOT_GENUINE = "not_genuine"
    """The reader is none that the image's vendor has made. It was sent nothing."""
    REFUSED = "refused"
    """The reader does not take the image, or takes none."""
    BROKEN = "broken"
    """The reader has found the image to be another one than announced, and has forgotten it."""


class FirmwareEnded(Struct, frozen=True):
    end: FirmwareEnd
    detail: str = ""
    """For a person; empty where there is nothing to add."""


FirmwareTold: TypeAlias = ReaderSeen | Transferred | FirmwareEnded


class FirmwareTurn(NamedTuple):
    """What one step gave: bytes for the line, and what to know."""

    out: bytes
    told: Sequence[FirmwareTold]


class FirmwareTalk(Protocol):
    """See the module. The time is told by the caller, in microseconds of one monotonic clock."""

    @property
    def deadline_us(self) -> int | None:
        """When `tick` must be called at the latest; None once it is over."""
        ...

    def begin(self, now_us: int) -> FirmwareTurn:
        """The line is open; to be called once."""
        ...

    def received(self, data: bytes, now_us: int) -> FirmwareTurn:
        """Bytes came off the line."""
        ...

    def tick(self, now_us: int) -> FirmwareTurn:
        """Time has passed; harmless at any moment."""
        ...


class FirmwareMaker(Protocol):
    """What a `DriverKind` has as `firmware`."""

    def create(self, job: FirmwareJob) -> FirmwareTalk:
        """A talk for a line just opened."""
        ...


def firmware_of(kind: DriverKind) -> FirmwareMaker | None:
    """How readers of this kind are updated; None: they cannot be by tpayd."""
    return cast("FirmwareMaker | None", getattr(kind, "firmware", None))

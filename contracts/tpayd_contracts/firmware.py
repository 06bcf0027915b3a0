"""Operations on the firmware of card readers [리더기 업데이트] (T19)."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.fleet import Baud, PortName
from tpayd_contracts.operation import Op, Right
from tpayd_contracts.shapes import END, Count, Name, ShortText, UnixMs

__all__ = [
    "FIRMWARE_CHECK",
    "FIRMWARE_HISTORY",
    "FIRMWARE_HISTORY_MAX",
    "FIRMWARE_IDENTIFY",
    "FIRMWARE_MODE",
    "FIRMWARE_OPS",
    "FIRMWARE_TRANSFER",
    "FIRMWARE_UPDATE",
    "TOPIC_FIRMWARE",
    "CheckFirmware",
    "FirmwareEvent",
    "FirmwareHistory",
    "FirmwareHistoryQuery",
    "FirmwareMode",
    "FirmwareOutcome",
    "FirmwareProgress",
    "FirmwareRecord",
    "FirmwareReport",
    "FirmwareResult",
    "FirmwareStanding",
    "FirmwareStep",
    "FirmwareVerdict",
    "FirmwareVersion",
    "IdentifiedReader",
    "OfferedFirmware",
    "SetFirmwareMode",
    "TransferFirmware",
    "TransferredFirmware",
    "UpdateFirmware",
    "WhichReader",
]

TOPIC_FIRMWARE = "firmware.state"
FIRMWARE_HISTORY_MAX = 100

FirmwareVersion = Annotated[str, Meta(pattern=rf"^[0-9A-Za-z.]{{1,5}}{END}", description="as the reader tells it")]
FirmwareMode = Annotated[
    str, Meta(pattern=rf"^[A-Za-z0-9-]{{1,8}}{END}", description="RS232, USB; any: there is but one")
]
_Model = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._-]{{1,16}}{END}", description="the certified model")]
_Text = Annotated[str, Meta(max_length=1024)]
_Notes = Annotated[str, Meta(max_length=4096)]


class WhichReader(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A configured reader by its name, or any by its port."""

    device: Name | None = None
    port: PortName | None = None
    """Instead of `device`: by hand, with driver and speed."""
    driver: Name = "stx"
    baud: Baud = 0


class FirmwareVerdict(enum.StrEnum):
    """What is to be done about a reader's firmware."""

    NEWEST = "newest"
    """It has the newest that is offered for it; nothing is asked."""
    UPDATE = "update"
    """There is a newer one, and nothing has to be asked."""
    ASK_MODE = "ask_mode"
    """There is a newer one, and its communication mode has to be told first: `firmware.mode`."""
    REFUSED = "refused"
    """It cannot be updated; `text` says why, and the way out."""


class FirmwareStanding(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A reader, its firmware, and what there is for it."""

    port: str
    verdict: FirmwareVerdict
    text: _Text
    """For a person: what is to be done, or why not."""
    device: Name | None = None
    model: str = ""
    serial_number: str = ""
    firmware: str = ""
    """The version that it has; BOOT: an update was cut off, and only its boot loader is left."""
    boot_loader: bool = False
    vendor: str = ""
    target: str = ""
    """The version that an update would bring."""
    size_bytes: Count = 0
    reported_mode: str = ""
    """The communication mode by the reader's own word; empty: it tells none."""
    mode: str = ""
    """The one that is remembered for it, or the only one there is."""
    modes: tuple[str, ...] = ()
    """Those to choose from, where it has to be told."""
    notes: _Notes = ""
    """The vendor's guidance for this version, and what to look at before."""
    notes_ko: _Notes = ""
    updating: bool = False


class OfferedFirmware(Struct, frozen=True, omit_defaults=True):
    """One image that a vendor has signed."""

    vendor: Name
    model: str
    mode: str
    version: str
    size_bytes: Count
    min_daemon: str
    """The oldest tpayd that may bring it into a reader."""
    problem: _Text = ""
    """Why it cannot be used here; empty: it can."""


class CheckFirmware(WhichReader, frozen=True, kw_only=True):
    """Ask the vendors and the readers. Without device and port: all readers that are configured."""

    refresh: bool = True
    """Look for newer firmware now; false: by what is known."""
    after: Name | None = None
    """For all readers: the `next` of the page before. Nothing is looked for again then."""


class FirmwareReport(Struct, frozen=True, omit_defaults=True):
    """Readers in the order of their names: as many as a frame holds."""

    readers: tuple[FirmwareStanding, ...]
    offers: tuple[OfferedFirmware, ...] = ()
    """On the first page alone. Newest first for each model and mode; the first ones, as many as a page has room for."""
    problem: _Text = ""
    """Why the vendors could not be asked; what is told is what was known before."""
    next: Name | None = None
    """There are more readers: ask again with this as `after`. None on the last page."""


class UpdateFirmware(WhichReader, frozen=True, kw_only=True):
    """Bring a reader its newest firmware. Sent again while it runs, it joins the update under way."""

    version: FirmwareVersion | None = None
    """This one instead of the newest."""
    again: bool = False
    """Also the version that it has already."""


class FirmwareStep(enum.StrEnum):
    """Where an update is."""

    WAITING = "waiting"
    """For the reader or the broker to come back."""
    FETCHING = "fetching"
    TRANSFERRING = "transferring"
    RESTARTING = "restarting"
    """The reader starts with its new firmware, and is identified and tested."""
    CHECKING = "checking"
    """Self-test and key are checked once more by the key manager."""
    DONE = "done"
    FAILED = "failed"


class FirmwareProgress(Struct, frozen=True, omit_defaults=True):
    step: FirmwareStep
    text: _Text
    done_bytes: Count = 0
    of_bytes: Count = 0


class FirmwareResult(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An update that went well."""

    port: str
    model: str
    serial_number: str
    before: str
    after: str
    """By the reader's own word."""
    mode: str = ""
    device: Name | None = None
    key_text: _Text = ""
    """What the key manager says of its key; empty: the reader is not configured, and has none here."""
    advice: _Text = ""
    """What to do now."""
    took_ms: Count = 0


class SetFirmwareMode(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Tell a reader's communication mode, once. Firmware for another mode ends the reader for good."""

    mode: FirmwareMode
    confirm: bool = False
    """It was read off the reader, and asked for twice. Without it nothing is remembered, and the answer asks for it."""
    device: Name | None = None
    """As in `WhichReader`, as is what follows."""
    port: PortName | None = None
    driver: Name = "stx"
    baud: Baud = 0


class FirmwareHistoryQuery(Struct, frozen=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=FIRMWARE_HISTORY_MAX)] = 20


class FirmwareOutcome(enum.StrEnum):
    UPDATED = "updated"
    FAILED = "failed"


class FirmwareRecord(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One attempt."""

    at_ms: UnixMs
    model: str
    serial_number: str
    before: str
    after: str
    """The version that was wanted."""
    outcome: FirmwareOutcome
    device: str = ""
    mode: str = ""
    by: ShortText = ""
    text: _Text = ""
    """Why it failed."""
    took_ms: Count = 0


class FirmwareHistory(Struct, frozen=True):
    """Newest first."""

    records: Annotated[tuple[FirmwareRecord, ...], Meta(max_length=FIRMWARE_HISTORY_MAX)]


class FirmwareEvent(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An update goes on; told at each step, and at each tenth of a transfer."""

    port: str
    progress: FirmwareProgress
    at_ms: UnixMs
    version: str
    device: Name | None = None
    model: str = ""


class IdentifiedReader(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A reader by its own word."""

    port: str
    driver: Name
    model: str
    serial_number: str
    firmware: str
    device: Name | None = None
    reader_id: str = ""
    mode: str = ""
    boot_loader: bool = False
    able: bool = True
    """Its driver can update it."""
    lent: bool = False
    """A payment has it now."""


class TransferFirmware(WhichReader, frozen=True, kw_only=True):
    """Bring an image that was verified into a reader. No payment gets the reader until it has started again, well."""

    model: _Model
    mode: FirmwareMode
    version: FirmwareVersion
    image: Annotated[str, Meta(pattern=rf"^updates/files/[0-9a-f]{{64}}/[A-Za-z0-9._-]{{1,100}}{END}")]
    """The file, relative to the instance directory."""
    sha256: Annotated[bytes, Meta(min_length=32, max_length=32)]
    ticket: Annotated[bytes, Meta(min_length=64, max_length=64)]
    """The vendor's word to the reader (docs/reader-protocol.md)."""
    vendor_key: Annotated[bytes, Meta(min_length=32, max_length=32)]


class TransferredFirmware(Struct, frozen=True, omit_defaults=True):
    """The reader has started with it."""

    firmware: str
    serial_number: str
    resumed_at_bytes: Count = 0
    """So much of it was there from an earlier try."""
    took_ms: Count = 0


FIRMWARE_CHECK = Op("firmware.check", CheckFirmware, FirmwareReport, right=Right.READ_ONLY)
FIRMWARE_UPDATE = Op("firmware.update", UpdateFirmware, FirmwareResult, FirmwareProgress, Right.ADMIN)
"""Goes on when its caller goes away: `firmware.check` shows it, and sending it again joins it."""
FIRMWARE_MODE = Op("firmware.mode", SetFirmwareMode, FirmwareStanding, right=Right.ADMIN)
FIRMWARE_HISTORY = Op("firmware.history", FirmwareHistoryQuery, FirmwareHistory, right=Right.READ_ONLY)
FIRMWARE_OPS = (FIRMWARE_CHECK, FIRMWARE_UPDATE, FIRMWARE_MODE, FIRMWARE_HISTORY)
"""Answered by the updater."""
FIRMWARE_IDENTIFY = Op("firmware.identify", WhichReader, IdentifiedReader)
FIRMWARE_TRANSFER = Op("firmware.transfer", TransferFirmware, TransferredFirmware, FirmwareProgress)
"""Both answered by the device broker, for the updater. A transfer that has begun goes on when its caller goes away."""

"""Examples of readers' firmware."""

from __future__ import annotations

from tpayd_contracts import firmware
from tpayd_contracts.example_payments import AT_MS, Example

__all__ = ["FIRMWARE", "FIRMWARE_EVENT"]

_IMAGE = f"updates/files/{'5e' * 32}/SCSPRO-100-RS232-01.12.bin"
_STANDING = firmware.FirmwareStanding(
    port="usb:1-1.2",
    verdict=firmware.FirmwareVerdict.ASK_MODE,
    text="01.12 is offered; say first which communication mode it has: `tpayd firmware mode front RS232`",
    device="front",
    model="SCSPRO-100",
    serial_number="SC00000001",
    firmware="01.10",
    vendor="scspro",
    target="01.12",
    size_bytes=262_144,
    reported_mode="RS232",
    modes=("RS232", "USB"),
    notes="Leave the reader plugged in: the update takes about two minutes.",
    notes_ko="업데이트 중에는 리더기를 분리하지 마십시오.",
)
_PROGRESS = firmware.FirmwareProgress(
    firmware.FirmwareStep.TRANSFERRING, "01.12 goes to front", done_bytes=65_536, of_bytes=262_144
)  # fmt: skip

FIRMWARE: dict[str, Example] = {
    firmware.FIRMWARE_CHECK.name: Example(
        firmware.CheckFirmware(device="front"),
        firmware.FirmwareReport(
            readers=(_STANDING,),
            offers=(firmware.OfferedFirmware("scspro", "SCSPRO-100", "RS232", "01.12", 262_144, "0.1.0"),),
        ),
    ),
    firmware.FIRMWARE_UPDATE.name: Example(
        firmware.UpdateFirmware(device="front"),
        firmware.FirmwareResult(
            port="usb:1-1.2",
            model="SCSPRO-100",
            serial_number="SC00000001",
            before="01.10",
            after="01.12",
            mode="RS232",
            device="front",
            key_text="its key is in force",
            advice="do a test payment now, and void it",
            took_ms=95_000,
        ),
        _PROGRESS,
    ),
    firmware.FIRMWARE_MODE.name: Example(
        firmware.SetFirmwareMode(device="front", mode="RS232", confirm=True), _STANDING
    ),
    firmware.FIRMWARE_HISTORY.name: Example(
        firmware.FirmwareHistoryQuery(limit=1),
        firmware.FirmwareHistory(
            (
                firmware.FirmwareRecord(
                    at_ms=AT_MS,
                    model="SCSPRO-100",
                    serial_number="SC00000001",
                    before="01.10",
                    after="01.12",
                    outcome=firmware.FirmwareOutcome.UPDATED,
                    device="front",
                    mode="RS232",
                    by="cli",
                    took_ms=95_000,
                ),
            )
        ),
    ),
    firmware.FIRMWARE_IDENTIFY.name: Example(
        firmware.WhichReader(port="/dev/ttyUSB0", driver="stx", baud=38_400),
        firmware.IdentifiedReader(
            port="/dev/ttyUSB0", driver="stx", model="SCSPRO-100", serial_number="SC00000001", firmware="01.10",
            reader_id="SCSPRO-100------READERSC00000001", mode="RS232",
        ),
    ),
    firmware.FIRMWARE_TRANSFER.name: Example(
        firmware.TransferFirmware(
            device="front", model="SCSPRO-100", mode="RS232", version="01.12", image=_IMAGE, sha256=bytes(32),
            ticket=bytes(64), vendor_key=bytes(32),
        ),
        firmware.TransferredFirmware("01.12", "SC00000001", resumed_at_bytes=4_096, took_ms=92_000),
        _PROGRESS,
    ),
}  # fmt: skip
FIRMWARE_EVENT = firmware.FirmwareEvent(
    port="usb:1-1.2", progress=_PROGRESS, at_ms=AT_MS, version="01.12", device="front", model="SCSPRO-100"
)

"""What a caller is told of firmware that does not reach a reader: code, outcome and way out, each written once."""

from __future__ import annotations

from tpayd.device_broker.drivers.firmware import FirmwareEnd, FirmwareEnded
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode, Outcome

__all__ = [
    "another_image",
    "did_not_take",
    "ended",
    "image_unusable",
    "in_use",
    "no_such_driver",
    "not_able",
    "not_connected",
    "not_noted",
    "reports_another",
    "which",
]


# Nothing has happened


def no_such_driver(problem: str) -> CallError:
    return CallError.not_started(ErrorCode.INVALID_BODY, problem, field="$.driver")


def which() -> CallError:
    text = "name a configured device, or a port with driver and speed: one of the two"
    return CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.device")


def not_able(driver: str) -> CallError:
    text = f"readers that speak {driver} cannot be updated by tpayd: their driver offers no firmware updates"
    return CallError.not_started(ErrorCode.READER_UNAVAILABLE, text, field="$.driver")


def in_use(where: str, by: str) -> CallError:
    text = f"{where} is in use by {by}: try again when it is free. Its firmware is not touched while somebody has it"
    return CallError.not_started(ErrorCode.BUSY, text, retryable=True)


def another_image(where: str) -> CallError:
    text = f"{where} is being updated with another image: wait for its end"
    return CallError.not_started(ErrorCode.BUSY, text, retryable=True)


def not_connected(where: str, why: str) -> CallError:
    text = f"{where} does not say who it is: {why}"
    return CallError.not_started(ErrorCode.READER_UNAVAILABLE, text, retryable=True)


def image_unusable(problem: str) -> CallError:
    text = f"the image cannot be used: {problem}; fetch it anew: `tpayd firmware check`"
    return CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.image")


def not_noted(problem: str) -> CallError:
    text = f"an update cannot be noted on disk: {problem}; the reader was not touched"
    return CallError.not_started(ErrorCode.STORAGE_FAILED, text, retryable=True)


# Something has


def ended(where: str, how: FirmwareEnded, *, touched: bool) -> CallError:
    """The talk with the reader did not end with the image installed."""
    why = f": {how.detail}" if how.detail else ""
    if how.end is FirmwareEnd.LOST:
        rest = (
            "check power and cable and send it again: it goes on where it was. Until then no payment gets the reader"
            if touched
            else "check power, cable and speed. Its firmware was not touched"
        )
        text = f"{where} was lost{why}; {rest}"
        outcome = Outcome.UNKNOWN if touched else Outcome.FAILED
        return CallError(ErrorCode.READER_UNAVAILABLE, text, outcome=outcome, retryable=True, detail=how.end.value)
    told = {
        FirmwareEnd.NOT_GENUINE: f"{where} is not known to be a reader of this vendor{why}. It was sent nothing",
        FirmwareEnd.BROKEN: f"{where} has found the image to be broken{why}. Its boot loader is left: update it again",
    }
    text = told.get(how.end, f"{where} does not take this firmware{why}")
    return CallError(ErrorCode.READER_UNAVAILABLE, text, outcome=Outcome.FAILED, detail=how.end.value)


def did_not_take(where: str, why: str) -> CallError:
    """It has the image by its own word, and did not come back with it."""
    text = f"{where} has taken the image and did not start with it: {why}. Switch it off and on; update it again"
    return CallError(ErrorCode.READER_UNAVAILABLE, text, outcome=Outcome.FAILED, detail="not_started_again")


def reports_another(where: str, wanted: str, told: str) -> CallError:
    text = (
        f"{where} reports firmware {told} after an update to {wanted}, and is kept from payments: update it again with "
        "`--again`, or ask its vendor"
    )
    return CallError(ErrorCode.READER_UNAVAILABLE, text, outcome=Outcome.FAILED, detail="another_version")

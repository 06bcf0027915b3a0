"""What a caller is told of firmware that is not brought into a reader: code, outcome and way out."""

from __future__ import annotations

from tpayd.kit.bus import CallError
from tpayd.updater.errors import UpdateError
from tpayd.updater.firmware.choosing import Choice, ModeRefusedError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.firmware import FirmwareVerdict

__all__ = [
    "another",
    "another_reader",
    "lent",
    "mode_refused",
    "not_fetched",
    "not_saved",
    "not_updated",
    "unconfirmed",
    "which",
]

ASK_MODE = "ask_mode"
"""`detail` of a refusal for want of the communication mode."""


def which() -> CallError:
    text = "name a configured device, or a port with driver and speed: one of the two"
    return CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.device")


def not_updated(choice: Choice, problem: str) -> CallError:
    """The decision was another one than to update. `problem`: why the vendors could not be asked before it."""
    if choice.verdict is FirmwareVerdict.ASK_MODE:
        return CallError(
            ErrorCode.INVALID_BODY, choice.text, outcome=Outcome.NOT_STARTED, field="$.device", detail=ASK_MODE
        )
    text = f"{choice.text}; the vendors were not asked: {problem}" if problem else choice.text
    return CallError(
        ErrorCode.READER_UNAVAILABLE, text, outcome=Outcome.NOT_STARTED, detail=choice.verdict.value
    )  # fmt: skip


def lent(name: str) -> CallError:
    text = f"a payment has {name}: try again when it is over"
    return CallError.not_started(ErrorCode.BUSY, text, retryable=True)


def another(name: str) -> CallError:
    text = f"{name} is being updated to another version: wait for its end"
    return CallError.not_started(ErrorCode.BUSY, text, retryable=True)


def another_reader(wanted: str, told: str) -> CallError:
    text = f"the reader there has the serial number {told}, not {wanted}: plug that one in, and update it again"
    return CallError.not_started(ErrorCode.READER_UNAVAILABLE, text)


def mode_refused(error: ModeRefusedError) -> CallError:
    return CallError.not_started(ErrorCode.INVALID_BODY, str(error), field="$.mode")


def unconfirmed(name: str, mode: str) -> CallError:
    text = (
        f"firmware for the wrong communication mode ends {name} for good: look at the reader and its cable. If it is "
        f"in mode {mode}, send it again with `confirm`"
    )
    return CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.confirm")


def not_fetched(error: UpdateError) -> CallError:
    text = f"the firmware was not fetched: {error}. The reader was not touched"
    return CallError(
        ErrorCode.UNAVAILABLE, text, outcome=Outcome.NOT_STARTED, retryable=error.retryable, detail=error.code
    )  # fmt: skip


def not_saved(problem: str) -> CallError:
    text = f"it cannot be noted on disk: {problem}; nothing was begun"
    return CallError.not_started(ErrorCode.STORAGE_FAILED, text, retryable=True)

"""What a caller is told when a step with a reader does not end well: code, outcome and way out, each written once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import CardRefused, EntryRefused, Failed, Failure
from tpayd.device_broker.leases import EndReason
from tpayd.device_broker.profiles import Fault
from tpayd.kit.bus import CallError
from tpayd_contracts.device import Ability, Bar, BarCause
from tpayd_contracts.errors import ErrorCode, Outcome

__all__ = [
    "NO_KEY",
    "all_barred",
    "cancelled",
    "cancelled_waiting",
    "card_refused",
    "card_taken",
    "card_timed_out",
    "does_not_fit",
    "draining",
    "entry_refused",
    "entry_timed_out",
    "gave_way",
    "lane_at_fault",
    "lease_ended",
    "lease_over",
    "lease_unknown",
    "no_card",
    "no_key",
    "no_such_pool",
    "no_such_driver",
    "none_came_free",
    "none_fits",
    "not_able",
    "not_configured",
    "not_idle",
    "queue_full",
    "reader_absent",
    "reader_busy",
    "reader_lost",
    "search_under_way",
    "settings_busy",
    "settings_not_saved",
    "settings_refused",
    "step_failed",
    "unknown_lane",
    "wrong_assignment",
]

NO_KEY = "90"
"""The reader's result code for 'no key is loaded' (docs/reader-protocol.md)."""

_REFUSALS = {
    "01": "the chip does not answer, and the stripe was not used",
    "02": "the card has no application that this reader knows",
    "03": "the chip could not be read",
    "04": "the chip lacks data that a payment needs",
    "05": "the cardholder could not be verified",
    "06": "the chip refused a command",
    "07": "the chip does not work",
    "08": "the chip could not be read to its end",
    "09": "a chip card was swiped: insert it",
    "10": "this card cannot be used here",
    "11": "the stripe could not be read",
    "12": "this reader takes no PIN for UnionPay cards",
    "91": "the customer said no at the reader",
    "93": "the reader has no such pad or scanner",
    "94": "what was shown is no payment code",
}

_ABILITIES = {
    Ability.PIN: "PIN pad",
    Ability.SIGN: "signature pad",
    Ability.QR: "code scanner",
}

_FAILURES = {
    Failure.NO_ANSWER: "gave no answer",
    Failure.REFUSED: "refused the command",
    Failure.BAD_ANSWER: "gave an answer that cannot be understood",
    Failure.NOISE: "cannot be understood for noise on the line",
    Failure.SELF_TEST: "reports itself broken",
    Failure.BOOT_LOADER: "has no firmware but its boot loader",
}


# Nothing has happened


def unknown_lane(lane: str, field: str) -> CallError:
    text = f"config/store.toml has no lane {lane!r}"
    return CallError.not_started(ErrorCode.INVALID_BODY, text, field=field)


def not_configured(device: str) -> CallError:
    text = f"config/device_broker.toml has no device {device!r}"
    return CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.device")


def lane_at_fault(fault: Fault) -> CallError:
    """The lane's profile cannot be used."""
    text = f"config/device_broker.toml: {fault.field}: {fault.text}"
    return CallError.not_started(ErrorCode.READER_UNAVAILABLE, text)


def none_fits() -> CallError:
    text = "no reader of config/device_broker.toml fits this lane, these abilities, and what to avoid"
    return CallError.not_started(ErrorCode.READER_UNAVAILABLE, text)


def all_barred(bars: Sequence[Bar]) -> CallError:
    """Each reader that would do is kept from payments. With keys alone to blame, the code says so."""
    code = ErrorCode.KEY_UNAVAILABLE if all(bar.cause is BarCause.KEY for bar in bars) else ErrorCode.READER_UNAVAILABLE
    reasons = "; ".join(f"{bar.device}: {bar.why}" for bar in bars)
    return CallError.not_started(code, f"no reader may serve this lane now: {reasons}")


def none_came_free() -> CallError:
    text = "no reader came free in time"
    return CallError.not_started(ErrorCode.READER_UNAVAILABLE, text, retryable=True)


def reader_absent() -> CallError:
    text = "every reader that would do is unplugged or does not answer: check cables and power"
    return CallError.not_started(ErrorCode.READER_UNAVAILABLE, text, retryable=True)


def no_such_pool(pool: str, known: Iterable[str]) -> CallError:
    text = f"there is no pool {pool!r}; there are: {', '.join(known)}"
    return CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.pool")


def search_under_way() -> CallError:
    text = "another search for devices is under way; wait for its end"
    return CallError.not_started(ErrorCode.BUSY, text, retryable=True)


def no_such_driver(problem: str) -> CallError:
    return CallError.not_started(ErrorCode.INVALID_BODY, problem, field="$.drivers")


def wrong_assignment(field: str, problem: str) -> CallError:
    return CallError.not_started(ErrorCode.INVALID_BODY, problem, field=field)


def settings_refused(field: str, problem: str) -> CallError:
    """The settings would not be sound; nothing was written."""
    text = f"config/device_broker.toml would not be sound: {field}: {problem}"
    return CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.devices")


def settings_busy(problem: str) -> CallError:
    return CallError.not_started(ErrorCode.BUSY, problem, retryable=True)


def settings_not_saved(problem: str) -> CallError:
    return CallError.not_started(ErrorCode.STORAGE_FAILED, problem, retryable=True)


def queue_full(limit: int) -> CallError:
    text = f"{limit} wait for a reader already; try later"
    return CallError.not_started(ErrorCode.BUSY, text, retryable=True)


def draining() -> CallError:
    text = "the device broker is going down; try again when it is back"
    return CallError.not_started(ErrorCode.DRAINING, text, retryable=True)


def reader_busy(device: str) -> CallError:
    text = f"{device} has another step under way"
    return CallError.not_started(ErrorCode.BUSY, text, retryable=True)


def not_idle(device: str) -> CallError:
    text = f"{device} is not idle, or a payment waits for a reader: it goes first"
    return CallError.not_started(ErrorCode.BUSY, text, retryable=True)


def gave_way(device: str) -> CallError:
    text = f"{device} gave way to a payment before it was given the key"
    return CallError.not_started(ErrorCode.LEASE_LOST, text, retryable=True)


def does_not_fit(error: CommandInvalidError) -> CallError:
    """The reader cannot be told this; it was told nothing."""
    return CallError.not_started(ErrorCode.INVALID_BODY, str(error), field=f"$.{error.field}")


def not_able(device: str, *abilities: Ability) -> CallError:
    """The lease is of a reader that lacks these abilities; another one may be acquired with one of them."""
    what = " and no ".join(_ABILITIES.get(ability, ability.value) for ability in abilities)
    text = f"reader {device} has no {what}: acquire one with that ability"
    return CallError.not_started(ErrorCode.READER_UNAVAILABLE, text)


def no_key(device: str) -> CallError:
    text = f"reader {device} holds no key: do a key exchange"
    return CallError(ErrorCode.KEY_UNAVAILABLE, text, outcome=Outcome.NOT_STARTED, detail=NO_KEY)


def no_card(device: str) -> CallError:
    text = f"no card was read on {device} under this lease: whose PIN would it be?"
    return CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.lease")


def lease_unknown() -> CallError:
    return CallError.not_started(ErrorCode.LEASE_LOST, "no such lease, or another fencing token: acquire a new one")


def lease_over(why: EndReason) -> CallError:
    """A step is asked for under a lease that has ended."""
    if why is EndReason.DEVICE_LOST:
        return CallError.not_started(ErrorCode.READER_UNAVAILABLE, "the reader was lost, and the lease with it")
    return CallError.not_started(ErrorCode.LEASE_LOST, f"the lease is over ({why})")


def cancelled_waiting() -> CallError:
    return CallError.not_started(ErrorCode.ABORTED, "cancelled while waiting for a reader")


# Something has


def lease_ended(why: EndReason, outcome: Outcome) -> CallError:
    """The lease went in the middle of a step."""
    return CallError(ErrorCode.LEASE_LOST, f"the lease ended in the middle ({why})", outcome=outcome)


def reader_lost(device: str, outcome: Outcome) -> CallError:
    """The line went in the middle of a step."""
    text = f"reader {device} was lost: check cable and power"
    return CallError(ErrorCode.READER_UNAVAILABLE, text, outcome=outcome)


def cancelled() -> CallError:
    return CallError(ErrorCode.ABORTED, "cancelled; the reader is being made ready", outcome=Outcome.FAILED)


def card_timed_out() -> CallError:
    return CallError(ErrorCode.CARD_TIMEOUT, "no card came in time", outcome=Outcome.FAILED)


def card_refused(device: str, refused: CardRefused) -> CallError:
    """The reader ended the reading with a code, which is the `detail`."""
    if refused.code == NO_KEY:
        text = f"reader {device} holds no key: do a key exchange"
        return CallError(ErrorCode.KEY_UNAVAILABLE, text, outcome=Outcome.FAILED, detail=refused.code)
    text = _REFUSALS.get(refused.code, "the reader did not read the card")
    return CallError(ErrorCode.CARD_FAILED, text, outcome=Outcome.FAILED, detail=refused.code)


def entry_refused(device: str, refused: EntryRefused) -> CallError:
    """What a customer was to enter was refused, by him or by the reader; the code is the `detail`."""
    if refused.code == NO_KEY:
        return card_refused(device, CardRefused(NO_KEY))
    text = _REFUSALS.get(refused.code, "the reader took no entry")
    return CallError(ErrorCode.CARD_FAILED, text, outcome=Outcome.FAILED, detail=refused.code)


def entry_timed_out() -> CallError:
    return CallError(ErrorCode.CARD_TIMEOUT, "the customer entered nothing in time", outcome=Outcome.FAILED)


def card_taken() -> CallError:
    text = "the card was taken out before the payment was through"
    return CallError(ErrorCode.CARD_FAILED, text, outcome=Outcome.FAILED)


def step_failed(device: str, failed: Failed, outcome: Outcome) -> CallError:
    """The reader lives, and the step has no result."""
    text = f"reader {device} {_FAILURES[failed.why]}"
    return CallError(ErrorCode.READER_UNAVAILABLE, text, outcome=outcome, detail=failed.detail or None)

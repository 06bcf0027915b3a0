"""When WAIT ends: the sum of what each step may still take by the settings. It shrinks as time passes. Pure."""

from __future__ import annotations

from tpayd.transaction.flow import MAX_READERS
from tpayd.transaction.journal.journal import COMMIT_MAX_S
from tpayd.transaction.order import OnUnknown
from tpayd.transaction.payment import Payment
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.host import HOST_MARGIN_S, KEY_WAIT_S
from tpayd.transaction.steps.leases import RESET_WAIT_S
from tpayd.transaction.steps.pads import DRAW_WAIT_S, ENTRY_MARGIN_S
from tpayd.transaction.steps.reader import READ_MARGIN_S
from tpayd.transaction.verdict import VERDICTS
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Verdict

__all__ = ["LEAST_MS", "Waits"]

LEAST_MS = 500
"""Told where a step takes longer than it may: ask again soon."""


class Waits:
    """How long a payment may have no verdict, from each state on, in seconds."""

    def __init__(self, settings: TransactionSettings) -> None:
        self._turn_s = settings.reader_wait_s + RESET_WAIT_S
        """For a turn at a reader."""
        code_s = settings.card_wait_s + ENTRY_MARGIN_S if settings.simple_pay_accepts_card else 0.0
        self._read_s = 3 * settings.card_wait_s + READ_MARGIN_S + code_s
        decided_s = COMMIT_MAX_S
        finished_s = settings.card_finish_s + decided_s
        exchange_s = settings.answer_wait_s + HOST_MARGIN_S + KEY_WAIT_S
        signed_s = settings.pad_wait_s + settings.signature_wait_s + ENTRY_MARGIN_S + 3 * DRAW_WAIT_S
        questions_s = settings.confirm_wait_s + signed_s
        self._from_s = {
            S.INQUIRING: settings.inquiry_limit_s + exchange_s + decided_s,
            S.AUTHORIZED: finished_s,
            # A commit stands before the sending; and where the key was replaced meanwhile, a question and one more.
            S.SENDING: 2 * COMMIT_MAX_S + KEY_WAIT_S + exchange_s + finished_s,
        }
        self._from_s[S.CARD_READ] = questions_s + 2 * KEY_WAIT_S + self._from_s[S.SENDING]
        self._decided_s = decided_s

    def left_ms(self, payment: Payment, in_state_ms: int) -> int:
        """Milliseconds until the verdict at the latest, of a payment that has been in its state for `in_state_ms`."""
        return max(LEAST_MS, int(self._whole_s(payment) * 1000) - in_state_ms)

    def _whole_s(self, payment: Payment) -> float:
        if VERDICTS[payment.state] is not Verdict.WAIT:
            return self._decided_s
        inquiry_s = self._from_s[S.INQUIRING] if payment.order is not None and _asks_on(payment) else 0.0
        match payment.state:
            case S.CREATED:
                readers = MAX_READERS - len(payment.lost_readers)
                return readers * (self._turn_s + self._read_s) + self._from_s[S.CARD_READ] + inquiry_s
            case S.LEASED:
                others = MAX_READERS - len(payment.lost_readers) - 1
                others_s = others * (self._turn_s + self._read_s)
                return self._read_s + others_s + self._from_s[S.CARD_READ] + inquiry_s
            case S.CARD_READ | S.SENDING:
                return self._from_s[payment.state] + inquiry_s
            case _:
                return self._from_s[payment.state]


def _asks_on(payment: Payment) -> bool:
    """Whether the host is asked on where another payment would be taken back."""
    return payment.ordered.rules.on_unknown is OnUnknown.INQUIRE

"""What the host says in its answers, by what its book says."""

from __future__ import annotations

from datetime import UTC, datetime

from tpayd.crypto.mac import cmac8
from tpayd.hosts import EmvAnswer, Financial
from tpayd.hosts.iso8583 import host_side
from tpayd.kit.clock import Clock
from tpayd.sandbox.host.codes import Code, text_of
from tpayd.sandbox.host.judging import Judged
from tpayd.sandbox.host.ledger import Booked, approval_code
from tpayd.sandbox.host.lookups import Found
from tpayd.sandbox.secrets import PAN_TOKEN_KEY
from tpayd_contracts.payment import EntryMode

__all__ = ["HostTime", "financial_reply", "inquiry_reply"]


class HostTime:
    """This host's own clock, as it is told in answers: `ahead_s` before the machine's."""

    def __init__(self, clock: Clock, ahead_s: int) -> None:
        self._clock = clock
        self._ahead_s = ahead_s
        self._second = -1
        self._told = ""

    def told(self) -> str:
        """UTC, YYYYMMDDhhmmss."""
        second = self._clock.unix_ms() // 1000 + self._ahead_s
        if second != self._second:
            # Writing it costs as much as a MAC: once a second will do.
            self._second, self._told = second, datetime.fromtimestamp(second, UTC).strftime("%Y%m%d%H%M%S")
        return self._told


def financial_reply(booked: Booked, judged: Judged, request: Financial, at: str) -> host_side.FinancialReply:
    """To a 0200. `at`: the host's time."""
    code, card = str(booked.response_code), judged.card
    approved = code == Code.APPROVED
    emv = None
    if request.entry_mode is EntryMode.IC:
        # Stands for the issuer's cryptogram: ARPC (8 bytes) and response code (EMV Book 2, 8.2.1).
        emv = EmvAnswer(arc=code, issuer_data=cmac8(PAN_TOKEN_KEY, request.emv) + code.encode())
    return host_side.FinancialReply(
        response_code=code,
        host_reference=_reference(booked.number),
        approval_code=approval_code(booked.number) if approved else None,
        issuer=card.issuer or None,
        acquirer=card.acquirer or None,
        message=text_of(code),
        emv=emv,
        balance_minor=judged.balance_minor if approved else None,
        at=at,
    )


def inquiry_reply(found: Found | None, merchant_id: str, at: str) -> host_side.InquiryReply:
    """To a 0600 of a merchant about what the book has, or has not. `at`: the host's time."""
    if found is None:
        return host_side.InquiryReply(response_code=Code.ORIGINAL_NOT_FOUND, at=at)
    if found.merchant_id != merchant_id:
        return host_side.InquiryReply(response_code=Code.OTHER_MERCHANT, at=at)
    if not found.stands:
        code = Code.INVALID if found.reversed else found.response_code
        return host_side.InquiryReply(response_code=code, at=at)
    return host_side.InquiryReply(
        response_code=Code.APPROVED, amount_minor=found.amount_minor, approval_code=approval_code(found.number),
        host_reference=_reference(found.number), voided_minor=found.voided_minor, message=text_of(Code.APPROVED), at=at,
    )  # fmt: skip


def _reference(number: int) -> str:
    """DE 37: the host's own number of the booking."""
    return f"SBX{number:09d}"

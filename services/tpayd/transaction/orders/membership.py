"""Reads a membership card for a POS. No payment: nothing is journalled, and the number is handed on and forgotten."""

from __future__ import annotations

import uuid

from tpayd.kit.bus import CallError, Request
from tpayd.transaction.steps.leases import Leases
from tpayd.transaction.steps.reader import ReaderSteps
from tpayd_contracts.device import Ability, AcquireLease, TransactionType
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.orders import MembershipCard, MembershipRequest

__all__ = ["MembershipDesk"]


class MembershipDesk:
    """Has membership cards read."""

    def __init__(self, readers: ReaderSteps, leases: Leases) -> None:
        self._readers = readers
        self._leases = leases

    async def read(self, request: Request, wanted: MembershipRequest) -> MembershipCard:
        """Wait for a reader and the card. Raises CallError as the device broker has it."""
        await self._leases.reset_once()
        wish = AcquireLease(lane=wanted.lane, payment_id=f"membership-{uuid.uuid4()}", abilities=(Ability.IC,))
        taking = self._readers.take(
            wish, TransactionType.MEMBERSHIP, 0, request.progress, self._leases.give_back, trace=request.trace
        )
        lease = await taking.lease()
        self._leases.hold(lease)
        try:
            card = await taking.card()
        finally:
            self._leases.give_back(lease)
        if card.membership_number is None:
            raise CallError(ErrorCode.CARD_FAILED, "the card is no membership card", outcome=Outcome.FAILED)
        return MembershipCard(card.membership_number)

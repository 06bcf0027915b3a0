"""The same format from the host's chair: requests to typed values, typed answers to bytes; the sandbox uses it."""

from __future__ import annotations

from tpayd.hosts.iso8583.host_replies import (
    FinancialReply,
    InquiryReply,
    NetworkReply,
    reply_financial,
    reply_inquiry,
    reply_network,
    reply_reconciliation,
    reply_reversal,
)
from tpayd.hosts.iso8583.host_requests import Received, read

__all__ = [
    "FinancialReply",
    "InquiryReply",
    "NetworkReply",
    "Received",
    "read",
    "reply_financial",
    "reply_inquiry",
    "reply_network",
    "reply_reconciliation",
    "reply_reversal",
]

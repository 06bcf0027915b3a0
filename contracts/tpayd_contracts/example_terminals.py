"""An example of every message about terminals and merchants, and of payments without a POS."""

from __future__ import annotations

from tpayd_contracts import orders, standalone, terminal
from tpayd_contracts.example_payments import AMOUNT, AT_MS, PAYMENTS, Example
from tpayd_contracts.operation import Empty

__all__ = ["TERMINALS"]

_BUSINESS_NUMBER = "1048658278"
_MERCHANT = terminal.Merchant(
    terminal_id="TPAY0001",
    business_number=_BUSINESS_NUMBER,
    name="Corner Shop",
    representative="Kim Sandbox",
    address="1 Sejong-daero, Seoul",
    tel="02-120",
    downloaded_at_ms=AT_MS,
)


def _terminal(terminal_id: str) -> terminal.Terminal:
    return terminal.Terminal(terminal_id=terminal_id, business_number=_BUSINESS_NUMBER, opened_at_ms=AT_MS)


def _list(staged: terminal.StagedTerminals | None = None) -> terminal.TerminalList:
    return terminal.TerminalList(
        profile="test",
        terminals=(_terminal("TPAY0001"),),
        terminals_max=terminal.TERMINALS_MAX,
        fraud_cancel_prevention=True,
        refused=("TPAY0002",),
        staged=staged,
    )


_STAGED = _list(
    terminal.StagedTerminals(opened=(_terminal("TPAY0002"),), deleted=("TPAY0001",), by="cli", ends_in_ms=600_000)
)

TERMINALS: dict[str, Example] = {
    terminal.TERMINAL_OPEN.name: Example(
        terminal.OpenTerminals(business_number=_BUSINESS_NUMBER, terminal_ids=("TPAY0002", "TPAY0003")),
        terminal.OpenedTerminals(
            openings=(
                terminal.Opening(terminal_id="TPAY0002", opened=True, text="opened by the host, staged"),
                terminal.Opening(
                    terminal_id="TPAY0003", opened=False, text="the host refuses it with code 58", code="58"
                ),
            ),
            list=_STAGED,
            warnings=("no lane of this store has terminal TPAY0003",),
        ),
    ),
    terminal.TERMINAL_LIST.name: Example(Empty(), _list()),
    terminal.TERMINAL_STAGE_DELETE.name: Example(terminal.DeleteTerminals(terminal_ids=("TPAY0001",)), _STAGED),
    terminal.TERMINAL_COMMIT.name: Example(Empty(), _list()),
    terminal.TERMINAL_DISCARD.name: Example(Empty(), _list()),
    terminal.MERCHANT_DOWNLOAD.name: Example(
        terminal.DownloadMerchant(business_number=_BUSINESS_NUMBER, terminal_id="TPAY0001"),
        terminal.DownloadedMerchant(merchant=_MERCHANT),
    ),
    terminal.MERCHANT_LIST.name: Example(Empty(), terminal.MerchantList(merchants=(_MERCHANT,), standalone=True)),
    terminal.PREVENTION_SET.name: Example(terminal.SetPrevention(on=False, password="correct horse"), _list()),  # noqa: S106 (no password)
    standalone.STANDALONE_SHOW.name: Example(
        standalone.StandaloneQuery(lane="1"),
        standalone.StandaloneTerminal(lane="1", terminal_id="TPAY0001", merchant=_MERCHANT),
    ),
    standalone.STANDALONE_SALE.name: Example(
        standalone.StandaloneSaleRequest(lane="1", amount=AMOUNT),
        PAYMENTS[orders.SALE.name].reply,
        PAYMENTS[orders.SALE.name].progress,
    ),
    standalone.STANDALONE_CASH_RECEIPT.name: Example(
        standalone.StandaloneCashReceiptRequest("1", AMOUNT, orders.CashReceiptPurpose.SELF_ISSUE),
        PAYMENTS[orders.CASH_RECEIPT_ISSUE.name].reply,
        PAYMENTS[orders.CASH_RECEIPT_ISSUE.name].progress,
    ),
    terminal.PASSWORD_SET.name: Example(terminal.SetPassword(new="battery staple", old="correct horse"), Empty()),
}

"""One of each message, and ways to make any."""

from __future__ import annotations

import calendar
from datetime import date

from hypothesis import strategies as st

from tpayd.hosts import (
    Echo,
    EmvAnswer,
    Financial,
    HostTotals,
    Inquiry,
    Kind,
    MerchantDownload,
    NetworkMessage,
    OpenTerminal,
    Original,
    ReaderKeyExchange,
    Reconciliation,
    Reversal,
    ReversalReason,
    SignOff,
    SignOn,
    TerminalKeyExchange,
)
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import CardNetwork, CashReceiptPurpose, CashReceiptVoidReason
from tpayd_contracts.payment import EntryMode

TODAY = date(2026, 3, 14)
KSN = bytes.fromhex("0102030405060708000000AB")
MAC = bytes.fromhex("F0F1F2F3F4F5F6F7")

SALE = Financial(
    terminal_id="TPAY0001",
    merchant_id="TPAYDSHOP000001",
    stan="000042",
    local="20260314150926",
    business_day="20260314",
    amount=Amount(total_minor=11_000, vat_minor=1_000),
    installments=3,
    entry_mode=EntryMode.IC,
    ksn=bytes.fromhex("A1A2A3A4A5A6A7A800000001"),
    cipher=bytes(range(48)),
    emv=bytes.fromhex("9F2608112233445566778895050000008000"),
    reference="영수증 7",
)

REVERSAL = Reversal(
    terminal_id="TPAY0001",
    merchant_id="TPAYDSHOP000001",
    stan="000043",
    local="20260314151000",
    business_day="20260314",
    amount_minor=11_000,
    original=Original(stan="000042", local="20260314150926"),
    reason=ReversalReason.NO_ANSWER,
)

VOID = Financial(
    kind=Kind.VOID,
    terminal_id="TPAY0001",
    merchant_id="TPAYDSHOP000001",
    stan="000044",
    local="20260314151100",
    business_day="20260314",
    amount=Amount(total_minor=11_000, vat_minor=1_000),
    original=Original(stan="000042", local="20260314150926"),
)

INQUIRY = Inquiry(
    terminal_id="TPAY0001",
    merchant_id="TPAYDSHOP000001",
    stan="000045",
    local="20260314151200",
    business_day="20260314",
    original=Original(stan="000042", local="20260314150926"),
)

TOTALS = HostTotals(
    sales_count=12,
    sales_minor=1_234_000,
    voids_count=1,
    voids_minor=34_000,
    reversals_count=2,
    reversals_minor=50_000,
    cash_receipts_count=3,
    cash_receipts_minor=90_000,
    cash_receipt_voids_count=1,
    cash_receipt_voids_minor=30_000,
)

RECONCILIATION = Reconciliation(
    terminal_id="TPAY0001",
    merchant_id="TPAYDSHOP000001",
    stan="000046",
    local="20260314235000",
    business_day="20260314",
    totals=TOTALS,
)

SIGN_ON = SignOn(terminal_id="TPAYLINK", stan="000001", local="20260314090000")

EMV_ANSWER = EmvAnswer(arc="00", issuer_data=bytes(range(10)), scripts=bytes.fromhex("72049F180100"))


def digits(size: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=size, max_size=size)


terminal_ids = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=8, max_size=8)


@st.composite
def locals_near_today(draw: st.DrawFn) -> str:
    """Within five months of TODAY: what the nearest year brings back."""
    month = draw(st.sampled_from([(2025, 11), (2025, 12), (2026, 1), (2026, 2), (2026, 3), (2026, 7)]))
    day = draw(st.integers(1, calendar.monthrange(*month)[1]))
    clock = draw(st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59)))
    return f"{month[0]:04d}{month[1]:02d}{day:02d}" + "".join(f"{part:02d}" for part in clock)


@st.composite
def amounts(draw: st.DrawFn) -> Amount:
    """With all parts given, as the host reads them back."""
    supply, vat, service, free = (draw(st.integers(0, 2_000_000_000)) for _ in range(4))
    supply += supply + vat + service + free == 0
    return Amount(
        total_minor=supply + vat + service + free,
        supply_minor=supply,
        vat_minor=vat,
        service_charge_minor=service,
        tax_free_minor=free,
    )


@st.composite
def originals(draw: st.DrawFn, *, by_number: bool | None = None) -> Original:
    """By STAN and time, or as a receipt shows it; the rest of it or not."""
    numbered = draw(st.booleans()) if by_number is None else by_number
    shown = draw(st.booleans()) or not numbered
    return Original(
        stan=draw(digits(6)) if numbered else None,
        local=draw(locals_near_today()) if numbered else None,
        approval_code=draw(st.text("ABC0123456789", min_size=1, max_size=6)) if shown else None,
        business_day=draw(locals_near_today())[:8] if shown else None,
        amount_minor=draw(st.integers(1, 9_999_999_999)) if shown else None,
        terminal_id=draw(st.none() | terminal_ids),
    )


def ksns() -> st.SearchStrategy[bytes]:
    return st.binary(min_size=12, max_size=12)


@st.composite
def financials(draw: st.DrawFn, kinds: st.SearchStrategy[Kind] | None = None) -> Financial:
    """A request of any kind, with what its kind needs and any of what it may have."""
    kind = draw(kinds or st.sampled_from(Kind))
    local = draw(locals_near_today())
    receipt = kind is Kind.CASH_RECEIPT
    gives_back = kind in (Kind.VOID, Kind.SIMPLE_PAY_VOID, Kind.CASH_RECEIPT_VOID)
    card = not gives_back or draw(st.booleans())
    pin = draw(st.booleans())
    return Financial(
        kind=kind,
        terminal_id=draw(terminal_ids),
        merchant_id=draw(st.text("ABC0123456789", min_size=1, max_size=15)),
        stan=draw(digits(6)),
        local=local,
        business_day=local[:8],
        amount=None if kind is Kind.CASH_IC_BALANCE else draw(amounts()),
        installments=draw(st.integers(0, 60)),
        network=draw(st.sampled_from(CardNetwork)),
        entry_mode=draw(st.sampled_from(EntryMode)) if card else None,
        ksn=draw(ksns()) if card else b"",
        cipher=draw(st.binary(min_size=1, max_size=576)) if card else b"",
        terminal_cipher=draw(st.booleans()) if card else False,
        pin_ksn=draw(ksns()) if pin else b"",
        pin_block=draw(st.binary(min_size=16, max_size=16)) if pin else b"",
        emv=draw(st.binary(max_size=255)),
        fallback_code=draw(st.none() | digits(2)),
        signature=draw(st.binary(max_size=999)),
        original=draw(originals()) if gives_back or kind is Kind.CASH_IC_REFUND else None,
        purpose=draw(st.sampled_from(CashReceiptPurpose)) if receipt else None,
        void_reason=draw(st.sampled_from(CashReceiptVoidReason)) if kind is Kind.CASH_RECEIPT_VOID else None,
        provider=draw(st.text("abcxyz_-0123", min_size=1, max_size=16).filter(lambda name: name.strip("_-")))
        if kind is Kind.SIMPLE_PAY
        else None,
        reference=draw(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=64)),
    )


def sales() -> st.SearchStrategy[Financial]:
    return financials(st.just(Kind.SALE))


@st.composite
def reversals(draw: st.DrawFn) -> Reversal:
    local = draw(locals_near_today())
    return Reversal(
        kind=draw(st.sampled_from(Kind)),
        terminal_id=draw(terminal_ids),
        merchant_id=draw(st.text("ABC0123456789", min_size=1, max_size=15)),
        stan=draw(digits(6)),
        local=local,
        business_day=local[:8],
        amount_minor=draw(st.integers(1, 9_999_999_999)),
        original=Original(stan=draw(digits(6)), local=draw(locals_near_today())),
        reason=draw(st.sampled_from(ReversalReason)),
        repeat=draw(st.booleans()),
    )


@st.composite
def inquiries(draw: st.DrawFn) -> Inquiry:
    local = draw(locals_near_today())
    return Inquiry(
        terminal_id=draw(terminal_ids),
        merchant_id=draw(st.text("ABC0123456789", min_size=1, max_size=15)),
        stan=draw(digits(6)),
        local=local,
        business_day=local[:8],
        original=draw(originals()),
    )


totals = st.builds(
    HostTotals,
    **{
        f"{what}_{unit}": st.integers(0, 10**10 - 1)
        for what in ("sales", "voids", "reversals", "cash_receipts", "cash_receipt_voids")
        for unit in ("count", "minor")
    },
)


@st.composite
def reconciliations(draw: st.DrawFn) -> Reconciliation:
    local = draw(locals_near_today())
    return Reconciliation(
        terminal_id=draw(terminal_ids),
        merchant_id=draw(st.text("ABC0123456789", min_size=1, max_size=15)),
        stan=draw(digits(6)),
        local=local,
        business_day=draw(locals_near_today())[:8],
        totals=draw(totals),
    )


@st.composite
def network_messages(draw: st.DrawFn) -> NetworkMessage:
    terminal_id, stan, local = draw(terminal_ids), draw(digits(6)), draw(locals_near_today())
    blob = draw(st.binary(min_size=1, max_size=256))
    business_number = draw(digits(10))
    choices: list[NetworkMessage] = [
        OpenTerminal(terminal_id=terminal_id, stan=stan, local=local, business_number=business_number),
        MerchantDownload(terminal_id=terminal_id, stan=stan, local=local, business_number=business_number),
        SignOn(terminal_id=terminal_id, stan=stan, local=local),
        SignOff(terminal_id=terminal_id, stan=stan, local=local),
        Echo(terminal_id=terminal_id, stan=stan, local=local),
        TerminalKeyExchange(terminal_id=terminal_id, stan=stan, local=local, blob=blob),
        ReaderKeyExchange(terminal_id=terminal_id, stan=stan, local=local, blob=blob),
    ]
    return draw(st.sampled_from(choices))

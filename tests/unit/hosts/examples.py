"""One of each message, and ways to make any."""

from __future__ import annotations

import calendar
from datetime import date

from hypothesis import strategies as st

from tpayd.hosts import (
    Echo,
    EmvAnswer,
    Financial,
    NetworkMessage,
    Original,
    ReaderKeyExchange,
    Reversal,
    ReversalReason,
    SignOff,
    SignOn,
    TerminalKeyExchange,
)
from tpayd_contracts.money import Amount
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
def sales(draw: st.DrawFn) -> Financial:
    local = draw(locals_near_today())
    return Financial(
        terminal_id=draw(terminal_ids),
        merchant_id=draw(st.text("ABC0123456789", min_size=1, max_size=15)),
        stan=draw(digits(6)),
        local=local,
        business_day=local[:8],
        amount=draw(amounts()),
        installments=draw(st.integers(0, 60)),
        entry_mode=draw(st.sampled_from(EntryMode)),
        ksn=draw(st.binary(min_size=12, max_size=12)),
        cipher=draw(st.binary(min_size=1, max_size=64)),
        emv=draw(st.binary(max_size=255)),
        fallback_code=draw(st.none() | digits(2)),
        reference=draw(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=64)),
    )


@st.composite
def reversals(draw: st.DrawFn) -> Reversal:
    local = draw(locals_near_today())
    return Reversal(
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
def network_messages(draw: st.DrawFn) -> NetworkMessage:
    terminal_id, stan, local = draw(terminal_ids), draw(digits(6)), draw(locals_near_today())
    blob = draw(st.binary(min_size=1, max_size=256))
    choices: list[NetworkMessage] = [
        SignOn(terminal_id=terminal_id, stan=stan, local=local),
        SignOff(terminal_id=terminal_id, stan=stan, local=local),
        Echo(terminal_id=terminal_id, stan=stan, local=local),
        TerminalKeyExchange(terminal_id=terminal_id, stan=stan, local=local, blob=blob),
        ReaderKeyExchange(terminal_id=terminal_id, stan=stan, local=local, blob=blob),
    ]
    return draw(st.sampled_from(choices))

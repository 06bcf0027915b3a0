"""A receipt as lines of text: 42 columns, as the narrowest receipt printers have them. Pure.

A Hangul syllable, like every wide character of Unicode's East Asian Width (UAX #11), takes two columns. What a receipt
has to show of a card is its mask; the expiry date is hidden (PCI DSS 4.0.1, 3.4.1).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from tpayd_contracts.payment import EntryMode, PaymentKind
from tpayd_contracts.records import Language, ReceiptCopy, ReceiptSheet

__all__ = ["COLUMNS", "columns_of", "lines_of"]

COLUMNS = 42

_RULE = "-" * COLUMNS
_HIDDEN_EXPIRY = "**/**"
_MIN_GAP = 1

_TITLES: dict[PaymentKind, tuple[str, str]] = {
    PaymentKind.SALE: ("카드매출전표", "CARD SALES SLIP"),
    PaymentKind.VOID: ("카드매출취소전표", "CARD SALES SLIP - VOID"),
    PaymentKind.CASH_RECEIPT: ("현금영수증", "CASH RECEIPT"),
    PaymentKind.CASH_RECEIPT_VOID: ("현금영수증 취소", "CASH RECEIPT - VOID"),
    PaymentKind.CASH_IC_SALE: ("현금IC카드 매출전표", "CASH-IC SALES SLIP"),
    PaymentKind.CASH_IC_REFUND: ("현금IC카드 환불전표", "CASH-IC REFUND SLIP"),
    PaymentKind.CASH_IC_BALANCE: ("현금IC카드 잔액조회", "CASH-IC BALANCE"),
    PaymentKind.SIMPLE_PAY: ("간편결제 매출전표", "SIMPLE PAY SALES SLIP"),
    PaymentKind.SIMPLE_PAY_VOID: ("간편결제 취소전표", "SIMPLE PAY SLIP - VOID"),
}
_COPIES: dict[ReceiptCopy, tuple[str, str]] = {
    ReceiptCopy.CUSTOMER: ("고객용", "CUSTOMER COPY"),
    ReceiptCopy.MERCHANT: ("가맹점용", "MERCHANT COPY"),
}
_ENTRIES: dict[EntryMode, tuple[str, str]] = {
    EntryMode.IC: ("IC", "IC"),
    EntryMode.CONTACTLESS: ("비접촉", "contactless"),
    EntryMode.STRIPE: ("MS", "stripe"),
    EntryMode.FALLBACK: ("FALLBACK", "fallback"),
    EntryMode.KEYED: ("입력", "keyed"),
    EntryMode.BARCODE: ("바코드", "barcode"),
}
_PURPOSES: dict[str, tuple[str, str]] = {
    "deduction": ("소득공제", "income deduction"),
    "expense": ("지출증빙", "business expense"),
    "self_issue": ("자진발급", "issued unasked"),
}
_EMV_NAMES = {"84": "AID", "50": "APPL", "95": "TVR", "9F26": "TC"}
_NOT_A_CARD = frozenset({PaymentKind.CASH_RECEIPT, PaymentKind.CASH_RECEIPT_VOID, PaymentKind.SIMPLE_PAY})


def columns_of(text: str) -> int:
    """How many columns a printer with a Korean character set needs for it."""
    return sum(_width(letter) for letter in text)


def lines_of(sheet: ReceiptSheet) -> tuple[str, ...]:
    """The receipt's text, top to bottom. `sheet.lines` is not looked at."""
    return tuple(_Text(sheet).lines())


class _Text:
    """One receipt in one language."""

    def __init__(self, sheet: ReceiptSheet) -> None:
        self._sheet = sheet
        self._index = 0 if sheet.language is Language.KO else 1

    def lines(self) -> Iterator[str]:
        sheet = self._sheet
        yield _centred(self._of(_TITLES[sheet.kind]))
        copy = self._of(_COPIES[sheet.copy])
        yield _centred(f"[{copy}] {self._say('(재발행)', '(REPRINT)')}" if sheet.reprint else f"[{copy}]")
        for part in (self._merchant(), self._instrument(), self._amounts(), self._approval(), self._emv()):
            lines = list(part)
            if lines:
                yield _RULE
                yield from lines
        yield _RULE

    def _merchant(self) -> Iterator[str]:
        merchant = self._sheet.merchant
        yield from self._pair("상호", "Merchant", merchant.name)
        yield from self._pair("사업자번호", "Business no.", _dashed(merchant.business_number))
        yield from self._pair("대표자", "Representative", merchant.representative)
        yield from self._pair("전화", "Tel", merchant.tel)
        yield from self._pair("주소", "Address", merchant.address)
        yield from self._pair("가맹점번호", "Merchant no.", merchant.id)
        yield from self._pair("단말기번호", "Terminal", self._sheet.terminal_id)

    def _instrument(self) -> Iterator[str]:
        sheet, card = self._sheet, self._sheet.card
        if sheet.purpose is not None:
            yield from self._pair("거래구분", "Purpose", self._of(_PURPOSES.get(sheet.purpose, (sheet.purpose,) * 2)))
        if card is None:
            return
        entry = self._of(_ENTRIES[card.entry_mode])
        if sheet.kind in _NOT_A_CARD:
            yield from self._pair("식별번호", "Identity", f"{card.masked_pan} ({entry})")
            return
        yield from self._pair("카드종류", "Card", card.label or "")
        yield from self._pair("카드번호", "Card no.", f"{card.masked_pan} ({entry})")
        yield from self._pair("유효기간", "Expiry", _HIDDEN_EXPIRY)
        yield from self._pair("발급사", "Issuer", card.issuer or "")
        yield from self._pair("매입사", "Acquirer", card.acquirer or "")
        if sheet.kind in (PaymentKind.SALE, PaymentKind.VOID):
            yield from self._pair("할부", "Installments", self._installments(sheet.installments))

    def _amounts(self) -> Iterator[str]:
        amounts = self._sheet.amounts
        yield from self._pair("공급가액", "Supply value", self._money(amounts.supply_minor))
        yield from self._pair("부가세", "VAT", self._money(amounts.vat_minor))
        for ko, en, minor in (
            ("봉사료", "Service charge", amounts.service_charge_minor),
            ("면세금액", "Tax-free", amounts.tax_free_minor),
        ):
            if minor:
                yield from self._pair(ko, en, self._money(minor))
        yield from self._pair("합계", "TOTAL", self._money(amounts.total_minor))
        if self._sheet.voided_minor:
            yield from self._pair("취소된 금액", "Voided since", self._money(-self._sheet.voided_minor))

    def _approval(self) -> Iterator[str]:
        sheet = self._sheet
        yield from self._pair("승인번호", "Approval no.", sheet.approval_code)
        yield from self._pair("승인일시", "Approved at", sheet.approved_at[:19].replace("T", " "))
        if sheet.original is not None:
            yield from self._pair("원승인번호", "Original no.", sheet.original.approval_code or "")
            yield from self._pair("원거래일", "Original date", _day(sheet.original.approved_on))
        yield from self._pair("전표번호", "Reference", sheet.reference or "")

    def _emv(self) -> Iterator[str]:
        for tag, name in _EMV_NAMES.items():
            if tag in self._sheet.emv:
                yield from _pair(name, self._sheet.emv[tag])

    def _installments(self, months: int) -> str:
        if months == 0:
            return self._say("일시불", "lump sum")
        return self._say(f"{months:02d}개월", f"{months} months")

    def _money(self, minor: int) -> str:
        return self._say(f"{minor:,}원", f"{minor:,} won")

    def _pair(self, ko: str, en: str, value: str) -> Iterator[str]:
        if value:
            yield from _pair(self._say(ko, en), value)

    def _say(self, ko: str, en: str) -> str:
        return (ko, en)[self._index]

    def _of(self, both: tuple[str, ...]) -> str:
        return both[self._index]


def _pair(label: str, value: str) -> Iterator[str]:
    """Label on the left, value on the right; a value that does not fit beside it goes below, in as many lines."""
    value = _printable(value)
    gap = COLUMNS - columns_of(label) - columns_of(value)
    if gap >= _MIN_GAP:
        yield label + " " * gap + value
        return
    yield label
    for part in _wrapped(value, COLUMNS - 2):
        yield "  " + part


def _centred(text: str) -> str:
    return " " * max(0, (COLUMNS - columns_of(text)) // 2) + text


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Cut at the last blank that fits, within a word where there is none."""
    while columns_of(text) > width:
        used = end = 0
        while used + _width(text[end]) <= width:
            used += _width(text[end])
            end += 1
        blank = text.rfind(" ", 1, end + 1)
        cut = blank if blank > 0 else end
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    yield text


def _printable(text: str) -> str:
    """One line, with syllables in one piece: a decomposed one would count as its parts."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join("?" if unicodedata.category(letter).startswith("C") else letter for letter in composed)


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _dashed(business_number: str) -> str:
    digits = business_number.replace("-", "")
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}" if len(digits) == 10 else business_number


def _day(day: str | None) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day is not None and len(day) == 8 else day or ""

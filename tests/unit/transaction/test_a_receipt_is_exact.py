"""A receipt's text is exact to the column: 42 of them, Hangul counting two, and nothing of a card but its mask."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tpayd.transaction.records.receipt_text import COLUMNS, columns_of, lines_of
from tpayd_contracts.payment import CardSummary, EntryMode, PaymentKind
from tpayd_contracts.records import (
    Language,
    OriginalOnReceipt,
    ReceiptAmounts,
    ReceiptCopy,
    ReceiptMerchant,
    ReceiptSheet,
)

SALE = ReceiptSheet(
    lane="1",
    request_id="22222222-2222-4222-8222-222222222222",
    kind=PaymentKind.SALE,
    copy=ReceiptCopy.CUSTOMER,
    language=Language.KO,
    reprint=False,
    prints=1,
    merchant=ReceiptMerchant(
        id="TPAYDSANDBOX001", name="구석 상점", business_number="1048658278", tel="02-123-4567",
        address="서울특별시 강남구 테헤란로 123 코너빌딩 지하 1층 101호",
    ),
    terminal_id="TPAY0001",
    amounts=ReceiptAmounts(total_minor=57_000, supply_minor=45_000, vat_minor=4_500, service_charge_minor=5_000,
                           tax_free_minor=2_500),
    approval_code="30215512",
    approved_at="2026-03-02T10:15:30+09:00",
    lines=(),
    installments=3,
    card=CardSummary(
        masked_pan="476173******0119", entry_mode=EntryMode.IC, label="VISA CREDIT",
        issuer="국민카드", acquirer="비씨카드",
    ),
    reference="R-2026-0001",
    emv={"84": "A0000000031010", "95": "0080008000", "9F26": "1122334455667788"},
)  # fmt: skip

KOREAN = """\
               카드매출전표
                 [고객용]
------------------------------------------
상호                             구석 상점
사업자번호                    104-86-58278
전화                           02-123-4567
주소
  서울특별시 강남구 테헤란로 123 코너빌딩
  지하 1층 101호
가맹점번호                 TPAYDSANDBOX001
단말기번호                        TPAY0001
------------------------------------------
카드종류                       VISA CREDIT
카드번호             476173******0119 (IC)
유효기간                             **/**
발급사                            국민카드
매입사                            비씨카드
할부                                03개월
------------------------------------------
공급가액                          45,000원
부가세                             4,500원
봉사료                             5,000원
면세금액                           2,500원
합계                              57,000원
------------------------------------------
승인번호                          30215512
승인일시               2026-03-02 10:15:30
전표번호                       R-2026-0001
------------------------------------------
AID                         A0000000031010
TVR                             0080008000
TC                        1122334455667788
------------------------------------------"""

ENGLISH_VOID = """\
          CARD SALES SLIP - VOID
        [MERCHANT COPY] (REPRINT)
------------------------------------------
Merchant                       Corner Shop
Business no.                  104-86-58278
Merchant no.               TPAYDSANDBOX001
Terminal                          TPAY0001
------------------------------------------
Card no.    476173******0119 (contactless)
Expiry                               **/**
Installments                      lump sum
------------------------------------------
Supply value                   -10,000 won
VAT                             -1,000 won
TOTAL                          -11,000 won
------------------------------------------
Approval no.                      30215599
Approved at            2026-03-03 09:00:00
Original no.                      30215512
Original date                   2026-03-02
------------------------------------------"""

VOID = replace(
    SALE,
    kind=PaymentKind.VOID,
    copy=ReceiptCopy.MERCHANT,
    language=Language.EN,
    reprint=True,
    prints=2,
    merchant=ReceiptMerchant(id="TPAYDSANDBOX001", name="Corner Shop", business_number="104-86-58278"),
    amounts=ReceiptAmounts(total_minor=-11_000, supply_minor=-10_000, vat_minor=-1_000),
    approval_code="30215599",
    approved_at="2026-03-03T09:00:00+09:00",
    installments=0,
    card=CardSummary(masked_pan="476173******0119", entry_mode=EntryMode.CONTACTLESS),
    original=OriginalOnReceipt(approval_code="30215512", approved_on="20260302"),
    reference=None,
    emv={},
)

CASH_RECEIPT = """\
                현금영수증
            [고객용] (재발행)
------------------------------------------
상호                             구석 상점
사업자번호                    104-86-58278
가맹점번호                 TPAYDSANDBOX001
단말기번호                        TPAY0001
------------------------------------------
거래구분                          소득공제
식별번호                010*****678 (입력)
------------------------------------------
공급가액                          10,000원
부가세                             1,000원
합계                              11,000원
취소된 금액                      -11,000원
------------------------------------------
승인번호                         G12345678
승인일시               2026-03-02 10:15:30
------------------------------------------"""


def text(sheet: ReceiptSheet) -> str:
    return "\n".join(lines_of(sheet))


def test_a_card_sale_in_korean() -> None:
    """All parts of the amount, installments, card, EMV data; a long address wraps at a blank."""
    assert text(SALE) == KOREAN


def test_a_void_in_english_names_its_original() -> None:
    """Money that goes back is negative; a second print says that it is one; what is not known is left out."""
    assert text(VOID) == ENGLISH_VOID


def test_a_cash_receipt_shows_its_purpose_and_the_masked_number() -> None:
    """No card block; what was taken back since is shown."""
    sheet = replace(
        SALE,
        kind=PaymentKind.CASH_RECEIPT,
        reprint=True,
        merchant=ReceiptMerchant(id="TPAYDSANDBOX001", name="구석 상점", business_number="1048658278"),
        amounts=ReceiptAmounts(total_minor=11_000, supply_minor=10_000, vat_minor=1_000),
        approval_code="G12345678",
        purpose="deduction",
        card=CardSummary(masked_pan="010*****678", entry_mode=EntryMode.KEYED),
        voided_minor=11_000,
        reference=None,
        emv={},
    )
    assert text(sheet) == CASH_RECEIPT


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("copy", ReceiptCopy)
@pytest.mark.parametrize("kind", PaymentKind)
def test_no_line_is_wider_than_the_paper(kind: PaymentKind, copy: ReceiptCopy, language: Language) -> None:
    """For every kind and language, whatever a name holds: long words, wide letters, syllables in parts, controls."""
    for name in (
        "가" * 60,
        "W" * 99,
        "\u1112\u1161\u11ab" * 40,
        "a\x00\x1b[31mb\n" * 9,
        "한글 and Latin " * 6,
        "👍" * 30,
    ):
        merchant = replace(SALE.merchant, name=name, address=name, representative=name)
        lines = lines_of(replace(SALE, kind=kind, copy=copy, language=language, merchant=merchant, reference=name))
        assert all(columns_of(line) <= COLUMNS for line in lines)
        assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("letters", "columns"), [("", 0), ("abc", 3), ("한글", 4), ("한a", 3), ("ｱ", 1), ("Ａ", 2), ("e\u0301", 1)]
)
def test_a_wide_letter_takes_two_columns(letters: str, columns: int) -> None:
    """Unicode's East Asian Width (UAX #11)."""
    assert columns == columns_of(letters)

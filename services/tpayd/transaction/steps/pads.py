"""What a pad shows a customer, and how long its entries may take.

A text is at most 4 lines of 16 bytes each in EUC-KR, where a Korean syllable takes two.
"""

from __future__ import annotations

import enum

__all__ = ["DRAW_WAIT_S", "ENTRY_MARGIN_S", "PAD_LINES_MAX", "PAD_LINE_BYTES", "PadLanguage", "PadText", "pad_lines"]

PAD_LINES_MAX = 4
PAD_LINE_BYTES = 16
ENTRY_MARGIN_S = 5.0
"""What an entry gets beyond the customer's own time, so that the device broker's clear error arrives first."""
DRAW_WAIT_S = 2.0
"""For what the device broker answers by itself: a signature that is drawn, a card that is looked for."""


class PadLanguage(enum.StrEnum):
    """In which language pads speak."""

    KO = "ko"
    EN = "en"
    BOTH = "both"
    """Korean above English."""


class PadText(enum.Enum):
    """A text for a pad: its lines in Korean, and in English."""

    SIGN = ("서명해 주십시오",), ("Please sign",)
    RECEIPT_NUMBER = ("현금영수증 번호", "입력 후 확인"), ("Receipt number", "then press OK")
    NUMBER = ("번호 입력 후", "확인을 누르세요"), ("Enter number", "then press OK")


def pad_lines(text: PadText, language: PadLanguage) -> tuple[str, ...]:
    """The lines as a pad is to show them."""
    korean: tuple[str, ...]
    english: tuple[str, ...]
    korean, english = text.value
    match language:
        case PadLanguage.KO:
            return korean
        case PadLanguage.EN:
            return english
        case PadLanguage.BOTH:
            return (*korean, *english)

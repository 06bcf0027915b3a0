"""Response codes (DE 39) that the sandbox's host gives by itself, and what it says to the cashier."""

from __future__ import annotations

import enum

__all__ = ["Code", "text_of"]


class Code(enum.StrEnum):
    """ISO 8583:1987 response codes."""

    APPROVED = "00"
    INVALID = "12"
    """The sale has been reversed, before it came or after."""
    INVALID_AMOUNT = "13"
    """A reversal of another amount than its original's."""
    NO_SUCH_CARD = "14"
    ORIGINAL_NOT_FOUND = "25"
    EXPIRED_CARD = "54"
    NOT_GENUINE = "63"
    """MAC, card data or key exchange do not hold under the keys that this host gave out."""
    DUPLICATE = "94"
    """The terminal used this STAN today for something else."""


_TEXTS = {
    "00": "모의승인 (SANDBOX: no real money)",
    "05": "모의거절: 카드사 문의",
    "12": "모의거절: 이미 취소된 거래",
    "14": "모의거절: 카드번호 오류",
    "41": "모의거절: 분실카드",
    "51": "모의거절: 잔액부족",
    "54": "모의거절: 유효기간 경과",
    "61": "모의거절: 한도초과",
    "63": "모의거절: 보안오류 (키 교환 필요)",
    "94": "모의거절: 중복 전문번호",
}


def text_of(code: str) -> str:
    """The host's sentence for the cashier. It says that this is the sandbox."""
    return _TEXTS.get(code, f"모의거절 {code} (SANDBOX)")

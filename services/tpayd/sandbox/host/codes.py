"""Response codes (DE 39) that the sandbox's host gives by itself, and what it says to the cashier."""

from __future__ import annotations

import enum

__all__ = ["Code", "text_of"]


class Code(enum.StrEnum):
    """ISO 8583:1987 response codes."""

    APPROVED = "00"
    OTHER_MERCHANT = "03"
    """The original of a void, or the business number of an opening, is another merchant's."""
    INVALID = "12"
    """The request has been reversed, before it came or after; or what a void names does not stand."""
    INVALID_AMOUNT = "13"
    """Another amount than the original's, or more than is left of it."""
    NO_SUCH_CARD = "14"
    ALREADY_VOIDED = "21"
    """Nothing is left of the original: no action is taken."""
    ORIGINAL_NOT_FOUND = "25"
    FUNDS = "51"
    EXPIRED_CARD = "54"
    WRONG_PIN = "55"
    NOT_ITS_TERMINAL = "58"
    """The terminal of an opening or a merchant download is not this merchant's."""
    NOT_GENUINE = "63"
    """MAC, card data or key exchange do not hold under the keys that this host gave out."""
    NO_ROUTE = "92"
    """No such wallet."""
    DUPLICATE = "94"
    """The terminal used this STAN today for something else."""
    OUT_OF_BALANCE = "95"


_TEXTS = {
    "00": "모의승인 (SANDBOX: no real money)",
    "03": "모의거절: 가맹점 불일치",
    "05": "모의거절: 카드사 문의",
    "12": "모의거절: 이미 취소된 거래",
    "13": "모의거절: 금액 오류",
    "14": "모의거절: 카드번호 오류",
    "21": "모의거절: 이미 전액 취소된 거래",
    "25": "모의거절: 원거래 없음",
    "41": "모의거절: 분실카드",
    "51": "모의거절: 잔액부족",
    "54": "모의거절: 유효기간 경과",
    "55": "모의거절: 비밀번호 오류",
    "61": "모의거절: 한도초과",
    "63": "모의거절: 보안오류 (키 교환 필요)",
    "92": "모의거절: 지원하지 않는 간편결제",
    "94": "모의거절: 중복 전문번호",
}


def text_of(code: str) -> str:
    """The host's sentence for the cashier. It says that this is the sandbox."""
    return _TEXTS.get(code, f"모의거절 {code} (SANDBOX)")

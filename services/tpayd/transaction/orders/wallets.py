"""Which wallet a scanned code belongs to, by how it begins and how long it is."""

from __future__ import annotations

import re

__all__ = ["WALLETS", "provider_of"]

WALLETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"hQVDUFY"), "emv_qr"),
    (re.compile(r"281006\d+$"), "kakaopay"),
    (re.compile(r"800088\d+$"), "zeropay"),
    (re.compile(r"3-"), "zeropay"),
    (re.compile(r"\d{21}$"), "app_card"),
    (re.compile(r"1[0-5]\d{16}$"), "wechat"),
    (re.compile(r"(?:2[5-9]|30)\d{14,22}$"), "alipay"),
)
"""In the order in which they are tried. `hQVDUFY` is the start of an EMV QR code (EMVCo customer-presented mode: the
payload format indicator `CPV01`, in Base64). WeChat codes have 18 digits, Alipay codes 16 to 24."""


def provider_of(code: str) -> str | None:
    """The wallet's name, or None if none has such codes."""
    return next((name for pattern, name in WALLETS if pattern.match(code)), None)

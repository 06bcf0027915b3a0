"""What must never reach a log: card numbers, track data, and keys or passwords under a telling name.

Redaction looks at the finished line, after an exception has been formatted into it, since that is where a card number
slips in that nobody logged on purpose. A cheap look at the line decides whether anything in it could be secret; only
then is it taken apart, cleaned value by value and put together again, so that it stays valid JSON.

Card numbers are 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1), with or without separators. A tenth of all
such numbers passes by chance. So identifiers are UUIDs, which are left alone, and times are ISO 8601, never
milliseconds since 1970, which have 13 digits.
"""

from __future__ import annotations

import json
import math
import re
from typing import TypeAlias

__all__ = [
    "CARD", "HIDDEN", "TRACK", "is_suspect", "passes_luhn", "redact_line", "redact_text", "without_cards",
    # What is looked for, for those who prove that nothing of it is left:
    "FINDER", "KEY_NAME", "KEY_VALUE", "NAMED_KEY", "NAMED_SECRET", "SECRET_NAME", "has_digit_run", "is_removed",
    "names_secret", "without_card_digits",
]  # fmt: skip

_Json: TypeAlias = "str | int | float | bool | list[_Json] | dict[str, _Json] | None"

CARD = "[card number removed]"
TRACK = "[track data removed]"
HIDDEN = "[secret removed]"

_TELLING = r"secret|passphrase|password|passwd|pin|pan|cvc|cvv|track[12]?|ipek|bdk|kek|ik|tk"
"""Field names, or parts of one between underscores, whose value is removed whatever it looks like."""

_DIGITS_TO_0 = bytes(48 if 48 <= byte <= 57 else 120 for byte in range(256))
_SEPARATORS = b" -\xc2\xa0\\nrt"
"""Bytes that may stand between the digits of a card number in a JSON line: U+00A0 and escaped white space included."""
_DIGIT_RUN = b"0" * 13
_PLAIN_WORDS = (b"secret", b"pass", b"pin", b"pan", b"cvc", b"cvv", b"track", b"ipek", b"bdk", b"kek", b"ik", b"tk")
_NAME_THEN_VALUE = re.compile(b"(?:" + b"|".join(_PLAIN_WORDS) + rb")[a-z0-9_]{0,60}\\?[\"']?\s*[:=]")
_KEY_THEN_HEX = re.compile(
    rb"key[a-z0-9_]{0,60}\\?[\"']?\s*[:=]\s*(?:bytearray\()?b?\\?[\"']?(?:\\|0x|b\\?[\"']|(?:[0-9a-f]{2}[ :]?){8})"
)

FINDER = re.compile(
    r"(?P<track1>%?[Bb][0-9]{13,19}\^[^^]{0,40}\^[0-9]{4,}[^?\s]*\??)"
    r"|(?P<track2>;?[0-9]{13,19}[=Dd][0-9]{7,}[Ff]*\??)"
    r"|(?P<uuid>(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z]))"
    r"|(?P<trace>(?<![0-9A-Za-z])[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?![0-9A-Za-z]))"
    r"|(?P<digits>[0-9](?:[ \-\u00a0\t\r\n]?[0-9]){12,})"
)

_LITERAL = r"(?:bytearray\()?b?\"(?:[^\"\\]|\\.)*\"|(?:bytearray\()?b?'(?:[^'\\]|\\.)*'"
NAMED_SECRET = re.compile(
    # name = value in free text; the value ends where a Python or JSON literal would.
    rf"(?i)(?P<name>(?<![a-z0-9])(?:{_TELLING})(?:_[a-z0-9_]{{1,40}})?[\"']?\s*[:=]\s*)(?:{_LITERAL}|[^\s,;)}}\]]+)"
)
NAMED_KEY = re.compile(
    r"(?i)(?P<name>key[a-z0-9_]{0,40}[\"']?\s*[:=]\s*)"
    r"(?:(?:bytearray\()?b\"(?:[^\"\\]|\\.)*\"|(?:bytearray\()?b'(?:[^'\\]|\\.)*'"
    r"|[\"']?(?:0x)?(?:[0-9a-f]{2}[ :]?){8,}[0-9a-f]*[\"']?)"
)
SECRET_NAME = re.compile(rf"(?i)(?:^|_)(?:{_TELLING})(?:_|$)")
KEY_NAME = re.compile(r"(?i)key")
KEY_VALUE = re.compile(r"(?i)(?:0x)?(?:[0-9a-f]{2}[ :]?){8,}")
_DIGIT_GROUP = re.compile(r"[0-9]+")


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    return _luhn_sums(digits)[0] % 10 == 0


def is_suspect(line: str) -> bool:
    """Whether a JSON line could hold something to remove. Never wrong with False; costs a few microseconds."""
    raw = line.encode()
    return has_digit_run(raw) or names_secret(raw)


def has_digit_run(raw: bytes) -> bool:
    """Whether there are as many digits together as a card number has, separators left out."""
    return _DIGIT_RUN in raw.translate(_DIGITS_TO_0, _SEPARATORS)


def names_secret(raw: bytes) -> bool:
    """Whether something is called a secret, or a key, and has a value."""
    lower = raw.lower()
    for word in _PLAIN_WORDS:
        if word in lower:
            return _NAME_THEN_VALUE.search(lower) is not None or _KEY_THEN_HEX.search(lower) is not None
    return b"key" in lower and _KEY_THEN_HEX.search(lower) is not None


def redact_line(line: str) -> str:
    """A JSON object on one line, without what must not be in it."""
    if not is_suspect(line):
        return line
    try:
        event = json.loads(line)
    except ValueError:
        return json.dumps({"event": redact_text(line)}, ensure_ascii=False)
    return json.dumps(_redact(event), ensure_ascii=False, separators=(",", ":"))


def redact_text(text: str) -> str:
    """Free text, without card numbers, track data, and values that follow a telling name."""
    text = NAMED_SECRET.sub(_without_value, text)
    cleaned = without_cards(NAMED_KEY.sub(_without_value, text))
    # A name that was glued to a card number or a key shows only when that is gone.
    return cleaned if cleaned == text else NAMED_SECRET.sub(_without_value, cleaned)


def is_removed(text: str, at: int) -> bool:
    """Whether the mark of something that was removed begins there."""
    return text.startswith((HIDDEN, CARD, TRACK), at)


def without_cards(text: str) -> str:
    """Free text, without card numbers and track data."""
    return FINDER.sub(_without_card, text)


def _redact(value: _Json) -> _Json:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        text = str(int(value)) if math.isfinite(value) else ""
        return value if redact_text(text) == text else CARD
    if isinstance(value, list):
        return [_redact(one) for one in value]
    return {redact_text(name): _redact_field(name, one) for name, one in value.items()}


def _redact_field(name: str, value: _Json) -> _Json:
    if value is None or isinstance(value, bool):
        return value
    if SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, str) and KEY_NAME.search(name) and KEY_VALUE.fullmatch(value):
        return HIDDEN
    return _redact(value)


def _without_value(match: re.Match[str]) -> str:
    return match[0] if is_removed(match.string, match.end("name")) else match["name"] + HIDDEN


def _without_card(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind in ("uuid", "trace"):
        return match[0]
    if kind in ("track1", "track2"):
        return TRACK
    return without_card_digits(match[0])


def without_card_digits(text: str) -> str:
    """`text` is digits and single separators. A card number fills whole groups of it: those go.

    A group of more than 19 digits goes as it is: a message dump glues a card number to its neighbours.
    """
    groups = [(match.start(), match.end()) for match in _DIGIT_GROUP.finditer(text)]
    kept: list[str] = []
    done = 0
    first = 0
    while first < len(groups):
        last = _card_from(text, groups, first)
        if last is None:
            first += 1
            continue
        kept += (text[done : groups[first][0]], CARD)
        done = groups[last][1]
        first = last + 1
    return "".join((*kept, text[done:]))


def _card_from(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest card number that starts with group `first`."""
    if groups[first][1] - groups[first][0] > 19:
        return first
    found = None
    count = 0
    sums = (0, 0)
    for index in range(first, len(groups)):
        start, end = groups[index]
        count += end - start
        if count > 19:
            break
        sums = _luhn_sums(text[start:end], sums)
        if count >= 13 and sums[0] % 10 == 0:
            found = index
    return found


def _luhn_sums(digits: str, sums: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """The Luhn sum with the last digit plain, and with it doubled; from both, a longer number's sums follow."""
    plain, doubled = sums
    for digit in digits:
        value = ord(digit) - 48
        plain, doubled = doubled + value, plain + (value * 2 - 9 if value > 4 else value * 2)
    return plain, doubled

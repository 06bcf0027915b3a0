"""Looks for card data in every file of an instance."""

from __future__ import annotations

from pathlib import Path

_ALLOWED = ("sandbox/cards.toml",)
"""The sandbox's card list is the one place where its card numbers stand."""


def card_numbers_in(home: Path, cards: set[str]) -> list[str]:
    """Where one of these card numbers stands in a file below `home`: as text, as BCD, or in UTF-16.

    Each hit is `path: form`, without the number.
    """
    hits = []
    for path in sorted(home.rglob("*")):
        where = path.relative_to(home).as_posix()
        if not path.is_file() or path.is_symlink() or where in _ALLOWED:
            continue
        content = path.read_bytes()
        hits += [f"{where}: {form}" for card in sorted(cards) for form, spelt in _forms(card) if spelt in content]
    return hits


def _forms(card: str) -> list[tuple[str, bytes]]:
    even = card if len(card) % 2 == 0 else card + "F"
    grouped = " ".join(card[start : start + 4] for start in range(0, len(card), 4))
    return [
        ("text", card.encode()),
        ("grouped text", grouped.encode()),
        ("grouped text", grouped.replace(" ", "-").encode()),
        ("UTF-16", card.encode("utf-16-le")),
        ("BCD", bytes.fromhex(even)),
        ("hex of text", card.encode().hex().encode()),
    ]

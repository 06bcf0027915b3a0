"""The last versions of a settings file: who changed what, when, and the text to go back to. One line each, as JSON.

What a person changes in the file by hand is found at the next start or the next change, and kept as a version too.
Passwords in URLs and card numbers are not kept: they are hidden in the history, and a restore takes what the file has
now.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct

from tpayd.kit.durable_file import replace_file
from tpayd.kit.redaction import CARD, TRACK, without_cards
from tpayd.kit.toml_edit import flat

__all__ = ["BY_HAND", "Changed", "History", "Version", "changes_between", "hide_secrets", "hides_secret", "stamp"]

VERSIONS_MAX = 50
BY_HAND = "by hand"
"""Who changed the file, where nobody told."""
_MODE = 0o600
_PASSWORD = re.compile(r"(://[^:/@\s\"']*):([^@\s\"']+)@")
_HIDDEN = ":***@"


class Changed(Struct, frozen=True):
    """One setting: what it was and what it became, as TOML; empty: it did not stand in the file."""

    setting: str
    old: str
    new: str


class Version(Struct, frozen=True):
    """A settings file as it once was."""

    number: int
    """From 1, never used again."""
    at_ms: int
    by: str
    why: str
    changes: tuple[Changed, ...]
    stamp: str
    """Of the text as it stood in the file."""
    text: str


class History:
    """The versions in one file, oldest first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Version]:
        """Every version that is kept. Raises OSError. A damaged line ends the list: what follows it is lost."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        versions: list[Version] = []
        for line in lines:
            try:
                versions.append(msgspec.json.decode(line, type=Version))
            except (msgspec.DecodeError, UnicodeDecodeError):
                break
        return versions

    def add(self, versions: list[Version], at_ms: int, by: str, why: str, text: str) -> list[Version]:
        """Put a text at the end, and write them all. Raises OSError: nothing has changed then."""
        before = versions[-1].text if versions else ""
        new = Version(
            number=versions[-1].number + 1 if versions else 1, at_ms=at_ms, by=by, why=why,
            changes=changes_between(before, hide_secrets(text)) if versions else (), stamp=stamp(text),
            text=hide_secrets(text),
        )  # fmt: skip
        kept = [*versions, new][-VERSIONS_MAX:]
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        replace_file(self._path, b"".join(msgspec.json.encode(each) + b"\n" for each in kept), _MODE)
        return kept


def stamp(text: str) -> str:
    """What tells two texts apart, for whoever changes one that he has seen: 16 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changes_between(old: str, new: str) -> tuple[Changed, ...]:
    """Which settings differ; without their passwords. A text that is not TOML has none."""
    before, after = _values(old), _values(new)
    names = [*before, *(name for name in after if name not in before)]
    differ = (name for name in names if before.get(name) != after.get(name))
    return tuple(
        Changed(name, hide_secrets(before.get(name, "")), hide_secrets(after.get(name, ""))) for name in differ
    )


def hide_secrets(text: str) -> str:
    """The text with `***` for each password of a URL, and without what looks like a card number."""
    return without_cards(_PASSWORD.sub(rf"\1{_HIDDEN}", text))


def hides_secret(text: str) -> bool:
    """Whether a secret stood there."""
    return any(mark in text for mark in (_HIDDEN, CARD, TRACK))


def _values(text: str) -> dict[str, str]:
    try:
        return dict(flat(tomllib.loads(text)))
    except tomllib.TOMLDecodeError:
        return {}

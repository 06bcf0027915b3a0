"""What happened, as it happened: read by people after a failure, and hashed so that two runs can be compared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

__all__ = ["Trace"]


@dataclass
class Trace:
    """Lines of (time, who, what). `keep` is False where only the hash is wanted."""

    keep: bool = False
    lines: list[tuple[int, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def note(self, now_us: int, who: str, what: str) -> None:
        self._hash.update(f"{now_us} {who} {what}\n".encode())
        if self.keep:
            self.lines.append((now_us, who, what))

    def digest(self) -> str:
        """The hash of all that was noted so far."""
        return self._hash.hexdigest()

    def told(self, began_us: int) -> list[str]:
        """The lines as text, with seconds since the beginning."""
        return [f"{(at - began_us) / 1e6:9.3f} s  {who:<14} {what}" for at, who, what in self.lines]

"""The contract's own version: `major.minor`, apart from the version of the code.

A minor adds optional fields, operations, enum values that only the daemon sends, or error codes. A major may do
anything else. The daemon accepts its own minor and the one before; a newer minor than its own is refused, since the
daemon would refuse fields it does not know.
"""

from __future__ import annotations

import re

from msgspec import Struct

__all__ = ["CONTRACT_VERSION", "ContractVersion", "accepts"]


class ContractVersion(Struct, frozen=True, order=True):
    """A parsed `major.minor`."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> ContractVersion:
        """Read `major.minor`; raises ValueError for any other shape."""
        match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", text)
        if match is None:
            raise ValueError(f"a contract version is 'major.minor', not {text[:20]!r}")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


CONTRACT_VERSION = ContractVersion(1, 0)
"""What this daemon speaks."""


def accepts(theirs: ContractVersion, ours: ContractVersion = CONTRACT_VERSION) -> bool:
    """Whether a peer that speaks `theirs` is served: same major, and minor N or N-1."""
    return theirs.major == ours.major and ours.minor - 1 <= theirs.minor <= ours.minor

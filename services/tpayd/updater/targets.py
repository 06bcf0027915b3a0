"""Files of a repository, and how far fetching them is. Pure, standard library alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["OnProgress", "Progress", "Target", "unheard"]


@dataclass(frozen=True)
class Target:
    """A file of the repository, as it was signed."""

    path: str
    length_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Progress:
    """How far a fetch is."""

    target: str
    """What is being fetched now."""
    done_bytes: int
    """May go back, where a server cannot resume."""
    total_bytes: int
    """Of everything that was asked for, fetched earlier or not."""


OnProgress = Callable[[Progress], None]


def unheard(_progress: Progress) -> None:
    """For those who do not want to know."""

"""Which releases are newer, and whether one fits what is here. Pure.

| the release                                          | then                                                      |
|------------------------------------------------------|-----------------------------------------------------------|
| needs a newer Python                                 | refused                                                   |
| must not be gone over to from the running version    | refused: another release has to come between              |
| has an older journal or key store than is here       | refused: it could not read what is on disk                |
| was rolled back here                                 | refused, unless somebody asks for it again                |
| has a newer journal or key store                     | refused: the old version could not come back               |
"""

from __future__ import annotations

from dataclasses import dataclass

from tpayd.updater.release import Release, Version

__all__ = ["Here", "is_newer", "misfit", "newer", "raises_schema", "version_or_none"]


@dataclass(frozen=True)
class Here:
    """What a release has to fit."""

    running: str
    python: tuple[int, int]
    journal_revision: str = ""
    """Empty: not known now."""
    keystore_version: int = 0
    """0: not known now."""
    rolled_back: str = ""
    """The version that was rolled back last."""
    rolled_back_why: str = ""


def version_or_none(text: str) -> Version | None:
    """A release's version; None for what is no release: a version under development."""
    try:
        return Version.parse(text)
    except ValueError:
        return None


def newer(version: Version, running: str) -> bool:
    """Whether it comes after what runs."""
    here = version_or_none(running)
    return here is None or version > here


def is_newer(version: str, running: str) -> bool:
    """The same, of a text; what is no release's version is never newer."""
    known = version_or_none(version)
    return known is not None and newer(known, running)


def misfit(release: Release, here: Here, *, again: bool = False) -> str:
    """Why it cannot be gone over to, and what to do; empty: it can."""
    running = version_or_none(here.running)
    if release.python > here.python:
        wanted = ".".join(map(str, release.python))
        return f"it needs Python {wanted} or newer, and this machine has {'.'.join(map(str, here.python))}"
    if running is not None and running < release.min_from:
        return f"it follows on {release.min_from} or newer, and {running} runs: go over to a release between them first"
    if here.journal_revision and release.journal_revision < here.journal_revision:
        return (
            f"its journal has schema {release.journal_revision}, older than the {here.journal_revision} that is here: "
            "it could not read the payments"
        )
    if here.keystore_version and release.keystore_version < here.keystore_version:
        return (
            f"its key store has schema {release.keystore_version}, older than the {here.keystore_version} that is "
            "here: it could not read the keys"
        )
    if raises_schema(release, here):
        return (
            "it upgrades the journal or the key store, so the old version could not come back: end the daemon, take a "
            "backup, and install it by hand (docs/updates.md)"
        )
    if str(release.version) == here.rolled_back and not again:
        return f"it was rolled back here ({here.rolled_back_why}); to try once more: `tpayd update apply --again`"
    return ""


def raises_schema(release: Release, here: Here) -> bool:
    """Whether the old version could not read what this one has written."""
    journal = bool(here.journal_revision) and release.journal_revision > here.journal_revision
    return journal or (here.keystore_version != 0 and release.keystore_version > here.keystore_version)

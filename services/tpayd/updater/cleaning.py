"""Removes releases that nobody goes back to any more. Blocks."""

from __future__ import annotations

import contextlib

from tpayd.releases.layout import Layout
from tpayd.updater.fitting import version_or_none
from tpayd.updater.staging import remove, sweep

__all__ = ["clean"]


def clean(layout: Layout, running: str, keep: int) -> None:
    """Keep the running release and the `keep` newest others that the updater installed."""
    with contextlib.suppress(OSError):
        sweep(layout)
    own = [
        (known, version)
        for version in layout.installed()
        if version not in (running, layout.current())
        and layout.is_own(version)
        and (known := version_or_none(version)) is not None
    ]
    for _, version in sorted(own, reverse=True)[keep:]:
        with contextlib.suppress(OSError, ValueError):
            remove(layout, version)

"""Why there is no bundle, from the viewpoint of whoever has to act on it."""

from __future__ import annotations

__all__ = ["AlteredError", "LeakError", "PackError", "StoppedError"]


class PackError(Exception):
    """A bundle was not made. Nothing of it has left, and the logs are as they were."""


class StoppedError(PackError):
    """It was told to stop: the process ends, or something more urgent came. It begins anew later."""


class AlteredError(PackError):
    """A log file was not the same when it was packed as when it was proven. It begins anew."""


class LeakError(PackError):
    """The logs hold what must not leave. The message says in which file and line and of what kind, never the value."""

"""What can go wrong between a repository of releases and this store. Each error says what to do.

They are grouped by what the reader has to do about them: try again later (`NotNowError`), ask the vendor
(`RefusedError`), or put something right here (`HereError`). Whatever is raised, what was trusted before is trusted
still, and what was installed is installed still.
"""

from __future__ import annotations

__all__ = [
    "UpdateError",
    "NotNowError", "UnreachableError", "InterruptedDownloadError", "TooSlowError", "StoppedError",
    "RefusedError", "WrongSignatureError", "RolledBackError", "ExpiredError", "MixedUpError", "EndlessError",
    "WrongSizeError", "WrongContentError", "NotOfferedError", "DescriptionError",
    "HereError", "NoSpaceError", "BusyError", "RootError",
]  # fmt: skip


class UpdateError(Exception):
    """The root of them all."""

    code = "update_failed"
    """Stable, for events, metrics and other languages."""
    retryable = False
    """Whether the same call may succeed later with nobody doing anything."""


class NotNowError(UpdateError):
    """The network or the server: try again later; what has been fetched is kept."""

    code = "update_not_now"
    retryable = True


class UnreachableError(NotNowError):
    """No answer from the server, or none that is of use."""

    code = "update_unreachable"


class InterruptedDownloadError(NotNowError):
    """The connection ended before the file did. The next try goes on from there."""

    code = "update_interrupted"


class TooSlowError(NotNowError):
    """Slower than the least speed allowed, or not done within the time allowed for all of it."""

    code = "update_too_slow"


class StoppedError(NotNowError):
    """Whoever asked for it wants it no more."""

    code = "update_stopped"


class RefusedError(UpdateError):
    """What the server offers is not taken: an attack, or a mistake of whoever publishes."""

    code = "update_refused"


class WrongSignatureError(RefusedError):
    """Not signed by enough of the keys that may sign it."""

    code = "update_wrong_signature"


class RolledBackError(RefusedError):
    """Older than what this store has already seen (rollback)."""

    code = "update_rolled_back"


class ExpiredError(RefusedError):
    """Signed once, and too long ago: somebody may be holding newer releases back (freeze)."""

    code = "update_expired"
    retryable = True


class MixedUpError(RefusedError):
    """Pieces that are genuine each, but do not belong together (mix and match), or one that was altered."""

    code = "update_mixed_up"


class EndlessError(RefusedError):
    """The server sends more than it may (endless data)."""

    code = "update_endless"


class WrongSizeError(RefusedError):
    """The server says another size than the one that was signed."""

    code = "update_wrong_size"


class WrongContentError(RefusedError):
    """A file of the right size with the wrong content: a bit flipped, or somebody flipped it."""

    code = "update_wrong_content"


class NotOfferedError(RefusedError):
    """No role that may sign this path lists it: it does not exist, or lies outside its signer's path."""

    code = "update_not_offered"


class DescriptionError(RefusedError):
    """A signed description of a release that cannot be used; the message names the field."""

    code = "update_bad_description"


class HereError(UpdateError):
    """Something in this store is to be put right first."""

    code = "update_not_here"


class NoSpaceError(HereError):
    """The disk cannot hold it, or cannot be written."""

    code = "update_no_space"
    retryable = True


class BusyError(HereError):
    """Another process or thread is at the same files."""

    code = "update_busy"
    retryable = True


class RootError(HereError):
    """The pinned root of trust cannot be used."""

    code = "update_bad_root"

"""Why a release is not installed or not gone over to here. Each sentence says what to do; the old version runs on."""

from __future__ import annotations

from tpayd.updater.errors import HereError, NotNowError, RefusedError

__all__ = ["AnotherUnderWayError", "NotFittingError", "NotIdleError", "NotInstalledError", "NotTakenError"]


class NotFittingError(RefusedError):
    """The release does not fit what is here: another Python, an older schema, a version that must come between."""

    code = "update_not_fitting"


class NotInstalledError(HereError):
    """It could not be installed beside the running one, or what was installed is not sound."""

    code = "update_not_installed"


class NotIdleError(NotNowError):
    """Payments are still under way."""

    code = "update_not_idle"


class NotTakenError(HereError):
    """The launcher did not take the order."""

    code = "update_not_taken"
    retryable = True


class AnotherUnderWayError(NotNowError):
    """One thing at a time."""

    code = "update_under_way"

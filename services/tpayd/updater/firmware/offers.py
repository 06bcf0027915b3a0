"""What the vendors offer, verified, and their images on disk. Blocks: for a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tpayd.updater.errors import BusyError, DescriptionError
from tpayd.updater.firmware.description import FirmwareDescription
from tpayd.updater.targets import OnProgress

if TYPE_CHECKING:
    from tpayd.updater.trusted import TrustedRepository

__all__ = ["OFFERS_MAX", "Offers"]

OFFERS_MAX = 1024
"""Descriptions of one vendor that are read."""
_DESCRIPTION_MAX_BYTES = 64 * 1024
_BUSY_S = 10.0
_AGAIN_S = 0.2
R = TypeVar("R")


class Offers:
    """See the module. One call at a time; `open_repository` may raise UpdateError."""

    def __init__(self, open_repository: Callable[[], TrustedRepository]) -> None:
        self.known: tuple[FirmwareDescription, ...] = ()
        """As of the last look that went well."""
        self.skipped: tuple[str, ...] = ()
        """Descriptions that cannot be used, and why."""
        self.stop = threading.Event()
        self._open = open_repository
        self._repository: TrustedRepository | None = None
        self._turn = threading.Lock()

    def look(self, vendors: Iterable[str]) -> None:
        """Look for newer firmware. Raises UpdateError: what was known before is known still."""
        with self._turn:
            trusted = self._opened()
            self._patiently(lambda: trusted.refresh(self.stop))
            found: list[FirmwareDescription] = []
            skipped: list[str] = []
            for vendor in vendors:
                targets = [each for each in trusted.firmware(vendor) if each.path.endswith(".json")]
                for target in targets[:OFFERS_MAX]:
                    if target.length_bytes > _DESCRIPTION_MAX_BYTES:
                        skipped.append(f"{target.path}: a description has {_DESCRIPTION_MAX_BYTES} bytes at most")
                        continue
                    try:
                        path = target.path
                        content = self._patiently(lambda path=path: trusted.fetch(path, stop=self.stop)).read_bytes()  # type: ignore[misc]
                        found.append(FirmwareDescription.parse(content, path))
                    except DescriptionError as error:
                        skipped.append(str(error))
            self.known, self.skipped = tuple(found), tuple(skipped)

    def describe(self, target: str) -> FirmwareDescription:
        """One description by its path. Raises UpdateError."""
        with self._turn:
            trusted = self._opened()
            return FirmwareDescription.parse(self._patiently(lambda: trusted.fetch(target)).read_bytes(), target)

    def fetch(self, offer: FirmwareDescription, on_progress: OnProgress) -> Path:
        """The image, verified. Raises UpdateError."""
        with self._turn:
            trusted = self._opened()
            target = trusted.target(offer.image_target)
            if (target.sha256, target.length_bytes) != (offer.sha256, offer.size_bytes):
                raise DescriptionError(
                    f"{offer.image_target} is not the image that {offer.model} {offer.version} was described with; "
                    "the vendor has to publish both anew"
                )
            return self._patiently(lambda: trusted.fetch(offer.image_target, on_progress, self.stop))

    def _opened(self) -> TrustedRepository:
        if self._repository is None:
            self._repository = self._open()
        return self._repository

    def _patiently(self, call: Callable[[], R]) -> R:
        """The update of tpayd itself works in the same directory."""
        until_s = time.monotonic() + _BUSY_S
        while True:
            try:
                return call()
            except BusyError:
                if time.monotonic() > until_s or self.stop.wait(_AGAIN_S):
                    raise

"""The signed metadata of a repository: tuf's client on our own HTTP, and its complaints told as ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tuf.api import exceptions as tuf_errors
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from tpayd.updater.errors import (
    EndlessError,
    ExpiredError,
    InterruptedDownloadError,
    MixedUpError,
    NoSpaceError,
    RefusedError,
    RolledBackError,
    RootError,
    UnreachableError,
    UpdateError,
    WrongSignatureError,
)
from tpayd.updater.fetching import HttpStatusError, open_url
from tpayd.updater.patience import Patience

__all__ = ["new_updater", "sync_metadata", "told_as_ours"]

_TOLD: tuple[tuple[type[Exception], type[UpdateError], str], ...] = (
    # The first that fits.
    (tuf_errors.DownloadLengthMismatchError, EndlessError,
     "{host} sends more metadata than it may ({error}); nothing is taken. Tell the vendor"),
    (tuf_errors.DownloadError, UnreachableError, "{host}: {error}; try again later"),
    (tuf_errors.ExpiredMetadataError, ExpiredError,
     "{host} has nothing signed that is still valid ({error}): somebody holds newer releases back, the vendor forgot "
     "to renew, or this machine's clock is wrong. Check the clock, then ask the vendor"),
    (tuf_errors.BadVersionNumberError, RolledBackError,
     "{host} offers another version of its metadata than this store has to expect, most likely an older one ({error}); "
     "nothing is taken. Tell the vendor"),
    (tuf_errors.UnsignedMetadataError, WrongSignatureError,
     "{host}: not signed by the keys that may sign it ({error}); nothing is taken. Tell the vendor"),
    (tuf_errors.LengthOrHashMismatchError, MixedUpError,
     "{host}: metadata that does not belong together ({error}); nothing is taken. Tell the vendor"),
    (tuf_errors.RepositoryError, RefusedError,
     "{host}: metadata that cannot be used ({error}); nothing is taken. Tell the vendor"),
    (OSError, NoSpaceError, "the signed metadata cannot be kept here: {error}; make room, then try again"),
)  # fmt: skip


def new_updater(directory: Path, url: str, root: bytes, patience: Patience) -> Updater:
    """The client of tuf over the metadata of `directory`. Raises RootError, OSError."""
    config = UpdaterConfig(max_root_rotations=256, max_delegations=64)
    try:
        return Updater(
            metadata_dir=str(directory), metadata_base_url=f"{url}/metadata/", fetcher=_Fetcher(patience),
            config=config, bootstrap=root,
        )  # fmt: skip
    except tuf_errors.RepositoryError as error:
        text = f"the pinned root of trust cannot be used: {error}; get it from the vendor again"
        raise RootError(text) from error


@contextmanager
def told_as_ours(url: str) -> Iterator[None]:
    """Whatever tuf raises in the body comes out as an UpdateError."""
    host = urlsplit(url).netloc
    try:
        yield
    except UpdateError:
        raise
    except tuf_errors.DownloadHTTPError as error:
        raise HttpStatusError(error.status_code, f"{host} has no repository of releases there: {error}") from error
    except (tuf_errors.DownloadError, tuf_errors.RepositoryError, OSError) as error:
        made, text = next((made, text) for kind, made, text in _TOLD if isinstance(error, kind))
        raise made(text.format(host=host, error=error)) from error


def sync_metadata(directory: Path) -> None:
    """What is trusted now outlives a power cut: tuf writes it without waiting for the disk. Raises OSError."""
    for path in (
        *directory.glob("*.json"),
        *directory.glob("root_history/*.json"),
        directory / "root_history",
        directory,
    ):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _Fetcher(FetcherInterface):
    """Metadata by our own HTTP, with its limits."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            with open_url(url, self._patience) as answer:
                received = 0
                for chunk in answer.chunks:
                    received += len(chunk)
                    yield chunk
        except HttpStatusError as error:
            # tuf tells the end of the chain of roots by this one.
            raise tuf_errors.DownloadHTTPError(str(error), error.status) from error
        if answer.length_bytes not in {None, received}:
            raise InterruptedDownloadError(f"{url}: the connection ended after {received} bytes; try again later")

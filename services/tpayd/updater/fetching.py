"""Fetches over HTTP from a server that is not trusted with anything: not its sizes, its speed, or its staying there.

Standard library alone. Total deadline, least speed and the wish to stop are looked at where bytes come in
(`limited_connection`). What has been fetched stays, and the next try goes on from there (RFC 9110, section 14: range
requests).
"""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

from tpayd import __version__
from tpayd.updater.errors import (
    EndlessError,
    InterruptedDownloadError,
    NotNowError,
    StoppedError,
    TooSlowError,
    UnreachableError,
    WrongSizeError,
)
from tpayd.updater.limited_connection import CHUNK_BYTES, limited_connection
from tpayd.updater.patience import Patience

__all__ = ["Answer", "HttpStatusError", "continue_file", "open_url"]


class HttpStatusError(UnreachableError):
    """The server answered, but not with the file."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """A response whose headers have been read."""

    status: int
    length_bytes: int | None
    """What the server says of this body, if it does."""
    content_range: str
    chunks: Iterator[bytes]
    """Raises InterruptedDownloadError, TooSlowError, StoppedError. A short body just ends: compare the sizes."""


@contextmanager
def open_url(url: str, patience: Patience, *, offset_bytes: int = 0) -> Iterator[Answer]:
    """Ask for a file, from `offset_bytes` on.

    Raises:
        HttpStatusError: anything but 200, 206 and 416.
        UnreachableError: no connection, or no HTTP on it.
        TooSlowError, StoppedError: the patience is at its end.
    """
    patience.new_connection()
    patience.check()
    with ExitStack() as open_things:
        try:
            connection = open_things.enter_context(closing(limited_connection(url, patience)))
            headers = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": f"tpayd/{__version__}"}
            if offset_bytes:
                headers["Range"] = f"bytes={offset_bytes}-"
            connection.request("GET", _request_target(url), headers=headers)
            answer = _answer(url, open_things.enter_context(closing(connection.getresponse())), patience)
        except (OSError, http.client.HTTPException) as error:
            host = urlsplit(url).netloc
            text = f"no answer of use from {host} ({_reason(error)}): check the network and the address, or try later"
            raise UnreachableError(text) from error
        yield answer


def continue_file(
    url: str, part: IO[bytes], size_bytes: int, patience: Patience, on_bytes: Callable[[int], None] = lambda _: None
) -> None:
    """Bring `part` to its full size, from where it ends; tries again by itself.

    Args:
        url: where it lies.
        part: open to be read and written; its position does not matter. Writing may raise OSError, which passes.
        size_bytes: what was signed; the server's word counts for nothing.
        patience: for all tries together.
        on_bytes: told how many bytes there are by now; may go back where the server cannot resume.

    Raises:
        InterruptedDownloadError, UnreachableError: it went no further after several tries.
        WrongSizeError, EndlessError: the server's file is another one. The part is emptied.
        TooSlowError, StoppedError
    """
    failures = 0
    while (have := part.seek(0, io.SEEK_END)) < size_bytes:
        try:
            _one_try(url, part, have, size_bytes, patience, on_bytes)
        except (StoppedError, TooSlowError):
            raise
        except NotNowError as error:
            gained = part.seek(0, io.SEEK_END) > have
            failures = 1 if gained else failures + 1
            if failures >= patience.limits.tries or not _may_pass(error):
                raise
            patience.wait(patience.limits.retry_wait_s * 2 ** (failures - 1))
    if have > size_bytes:
        part.truncate(size_bytes)


def _one_try(
    url: str, part: IO[bytes], have: int, size_bytes: int, patience: Patience, on_bytes: Callable[[int], None]
) -> None:
    with open_url(url, patience, offset_bytes=have) as answer:
        start = _starts_at(answer, have, size_bytes, url)
        if start is None:
            part.truncate(0)
            return
        part.truncate(start)
        part.seek(start)
        on_bytes(start)
        for chunk in answer.chunks:
            start += len(chunk)
            if start > size_bytes:
                part.truncate(0)
                raise EndlessError(f"{_name(url)}: the server sends more than the {size_bytes} bytes that were signed")
            part.write(chunk)
            on_bytes(start)
    if start < size_bytes:
        text = (
            f"{_name(url)}: the connection ended after {start} of {size_bytes} bytes; "
            "they are kept, and the next try goes on from there"
        )
        raise InterruptedDownloadError(text)


def _starts_at(answer: Answer, have: int, size_bytes: int, url: str) -> int | None:
    """Where this body begins in the file; None where the server finds our part odd, so that it starts anew."""
    if answer.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        if (total := _total(answer.content_range)) not in {None, size_bytes}:
            raise _another_size(url, total, size_bytes)
        return None
    if answer.status == http.HTTPStatus.OK:
        if answer.length_bytes not in {None, size_bytes}:
            raise _another_size(url, answer.length_bytes, size_bytes)
        return 0
    match = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", answer.content_range)
    if match is None or int(match[1]) != have:
        text = f"{_name(url)}: asked to go on at byte {have}, the server says {answer.content_range[:60]!r}; try again"
        raise WrongSizeError(text)
    if match[3] not in {"*", str(size_bytes)}:
        raise _another_size(url, int(match[3]), size_bytes)
    return have


def _another_size(url: str, said: int | None, signed: int) -> WrongSizeError:
    text = (
        f"{_name(url)}: the server says {said} bytes, signed are {signed}; nothing is taken from it. "
        "If it stays so, tell the vendor that the file was replaced"
    )
    return WrongSizeError(text)


def _total(content_range: str) -> int | None:
    match = re.fullmatch(r"bytes \*/([0-9]{1,18})", content_range)
    return None if match is None else int(match[1])


def _may_pass(error: NotNowError) -> bool:
    return not isinstance(error, HttpStatusError) or error.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR


def _answer(url: str, response: http.client.HTTPResponse, patience: Patience) -> Answer:
    if response.status not in {200, 206, 416}:
        moved = response.headers.get("Location")
        text = f"{_name(url)}: the server answers {response.status} {response.reason[:60]}" + (
            f" and points to {moved[:200]}: set that address" if moved else ": check the address, or tell the vendor"
        )
        raise HttpStatusError(response.status, text)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        text = f"{_name(url)}: the server alters files on their way (Content-Encoding); tell the vendor"
        raise UnreachableError(text)
    content_range = response.headers.get("Content-Range", "")
    return Answer(response.status, response.length, content_range, _chunks(url, response, patience))


def _chunks(url: str, response: http.client.HTTPResponse, patience: Patience) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read1(CHUNK_BYTES)
        except (OSError, http.client.HTTPException, ValueError) as error:
            text = f"{_name(url)}: the connection broke ({_reason(error)}); what has been fetched is kept: try again"
            raise InterruptedDownloadError(text) from error
        if not chunk:
            return
        patience.check()
        yield chunk


def _name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _request_target(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__

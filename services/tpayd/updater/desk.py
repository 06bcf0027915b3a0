"""The operations `update.*`: check, download, apply, restart; how it stands, and what became of earlier attempts."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from tpayd.kit.bus import CallError, Request, Server
from tpayd.kit.house import House
from tpayd.releases.book import Book, DamagedError
from tpayd.releases.journal import Event, State, attempts
from tpayd.releases.layout import Layout
from tpayd.updater.cleaning import clean
from tpayd.updater.errors import UpdateError
from tpayd.updater.examining import examine, integrity_enforced, require_signing_key
from tpayd.updater.fitting import Here, misfit
from tpayd.updater.proving import prove
from tpayd.updater.refusals import NotFittingError, NotInstalledError
from tpayd.updater.release import Release
from tpayd.updater.settings import UpdaterSettings
from tpayd.updater.source import Found, Source
from tpayd.updater.staging import stage
from tpayd.updater.standing import Standing
from tpayd.updater.switching import Switching
from tpayd.updater.targets import Progress
from tpayd.updater.telling import as_info, as_record, standing_text
from tpayd.updater.work import Work
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.keys import KEY_LIST, TIME_SIGNED, KeysQuery, SignedTime
from tpayd_contracts.operation import Empty
from tpayd_contracts.updates import (
    TOPIC_UPDATE,
    UPDATE_CHECK,
    UPDATE_DOWNLOAD,
    UPDATE_HISTORY,
    UPDATE_STATUS,
    DownloadUpdate,
    HeldPayments,
    ReleaseInfo,
    UpdateEvent,
    UpdateHistory,
    UpdateHistoryQuery,
    UpdateNotice,
    UpdateProgress,
    UpdateStatus,
    UpdateStep,
)

__all__ = ["UpdateDesk"]

T = TypeVar("T")


class UpdateDesk:
    """What is known of releases, and the way from one to the next."""

    def __init__(self, house: House[UpdaterSettings], files_needed: Callable[[], bool] = lambda: False) -> None:
        """`files_needed`: whether somebody else is at work with files that may be offered no more."""
        self._house = house
        self._files_needed = files_needed
        self._is_tidy = False
        self._layout = Layout(house.instance.home)
        self._book = Book(self._layout)
        self._source = Source(house.instance, house.settings)
        self._switching = Switching(house, self._book)
        # One thread: what is fetched and installed is so in turn.
        self._disk = ThreadPoolExecutor(1, "update")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._release: Release | None = None
        self._proving: asyncio.Task[None] | None = None
        self._standing = Standing(self._layout, self._book, house.version, self._changed)
        self.work = Work(house, self._changed)
        self.newest: ReleaseInfo | None = None
        self.checked_at_ms: int | None = None
        self.notice: UpdateNotice | None = None
        metrics = house.metrics
        metrics.watch("update_available", "1 while a release newer than the running one is known", self._is_available)
        metrics.watch(
            "update_checked_timestamp_seconds", "When releases were last asked for and heard", self._checked_s
        )
        self._standing.measure(metrics)

    @property
    def is_configured(self) -> bool:
        """Whether there is a repository to ask."""
        return self._source.named

    @property
    def staged(self) -> str:
        """The version that is installed beside the running one and waits to be gone over to; empty: none."""
        return self._standing.staged

    def register(self, server: Server) -> None:
        """Answer."""
        server.handle(UPDATE_STATUS, self._status, while_draining=True)
        server.handle(UPDATE_HISTORY, self._history)
        server.handle(UPDATE_CHECK, self._check)
        server.handle(UPDATE_DOWNLOAD, self._download)

    def start(self) -> None:
        """Take up a trial that is under way."""
        self._loop = asyncio.get_running_loop()
        self._standing.begin()
        self._house.call_every(1.0, self._standing.look)
        self._proving = asyncio.get_running_loop().create_task(self._prove())

    def drain(self) -> None:
        """What is under way ends, or goes on in the next life."""
        self._switching.ending.set()
        self._source.stop.set()
        if self.work.step is not UpdateStep.SWITCHING:
            self.work.cancel()

    async def stop(self) -> None:
        """End what is under way."""
        self._source.stop.set()
        if self._proving is not None:
            self._proving.cancel()
        await self.work.stop()
        self._disk.shutdown(wait=False, cancel_futures=True)

    # The work itself

    async def look_for_releases(self, wanted: str = "", *, again: bool = False) -> Found | None:
        """Ask the repository. Raises UpdateError."""
        self._tell(UpdateStep.CHECKING, "asking for releases")
        here = await self._here()
        found = await self._in_thread(partial(self._source.newest, here, wanted, again=again))
        self.checked_at_ms = self._house.clock.unix_ms()
        await self._tell_time()
        if not wanted or found is not None:
            self._release = found.release if found is not None else None
            self.newest = as_info(found) if found is not None else None
        return found

    async def check(self) -> None:
        """Ask, and nothing more. Raises UpdateError."""
        await self.look_for_releases()
        if not self._is_tidy and not self._standing.attempt.on_trial:
            await self._tidy()  # what could not be done after a commit: nobody answered, say

    async def download(self, wanted: str, by: str, *, again: bool = False) -> str:
        """Fetch, verify and install a release beside the running one; its version. Raises UpdateError."""
        found = await self.look_for_releases(wanted, again=again)
        if found is None:
            return ""
        version = str(found.release.version)
        if found.problem:
            raise NotFittingError(f"{version} cannot be gone over to: {found.problem}")
        if version == self.staged and not again:
            return version
        signed = integrity_enforced(self._house.instance)
        if signed:
            require_signing_key(self._house.instance)

        def told(progress: Progress) -> None:
            self._tell_later(UpdateStep.DOWNLOADING, f"fetching {version}", progress.done_bytes, progress.total_bytes)

        self._tell(UpdateStep.DOWNLOADING, f"fetching {version}", 0, found.missing_bytes)
        fetched = await self._in_thread(partial(self._source.fetch, found.release, told))

        def installing(text: str, done: int, of: int) -> None:
            self._tell_later(UpdateStep.STAGING, f"{text} ({done} of {of})")

        self._tell(UpdateStep.STAGING, f"installing {version}")
        put = partial(
            stage, self._house.instance, version, fetched.wheels, fetched.file_list, sign=signed, tell=installing
        )
        place = await self._in_thread(put)
        self._tell(UpdateStep.STAGING, f"examining {version}")
        await self._in_thread(partial(examine, self._house.instance, place, version, signed=signed))
        await self._in_thread(partial(self._standing.write, Event.STAGED, version, by))
        self._standing.look()  # whoever hears that it is done may ask what is staged
        self._house.log.info("update.staged", version=version, by=by)
        return version

    async def apply(self, wanted: str, by: str, wait_s: float, *, again: bool = False) -> None:
        """Go over to a release. Ends with this process, unless there is nothing to go over to. Raises UpdateError."""
        self._standing.look()
        version = self.staged if not again and wanted in ("", self.staged) else ""
        if not version:
            version = await self.download(wanted, by, again=again)
        if version:
            await self._switch(version, by, wait_s)

    async def restart(self, by: str, wait_s: float) -> None:
        """The same way, to the version that runs: all processes end and start anew. Raises UpdateError."""
        version = self._layout.current()
        if version != self._house.version:
            raise NotInstalledError("the daemon was not started by `tpayd up`, so nobody could restart it")
        await self._in_thread(partial(self._standing.write, Event.STAGED, version, by))
        await self._switch(version, by, wait_s)

    async def _switch(self, version: str, by: str, wait_s: float) -> None:
        self._tell(UpdateStep.STAGING, f"examining {version}")
        environment = self._layout.environment(version)
        if environment is None:
            raise NotInstalledError(f"{version} is not installed whole; `tpayd update download` installs it anew")
        signed = integrity_enforced(self._house.instance)
        await self._in_thread(partial(examine, self._house.instance, environment, version, signed=signed))

        def waiting(held: HeldPayments) -> None:
            lanes = ", ".join(held.lanes)
            text = f"waiting for payments under way (lanes {lanes})" if held.under_way else f"going over to {version}"
            step = UpdateStep.WAITING if held.under_way else UpdateStep.SWITCHING
            self.work.tell(UpdateProgress(step=step, text=text, lanes=held.lanes))

        here = await self._here()

        def fits(held: HeldPayments) -> None:
            release = self._release
            if release is None or str(release.version) != version:
                return
            now = Here(here.running, here.python, held.journal_revision, here.keystore_version)
            if problem := misfit(release, now, again=True):
                raise NotFittingError(f"{version} is not gone over to: {problem}")

        await self._switching.order(version, by, wait_s, waiting, fits)
        self._standing.look()

    # The operations

    async def _check(self, request: Request, _: Empty) -> UpdateStatus:
        await self.work.serve(request, self.check)
        return self.status()

    async def _download(self, request: Request, body: DownloadUpdate) -> UpdateStatus:
        async def work() -> None:
            await self.download(body.version, request.principal or request.caller)

        await self.work.serve(request, work)
        return self.status()

    def _status(self, _: Request, __: Empty) -> UpdateStatus:
        return self.status()

    def status(self) -> UpdateStatus:
        """How it stands."""
        attempt, now = self._standing.attempt, self.work.now
        step = self.work.step
        if now is None:
            step = self._standing.step
        return UpdateStatus(
            step=step, running=self._house.version,
            text=now.text if now is not None else standing_text(attempt, self.work.problem, self._house.settings),
            newest=self.newest, staged=self.staged, checked_at_ms=self.checked_at_ms,
            window=self._house.settings.window, notice=self.notice,
        )  # fmt: skip

    async def _history(self, _: Request, query: UpdateHistoryQuery) -> UpdateHistory:
        try:
            records = await asyncio.to_thread(self._book.records)
        except (DamagedError, OSError) as error:
            raise CallError.not_started(ErrorCode.STORAGE_FAILED, str(error)) from error
        found = [as_record(attempt) for attempt in attempts(records)]
        return UpdateHistory(tuple(reversed(found[-query.limit :])))

    # Steps

    async def _tell_time(self) -> None:
        """Keys expire by a time that is at least what was signed (docs/adr/0019)."""
        signed_at = self._source.signed_at
        if signed_at is not None and signed_at.timestamp() > 0:
            with contextlib.suppress(CallError):
                body = SignedTime(int(signed_at.timestamp() * 1000))
                await self._house.caller("key_manager").call(TIME_SIGNED, body, ttl_s=5.0)

    async def _here(self) -> Here:
        stored = await self._switching.stored()
        try:
            schema = (await self._house.caller("key_manager").call(KEY_LIST, KeysQuery(), ttl_s=5.0)).store_schema
        except CallError:
            schema = 0
        attempt = self._standing.attempt
        rolled_back = attempt.state is State.ROLLED_BACK
        return Here(
            running=self._house.version, python=sys.version_info[:2],
            journal_revision=stored.journal_revision if stored is not None else "", keystore_version=schema,
            rolled_back=attempt.version if rolled_back else "", rolled_back_why=attempt.text,
        )  # fmt: skip

    async def _prove(self) -> None:
        was_on_trial = self._standing.attempt.on_trial
        await prove(self._house, self._book, self._standing.look)
        self._standing.look()
        if self._standing.attempt.state is State.COMMITTED:
            await self._in_thread(partial(clean, self._layout, self._house.version, self._house.settings.keep_releases))
            if was_on_trial and self.is_configured and not self.work.is_under_way:
                await self._tidy()

    async def _tidy(self) -> None:
        """Remove what was fetched for releases that are gone; once in a life is enough."""
        if self._files_needed():
            return
        versions = {*self._layout.installed(), self.staged}
        try:
            freed = await self._in_thread(partial(self._source.tidy, versions))
        except UpdateError as error:
            self._house.log.info("update.not_tidied", reason=error.code, why=str(error))
            return
        self._is_tidy = True
        if freed:
            self._house.log.info("update.tidied", freed_bytes=freed)

    def _changed(self) -> None:
        self._house.publisher.publish(TOPIC_UPDATE, UpdateEvent(self.status()))

    def _tell(self, step: UpdateStep, text: str, done: int = 0, of: int = 0) -> None:
        self.work.tell(UpdateProgress(step=step, text=text, done_bytes=done, of_bytes=of))

    def _tell_later(self, step: UpdateStep, text: str, done: int = 0, of: int = 0) -> None:
        """From another thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, step, text, done, of)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)

    # Metrics

    def _is_available(self) -> float:
        return float(self.newest is not None)

    def _checked_s(self) -> float:
        return (self.checked_at_ms or 0) / 1000

"""What the updater does by itself: looks for releases, tells of them once a day, goes over to them in the window (T16).

`[updates]` of store.toml is read at each look: it counts at once when it is changed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime

from tpayd.kit.bus import CallError, Request, Server
from tpayd.kit.durable_file import replace_file
from tpayd.kit.house import House
from tpayd.kit.settings import SettingsError
from tpayd.kit.store_settings import UpdateSettings, load_store
from tpayd.releases.layout import Layout
from tpayd.updater.desk import UpdateDesk
from tpayd.updater.errors import UpdateError
from tpayd.updater.occasions import Told, Window, notice_due
from tpayd.updater.settings import UpdaterSettings
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.updates import (
    TOPIC_NOTICE,
    UPDATE_ANSWER,
    UPDATE_APPLY,
    AnswerNotice,
    ApplyUpdate,
    NoticeAnswer,
    UpdateNotice,
    UpdateStatus,
)

__all__ = ["Automatic"]

_LOOK_EVERY_S = 5.0
_FIRST_CHECK_S = 20.0
"""After the start: nobody waits for it, and payments do for the start."""
_AUTOMATIC = "automatic"


class Automatic:
    """The occasions, and what is remembered of them over restarts."""

    def __init__(
        self, house: House[UpdaterSettings], desk: UpdateDesk, now: Callable[[], datetime] | None = None
    ) -> None:
        """`now` is local time."""
        self._house = house
        self._desk = desk
        self._now = now or (lambda: datetime.now().astimezone())
        self._path = Layout(house.instance.home).updates / "asked.json"
        self._told = Told()
        self._approved = ""
        """The version that a person wants to be gone over to in the window."""
        self._window = Window.parse(house.settings.window)
        self._tried_on = ""
        self._next_check_s = 0.0
        self._closing: asyncio.TimerHandle | None = None

    def register(self, server: Server) -> None:
        """Answer."""
        server.handle(UPDATE_ANSWER, self._answer)
        server.handle(UPDATE_APPLY, self._apply)

    def start(self) -> None:
        """Begin to look."""
        self._read()
        self._next_check_s = asyncio.get_running_loop().time() + _FIRST_CHECK_S
        self._house.call_every(_LOOK_EVERY_S, self._look)

    def stop(self) -> None:
        """No notice closes any more."""
        if self._closing is not None:
            self._closing.cancel()

    async def _look(self) -> None:
        if self._desk.work.is_under_way or not self._desk.is_configured:
            return
        hours = self._house.settings.check_every_h
        now_s = asyncio.get_running_loop().time()
        try:
            if hours and now_s >= self._next_check_s:
                self._next_check_s = now_s + hours * 3600
                await self._desk.work.begin(self._desk.check)
            self._tell()
            await self._go_over()
        except UpdateError:
            return  # told and counted by the work itself

    def _tell(self) -> None:
        """Tell of a release, if it is time to."""
        newest, options, today = self._desk.newest, self._options(), self._now().date()
        if newest is None or newest.problem or self._desk.notice is not None:
            return
        if not notice_due(self._told, today, newest.version, enabled=options.notice):
            return
        self._told = Told(today.isoformat(), newest.version)
        self._write()
        notice = UpdateNotice(
            notice_id=f"n-{today:%Y%m%d}-{newest.version}", release=newest, wait_s=options.notice_wait_s,
            automatic=options.automatic, at_ms=self._house.clock.unix_ms(),
        )  # fmt: skip
        self._desk.notice = notice
        self._house.publisher.publish(TOPIC_NOTICE, notice)
        self._house.log.info("update.notice", version=newest.version, wait_s=notice.wait_s)
        self._closing = asyncio.get_running_loop().call_later(notice.wait_s, self._close, notice)

    def _close(self, notice: UpdateNotice) -> None:
        """Nobody has answered: the option decides."""
        if self._desk.notice == notice:
            self._desk.notice = None
            if self._options().automatic:
                self._begin(notice.release.version, _AUTOMATIC, at_once=False)

    async def _answer(self, request: Request, body: AnswerNotice) -> UpdateStatus:
        notice = self._desk.notice
        if notice is None or notice.notice_id != body.notice_id:
            raise CallError.not_started(ErrorCode.NOT_FOUND, "this notice does not wait any more")
        self._desk.notice = None
        self.stop()
        if body.answer is NoticeAnswer.UPDATE:
            self._begin(notice.release.version, request.principal or request.caller, at_once=True)
        return self._desk.status()

    def _begin(self, version: str, by: str, *, at_once: bool) -> None:
        """Fetch it; and go over to it, at once or in the window."""
        wait_s = self._house.settings.idle_wait_s

        async def work() -> None:
            if at_once:
                await self._desk.apply(version, by, wait_s)
            else:
                await self._desk.download(version, by)

        try:
            task = self._desk.work.begin(work)
        except UpdateError:
            return  # whatever is under way is an update, too
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _apply(self, request: Request, body: ApplyUpdate) -> UpdateStatus:
        """By hand: now, or in the window."""
        by = request.principal or request.caller
        now = self._now()
        waits = not body.now and self._house.settings.window != "" and not self._window.holds(now)

        async def work() -> None:
            if not waits:
                await self._desk.apply(body.version, by, body.wait_s, again=body.again)
                if body.restart:
                    await self._desk.restart(by, body.wait_s)
                return
            version = await self._desk.download(body.version, by, again=body.again)
            if version:
                self._approved = version
                self._write()

        await self._desk.work.serve(request, work)
        return self._desk.status()

    async def _go_over(self) -> None:
        """In the window, once a day."""
        version, now = self._desk.staged, self._now()
        if not version or not self._window.holds(now) or self._tried_on == now.date().isoformat():
            return
        if self._options().automatic or self._approved == version:
            self._tried_on = now.date().isoformat()
            wait_s = self._house.settings.idle_wait_s

            async def work() -> None:
                await self._desk.apply(version, _AUTOMATIC, wait_s)

            await self._desk.work.begin(work)

    def _options(self) -> UpdateSettings:
        try:
            return load_store(self._house.instance.settings_file("store")).updates
        except SettingsError:
            return self._house.store.updates

    def _read(self) -> None:
        try:
            told = json.loads(self._path.read_bytes())
            self._told = Told(str(told["day"]), str(told["version"]))
            self._approved = str(told["approved"])
        except (OSError, ValueError, KeyError, TypeError):
            self._told, self._approved = Told(), ""

    def _write(self) -> None:
        told = {"day": self._told.day, "version": self._told.version, "approved": self._approved}
        try:
            self._path.parent.mkdir(mode=0o750, exist_ok=True)
            replace_file(self._path, json.dumps(told).encode(), 0o640)
        except OSError as error:
            # Told once too often is better than never.
            self._house.log.warning("update.not_remembered", why=str(error))

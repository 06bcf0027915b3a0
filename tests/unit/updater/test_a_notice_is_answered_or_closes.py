"""T16: a new version is told once a day; an answer decides, or after the wait the automatic option does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tpayd.kit.bus import CallError
from tpayd.kit.store_settings import UpdateSettings
from tpayd.updater.automatic import Automatic
from tpayd_contracts.updates import AnswerNotice, NoticeAnswer, ReleaseInfo, UpdateNotice

NIGHT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
RELEASE = ReleaseInfo(version="0.2.0", published_at_ms=1)


class Desk:
    """The updater's desk: notes what it is asked to do."""

    def __init__(self) -> None:
        self.newest: ReleaseInfo | None = RELEASE
        self.notice: UpdateNotice | None = None
        self.staged = ""
        self.is_configured = True
        self.done: list[tuple[str, str, str]] = []
        self.work = SimpleNamespace(is_under_way=False, begin=self._begin)

    async def check(self) -> None:
        self.done.append(("check", "", ""))

    async def apply(self, version: str, by: str, _wait_s: float) -> None:
        self.done.append(("apply", version, by))

    async def download(self, version: str, by: str) -> str:
        self.done.append(("download", version, by))
        return version

    def status(self) -> str:
        return "status"

    def _begin(self, work: Any) -> asyncio.Task[None]:
        made: Coroutine[Any, Any, None] = work()
        return asyncio.get_running_loop().create_task(made)


class Shop:
    """An updater's occasions, without the rest of it."""

    def __init__(self, home: Path, options: UpdateSettings, at: datetime = NIGHT) -> None:
        self.desk = Desk()
        self.told: list[str] = []
        self.at = at
        quiet = SimpleNamespace(info=lambda *_, **__: None, warning=lambda *_, **__: None)
        house = SimpleNamespace(
            settings=SimpleNamespace(window="02:00-05:00", check_every_h=0, idle_wait_s=1.0),
            instance=SimpleNamespace(home=home, settings_file=lambda name: home / f"{name}.toml"),
            store=SimpleNamespace(updates=options), log=quiet, clock=SimpleNamespace(unix_ms=lambda: 1),
            publisher=SimpleNamespace(publish=lambda topic, _: self.told.append(topic)),
            call_every=lambda *_: None,
        )  # fmt: skip
        self.automatic = Automatic(house, self.desk, now=lambda: self.at)  # type: ignore[arg-type]
        self.automatic.start()

    async def look(self) -> None:
        await self.automatic._look()
        await asyncio.sleep(0)

    async def answer(self, answer: NoticeAnswer) -> None:
        assert self.desk.notice is not None
        request = SimpleNamespace(principal="manager", caller="gateway")
        await self.automatic._answer(request, AnswerNotice(self.desk.notice.notice_id, answer))  # type: ignore[arg-type]
        await asyncio.sleep(0)


def options(*, notice: bool = True, automatic: bool = False, notice_wait_s: float = 60.0) -> UpdateSettings:
    return UpdateSettings(notice=notice, automatic=automatic, notice_wait_s=notice_wait_s)


async def test_it_is_told_once_a_day_over_restarts(tmp_path: Path) -> None:
    """The next process remembers it; the next day it is told again."""
    first = Shop(tmp_path, options())
    await first.look()
    await first.look()
    again = Shop(tmp_path, options())
    await again.look()
    tomorrow = Shop(tmp_path, options(), NIGHT.replace(day=3))
    await tomorrow.look()
    assert [1, 0, 1] == [len(shop.told) for shop in (first, again, tomorrow)]
    for shop in (first, again, tomorrow):
        shop.automatic.stop()


async def test_it_is_not_told_where_nobody_wants_it(tmp_path: Path) -> None:
    """Nor where there is nothing new, nor of a release that cannot be gone over to."""
    shop = Shop(tmp_path, options(notice=False))
    await shop.look()
    shop = Shop(tmp_path, options())
    shop.desk.newest = ReleaseInfo(version="0.2.0", published_at_ms=1, problem="it needs Python 3.14")
    await shop.look()
    assert [] == shop.told


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(NoticeAnswer.UPDATE, [("apply", "0.2.0", "manager")]), (NoticeAnswer.LATER, [])],
)
async def test_an_answer_decides(tmp_path: Path, answer: NoticeAnswer, expected: list[tuple[str, str, str]]) -> None:
    """업데이트 updates at once; 취소 and 닫기 do nothing, and the notice waits no more."""
    shop = Shop(tmp_path, options(automatic=True))
    await shop.look()
    notice = shop.desk.notice
    await shop.answer(answer)
    assert (expected, None) == (shop.desk.done, shop.desk.notice)
    assert notice is not None
    with pytest.raises(CallError, match="does not wait any more"):
        await shop.automatic._answer(
            SimpleNamespace(principal="x"),  # type: ignore[arg-type]
            AnswerNotice(notice.notice_id, answer),
        )


@pytest.mark.parametrize(("automatic", "expected"), [(True, [("download", "0.2.0", "automatic")]), (False, [])])
async def test_without_an_answer_the_option_decides(
    tmp_path: Path, automatic: bool, expected: list[tuple[str, str, str]]
) -> None:
    """On: it is fetched, and gone over to in the window. Off: the notice closes."""
    shop = Shop(tmp_path, options(automatic=automatic))
    await shop.look()
    notice = shop.desk.notice
    assert notice is not None
    shop.automatic._close(notice)
    await asyncio.sleep(0)
    shop.automatic.stop()
    assert expected == shop.desk.done


@pytest.mark.parametrize(("hour", "expected"), [(3, [("apply", "0.2.0", "automatic")]), (12, [])])
async def test_what_is_installed_is_gone_over_to_in_the_window(
    tmp_path: Path, hour: int, expected: list[tuple[str, str, str]]
) -> None:
    """Once in a night, by itself where that is on."""
    shop = Shop(tmp_path, options(notice=False, automatic=True), NIGHT.replace(hour=hour))
    shop.desk.staged = "0.2.0"
    await shop.look()
    await shop.look()
    assert expected == shop.desk.done

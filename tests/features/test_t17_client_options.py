"""T17: what client programs are told [특수 기능(DLL 환경설정)], its printed defaults, and the recommended preset."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from tests.features.conftest import Run
from tests.harness import Store, SupervisedStore, eventually, tpayd
from tpayd.cli.exits import Exit
from tpayd.gateway.clients import ClientRegistry
from tpayd.kit.instance import OWNER_CLIENT
from tpayd_client import ConnectionFailed, NotAllowed, Pos, Starter, connect, connect_async
from tpayd_client.types import ClientOptions, Verdict
from tpayd_contracts.operation import Right

T = TypeVar("T")

PRINTED = ClientOptions(
    restart_when_down=False, shared=False, client_keeps_focus=True, daemon_keeps_focus=True, screen="1024x768"
)
RECOMMENDED = ClientOptions(
    restart_when_down=True, shared=True, client_keeps_focus=True, daemon_keeps_focus=False, screen="1024x768"
)


def told(shop: Store) -> ClientOptions | None:
    with shop.client() as pos:
        return pos.store_status().options


def test_the_recommended_preset_and_back(shop: Store, run: Run) -> None:
    """Told to every client at once; the switch of the signature image [프로그램 실행 경로에 저장] is part of it."""
    before = told(shop)
    tried = run("settings", "preset", "recommended", "--dry-run")
    untouched = told(shop)
    changed = run("settings", "preset", "recommended")
    recommended = told(shop)
    (switch,) = run("settings", "show", "signature_in_home", "--json").json["settings"]
    run("settings", "preset", "printed")

    assert (PRINTED, PRINTED, RECOMMENDED, PRINTED) == (before, untouched, recommended, told(shop))
    assert (Exit.OK, Exit.OK, "true") == (tried.status, changed.status, switch["value"])


def test_a_lane_is_for_one_program_unless_the_store_shares_it(shop: Store, run: Run) -> None:
    """[DLL 중복 사용 허용] The second one is told who has the lane; it gets it when the first one is gone."""
    shop.hold_cards("visa-tap")
    registry = ClientRegistry.open(shop.instance)
    keys = [registry.add(name, ("1",), Right.POS) for name in ("till-a", "till-b")]
    with shop.client("till-b", key_file=keys[1]) as second:
        with shop.client("till-a", key_file=keys[0]) as first:
            assert Verdict.PAID == first.sale("1", 11_000).verdict
            with pytest.raises(NotAllowed) as refused:
                second.sale("1", 12_000)
            seen = second.last("1").verdict
            run("settings", "set", "client.shared=true")
            shared = second.sale("1", 13_000).verdict
            run("settings", "reset", "client.shared")
        alone = eventually(lambda: sold_by(second), timeout_s=30, what="the lane is free")
    for name in ("till-a", "till-b"):
        registry.remove(name)

    assert ("not_shared", True) == (refused.value.detail, "till-a" in refused.value.message)
    assert (Verdict.PAID, Verdict.PAID, Verdict.PAID) == (seen, shared, alone)


def sold_by(pos: Pos) -> Verdict | None:
    try:
        return pos.sale("1", 15_000).verdict
    except NotAllowed:
        return None


def while_the_gateway_is_down(shop: Store, place: Path, ask: Callable[[list[str]], T]) -> T:
    """What `ask` returns, that is given the command which has the gateway started, and ends when it is up."""
    asked, up = place / "asked", place / "up"
    shop.kill("gateway")
    command = ["sh", "-c", f"echo x >> {asked}; while [ ! -e {up} ]; do sleep 0.05; done"]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, command)
        # From this thread, since a service ends with the thread that started it.
        eventually(lambda: asked.exists() or answer.done(), timeout_s=60, what="the command is run")
        shop.start("gateway")
        shop.wait_ready("gateway", timeout_s=60)
        up.touch()
        return answer.result(60)


def test_a_client_starts_the_daemon_that_it_finds_down(shop: Store, tmp_path: Path) -> None:
    """[데몬 프로그램 종료된 경우 재실행] Checked at each request; the payment is made once, under its own id."""
    shop.hold_cards("visa-tap")
    booked = len(shop.sandbox.ledger())

    def sell(command: list[str]) -> Verdict:
        pos = connect(
            shop.instance.public(), OWNER_CLIENT, request_log=tmp_path / "log", connect_timeout_s=2.0,
            start_command=command,
        )  # fmt: skip
        with pos:
            return pos.sale("1", 11_000).verdict

    assert Verdict.PAID == while_the_gateway_is_down(shop, tmp_path, sell)
    assert booked + 1 == len(shop.sandbox.ledger())
    assert "x\n" == (tmp_path / "asked").read_text()


def test_an_async_client_does_so_once_for_all_that_wait(shop: Store, tmp_path: Path) -> None:
    """Requests that come together share the start."""

    async def look(command: list[str]) -> list[ClientOptions | None]:
        pos = connect_async(
            shop.instance.public(), OWNER_CLIENT, request_log=tmp_path / "log", connect_timeout_s=2.0,
            start_command=command,
        )  # fmt: skip
        async with pos:
            statuses = await asyncio.gather(*(pos.store_status() for _ in range(3)))
        return [status.options for status in statuses]

    found = while_the_gateway_is_down(shop, tmp_path, lambda command: asyncio.run(look(command)))

    assert [PRINTED] * 3 == found
    assert "x\n" == (tmp_path / "asked").read_text()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/nowhere/tpayd", "up"], "cannot be run"),
        (["sh", "-c", "echo broken >&2; exit 3"], "ended with status 3: broken"),
        (["sleep", "60"], "had not ended after 0.2 s"),
    ],
)
def test_a_start_that_fails_is_told(tmp_path: Path, command: list[str], why: str) -> None:
    """With its reason; nothing was sent, and the wait is bounded."""
    starter = Starter(command, wait_s=0.2 if command[0] == "sleep" else 30.0)
    with (
        connect(
            f"ipc://{tmp_path}/nobody", OWNER_CLIENT, request_log=tmp_path / "log", connect_timeout_s=0.2,
            start_command=starter,
        ) as pos,
        pytest.raises(ConnectionFailed) as failed,
    ):  # fmt: skip
        pos.sale("1", 11_000)
    assert why in failed.value.message


@pytest.mark.timeout(300)
def test_the_command_line_starts_it_where_the_store_wants_that(supervised: SupervisedStore) -> None:
    """Off: `tpayd sale` says that nobody is there. On: it starts the daemon, and the sale is made."""
    home = supervised.instance.home
    supervised.down(90)
    off = tpayd("sale", "11000", home=home)
    file = supervised.instance.settings_file("store")
    before = file.read_text()
    file.write_text(before.replace("restart_when_down = false", "restart_when_down = true"))
    on = tpayd("sale", "11000", home=home)
    file.write_text(before)

    assert (Exit.NOT_RUNNING, True) == (off.status, "no gateway answers" in off.err)
    assert (Exit.OK, True) == (on.status, "PAID" in on.out)

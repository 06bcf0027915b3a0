"""A key exchange that a kill cuts at any step leaves the old key or the new one in force: never none, never two."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.harness import Store, eventually
from tpayd.kit.crashpoints import KEY_EXCHANGE, TABLE, VARIABLE, Switchboard
from tpayd_client import Pos, TpaydError
from tpayd_client.types import KeyState, LineState, Verdict

pytestmark = pytest.mark.timeout(300)

READER = "reader-1"
POINTS = (
    *((point, 1) for point in KEY_EXCHANGE),
    ("port.before_write", 1),
    ("port.after_write", 2),
    ("reader.before_answer", 1),
    ("reader.before_answer", 2),
    ("line.after_send", 1),
    ("line.received", 1),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "1"
    try:
        with Store(tmp_path_factory.mktemp("cut"), lanes=1, readers=1) as store:
            store.open_shop(card="visa-ic")
            yield store
    finally:
        if before is None:
            del os.environ[VARIABLE]


def _states(pos: Pos) -> list[KeyState]:
    """Of the reader's keys that are not history."""
    return [key.state for key in pos.keys().keys if key.device == READER and key.state is not KeyState.RETIRED]


def _settled(pos: Pos) -> bool:
    """One key in force, and the reader says that it is this one."""
    with contextlib.suppress(TpaydError):
        (device,) = pos.devices().devices
        line_is_up = any(line.state is LineState.SIGNED_ON for line in pos.host_status().lines)
        held = [key.check_value for key in pos.keys().keys if key.device == READER and key.state is KeyState.ACTIVE]
        return (
            line_is_up
            and device.state == "ready"
            and not device.bars
            and _states(pos) == [KeyState.ACTIVE]
            and held == [device.key_check_value]
        )
    return False


@pytest.mark.parametrize(("point", "passing"), POINTS)
def test_one_key_is_in_force_after_a_kill(shop: Store, point: str, passing: int) -> None:
    """It is the one that the reader holds; the next sale is paid, and the next exchange works."""
    board = Switchboard.of(shop.instance)
    process = (TABLE | KEY_EXCHANGE)[point].process
    with shop.client() as pos:
        eventually(lambda: _settled(pos), timeout_s=60, what="one key in force before")
        board.arm((point, passing))
        with contextlib.suppress(TpaydError):
            pos.exchange_reader_key(READER)
        fired = not board.armed()
        board.arm()
        if fired:
            assert -9 == shop[process].exit_status()
            shop.start(process)
        assert fired
        eventually(lambda: _settled(pos), timeout_s=60, what=lambda: f"one key in force; there are {_states(pos)}")
        eventually(
            lambda: shop.reaches_all("transaction") and shop.reaches_all("key_manager"),
            timeout_s=60,
            what="all that a payment needs",
        )
        assert Verdict.PAID is pos.sale("1", 11_000).verdict
        assert KeyState.ACTIVE is pos.exchange_reader_key(READER).state

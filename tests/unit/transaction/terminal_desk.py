"""A terminal desk in a test's hand: its host, its clock, its files."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import structlog

from tests.harness.clock import FakeClock
from tpayd.transaction.terminals.desk import TerminalDesk
from tpayd.transaction.terminals.errors import HostRefusedError
from tpayd.transaction.terminals.files import PasswordFile, RegisterFile, Saver
from tpayd.transaction.terminals.guard import PasswordGuard
from tpayd_contracts.terminal import DeleteTerminals, Merchant, OpenedTerminals, OpenTerminals, Terminal

__all__ = ["BUSINESS_NUMBER", "SESSION_S", "FakeHost", "Office", "run"]

BUSINESS_NUMBER = "1048658278"
SESSION_S = 600.0

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class FakeHost:
    """Opens what it is not told to refuse."""

    def __init__(self) -> None:
        self.refusals: dict[str, str] = {}
        self.asked: list[str] = []

    async def open_terminal(self, terminal_id: str, business_number: str, trace: str | None = None) -> Terminal:
        self.asked.append(terminal_id)
        if terminal_id in self.refusals:
            raise HostRefusedError(self.refusals[terminal_id])
        return Terminal(terminal_id, business_number, opened_at_ms=len(self.asked))

    async def download_merchant(self, terminal_id: str, business_number: str, trace: str | None = None) -> Merchant:
        return Merchant(terminal_id, business_number, name="Corner Shop", downloaded_at_ms=1)


class Office:
    """The desk over files in a directory; `reopened` is what a restart finds."""

    def __init__(self, directory: Path, clock: FakeClock | None = None) -> None:
        self.directory = directory
        self.clock = clock or FakeClock()
        self.host = FakeHost()
        self.registers = RegisterFile(directory)
        self.passwords = PasswordFile(directory)
        log = structlog.get_logger()
        self.desk = TerminalDesk(
            self.registers.read(),
            profile="test",
            lane_terminals=("TPAY0001", "TPAY0002"),
            host=self.host,
            guard=PasswordGuard(
                self.passwords.read(), Saver(self.passwords.path, self.passwords.write).save, self.clock, log
            ),
            save=Saver(self.registers.path, self.registers.write).save,
            session_s=SESSION_S,
            clock=self.clock,
            log=log,
        )

    def reopened(self) -> Office:
        return Office(self.directory, self.clock)

    async def open(self, *terminal_ids: str, by: str = "cli") -> OpenedTerminals:
        return await self.desk.open(by, OpenTerminals(BUSINESS_NUMBER, terminal_ids))

    def delete(self, *terminal_ids: str, by: str = "cli") -> None:
        self.desk.stage_delete(by, DeleteTerminals(terminal_ids))

    @property
    def open_ids(self) -> list[str]:
        return [terminal.terminal_id for terminal in self.desk.list().terminals]

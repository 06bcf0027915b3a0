"""A disk that hangs while the list of terminals is written: an answer in time, and memory that follows the disk."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tpayd.kit.bus import CallError
from tpayd.transaction.terminals import files
from tpayd.transaction.terminals.files import Saver
from tpayd.transaction.terminals.register import Register
from tpayd_contracts.errors import ErrorCode, Outcome


def test_the_outcome_is_unknown_until_the_disk_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile nothing else is written, and what was written late counts all the same."""
    monkeypatch.setattr(files, "WRITE_MAX_S", 0.05)
    answers = threading.Event()

    def write(_: Register) -> None:
        answers.wait(10)

    async def story() -> None:
        on_disk = asyncio.Event()
        saver: Saver[Register] = Saver(Path("terminals.json"), write)

        with pytest.raises(CallError) as hung:
            await saver.save(Register(), on_disk.set)
        with pytest.raises(CallError) as second:
            await saver.save(Register(), lambda: None)
        assert not on_disk.is_set()
        answers.set()
        await asyncio.wait_for(on_disk.wait(), 10)
        await asyncio.sleep(0)
        await saver.save(Register(), lambda: None)

        assert [(ErrorCode.STORAGE_FAILED, Outcome.UNKNOWN), (ErrorCode.STORAGE_FAILED, Outcome.NOT_STARTED)] == [
            (each.value.code, each.value.outcome) for each in (hung, second)
        ]

    asyncio.run(story())

"""Which readers' firmware may be half written: on disk before a reader is touched, and told as bars."""

from __future__ import annotations

import asyncio

from tpayd.device_broker.examination import Examination
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.reader import Reader
from tpayd.device_broker.updating import refusals
from tpayd.device_broker.updating.unfinished import Unfinished, after_start, bars_of
from tpayd.device_broker.updating.unfinished_file import UnfinishedFile
from tpayd.kit.bus import CallError
from tpayd.kit.logs import Log
from tpayd_contracts.device import BarCause, BarReaders

__all__ = ["Notes"]


class Notes:
    """See the module."""

    def __init__(self, file: UnfinishedFile, lending: Lending, log: Log) -> None:
        self._file = file
        self._lending = lending
        self._log = log
        self._noted: dict[str, Unfinished] = {}
        self._live: set[str] = set()
        self._writing = asyncio.Lock()
        self._saving: set[asyncio.Task[None]] = set()
        lending.examined.append(self._examined)

    def start(self) -> None:
        """Keep from payments what was so before. A file that cannot be read keeps nobody from selling."""
        try:
            self._noted = {each.device: each for each in self._file.read()}
        except (OSError, ValueError) as error:
            self._log.error(
                "firmware.unreadable", file=str(self._file.path), why=str(error),
                then="readers say themselves whether they have but their boot loader",
            )  # fmt: skip
        self._bar()

    def of(self, device: str) -> Unfinished | None:
        """What is noted of a reader."""
        return self._noted.get(device)

    def begin(self, noted: Unfinished) -> None:
        """Keep it from payments, at once."""
        self._live.add(noted.device)
        self._noted[noted.device] = noted
        self._bar()

    async def save(self) -> None:
        """Have what is noted on disk. Raises CallError."""
        async with self._writing:
            try:
                await asyncio.to_thread(self._file.write, tuple(self._noted.values()))
            except OSError as error:
                raise refusals.not_noted(f"{self._file.path}: {error}") from None

    def end(self, device: str) -> None:
        """The work on it is over, well or not; what its next start says decides."""
        self._live.discard(device)
        self._bar()

    def drop(self, device: str) -> bool:
        """A person, or its start, gives it back. False: it is being updated."""
        if device in self._live:
            return False
        if self._noted.pop(device, None) is not None:
            self._bar()
            self._save_later()
        return True

    def untouched(self, before: Unfinished | None, device: str) -> None:
        """Nothing of the image has reached it: what was noted before stands."""
        self._live.discard(device)
        if before is None:
            self._noted.pop(device, None)
        else:
            self._noted[device] = before
        self._bar()
        self._save_later()

    def _examined(self, reader: Reader, seen: Examination) -> None:
        noted = self._noted.get(reader.name)
        if noted is None or reader.handed_over:
            return
        after = after_start(noted, seen)
        if after == noted:
            return
        if after is None:
            del self._noted[reader.name]
        else:
            self._noted[reader.name] = after
        self._log.info("firmware.settled", device=reader.name, barred=after is not None)
        self._bar()
        self._save_later()

    def _bar(self) -> None:
        self._lending.bar(BarReaders(BarCause.FIRMWARE, bars_of(self._noted.values(), self._live)))

    def _save_later(self) -> None:
        """A note too many on disk is put right by the reader's next start."""
        task = asyncio.get_running_loop().create_task(self._save_or_tell())
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save_or_tell(self) -> None:
        try:
            await self.save()
        except CallError as error:
            # The next change writes all of it again.
            self._log.warning("firmware.not_noted", why=str(error))

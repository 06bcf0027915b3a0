"""A reader in the test's hand, on a pty of its own: it says what it is told to, whenever."""

from __future__ import annotations

import os
import queue
import select
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.unit.readers.answers import ACK, EMPTY, framed, info

Answer = bytes | Callable[[bytes], bytes]

_LOOK_S = 0.05
_END_S = 30.0

WELL_BEHAVED: dict[int, Answer] = {
    0xA0: ACK,
    0x58: info(),
    0x50: framed(0x51, b"00"),
    0x26: EMPTY,
    0x24: EMPTY,
}


class ScriptedReader:
    """Answers each command by `answers`, silence for those it does not list; every request is kept in `heard`."""

    def __init__(self, link: Path) -> None:
        self.answers = dict(WELL_BEHAVED)
        self.heard: queue.Queue[tuple[int, bytes]] = queue.Queue()
        self._link = link
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        link.symlink_to(os.ttyname(self._slave))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._link.unlink()
        os.close(self._slave)
        # First the thread: it would read and write whatever gets the number next.
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(_END_S)
        os.close(self._master)

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def wait_for(self, command: int, timeout_s: float = 10.0) -> bytes:
        """The data of the next request of that kind; others before it are passed over."""
        while True:
            heard, data = self.heard.get(timeout=timeout_s)
            if heard == command:
                return data

    def nonce(self) -> str:
        """Of the next card transaction."""
        return self.wait_for(0x10)[-32:].decode()

    def _serve(self) -> None:
        pending = b""
        while not self._over.is_set():
            if not select.select([self._master], [], [], _LOOK_S)[0]:
                continue
            try:
                pending += os.read(self._master, 4096)
            except OSError:
                return
            while len(pending) >= 3 and len(pending) >= (whole := int.from_bytes(pending[1:3], "big") + 4):
                frame, pending = pending[:whole], pending[whole:]
                self._take(frame[3], frame[4:-2])

    def _take(self, command: int, data: bytes) -> None:
        self.heard.put((command, data))
        answer = self.answers.get(command, b"")
        out = answer if isinstance(answer, bytes) else answer(data)
        if out:
            self.send(out)

"""Supervisor's event listener: finds processes that hang, and starts again those that supervisor has given up on.

Supervisor sees only whether a process exists. This one asks each, over the bus, whether its own loop still turns, and
kills (SIGKILL: a stopped process heeds nothing else, and supervisor would wait out its whole `stopwaitsecs`) the one
that does not. What it does is in `watching`, the rules are in `vigil`.

Started by supervisor, which sends an event on standard input and waits for `RESULT` on standard output. Until the first
one hardly anything is imported, and then only when there is room: supervisor's ticks come when the clock shows a
multiple of five seconds, and one start in three meets one while what a sale needs is still importing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tpayd.kit import first_steps
from tpayd.kit.linux import forbid_memory_images

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["events", "main", "serve"]


def events(source: BinaryIO, sink: BinaryIO) -> Iterator[tuple[str, dict[str, str]]]:
    """Supervisor's events, each acknowledged when the next one is asked for. Ends when supervisor does."""
    while True:
        sink.write(b"READY\n")
        sink.flush()
        header = _fields(source.readline())
        if "len" not in header:
            return
        payload = source.read(int(header["len"]))
        yield header["eventname"], _fields(payload)
        sink.write(b"RESULT 2\nOK")
        sink.flush()


def _fields(line: bytes) -> dict[str, str]:
    return dict(field.split(":", 1) for field in line.decode().split() if ":" in field)


def serve(home: Path | None, source: BinaryIO, sink: BinaryIO) -> None:
    """Act on supervisor's events until it ends. Raises InstanceError."""
    heard = events(source, sink)
    first = next(heard, None)
    if first is None:
        return
    first_steps.make_room()
    from tpayd.kit.instance import Instance  # noqa: PLC0415
    from tpayd.supervision.watching import watching  # noqa: PLC0415

    with watching(Instance.open(home, create=False)) as watchdog:
        watchdog.take(*first)
        for event, fields in heard:
            watchdog.take(event, fields)


def main() -> int:
    """Serve supervisor until it ends."""
    parser = argparse.ArgumentParser(description="supervisor's event listener; supervisor starts it")
    parser.add_argument("--home", type=Path, help="the instance directory")
    forbid_memory_images()
    serve(parser.parse_args().home, sys.stdin.buffer, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())

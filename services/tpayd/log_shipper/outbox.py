"""The outbox on disk: what was asked for, how far it is, and the bundles that wait. It survives any death.

`data/outbox/<id>.json` is a request with its bundle's state, replaced as a whole; `data/outbox/<name>` is its bundle.

| a death between …                            | leaves                            | what the next start does        |
|----------------------------------------------|-----------------------------------|---------------------------------|
| the request on disk, and its answer          | `asked`                           | makes the bundle                |
| the bundle's bytes on disk, and its name     | `asked`, a `.part`                | removes it, makes another one   |
| the bundle under its name, and its record    | `asked`, a bundle nobody knows    | removes it, makes another one   |
| the record, and its delivery                 | `packed`                          | delivers it                     |
| the delivery's end at the server, its record | `packed`                          | delivers again: nothing is sent |
| the record `shipped`, and the removal        | `shipped`, a bundle               | removes it                      |
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
from msgspec import Struct

from tpayd.kit.durable_file import replace_file
from tpayd.kit.logs import Log
from tpayd.log_shipper.queue import ENDED
from tpayd_contracts.logs import Bundle, BundleState

__all__ = ["Entry", "Outbox"]

ENDED_KEPT = 20
"""Records of bundles that have ended, for `logs.status`."""
_SUFFIX = ".tar.zst.age"


class Entry(Struct, frozen=True, omit_defaults=True):
    """One request and its bundle."""

    bundle: Bundle
    since_ms: int | None = None
    until_ms: int | None = None
    services: tuple[str, ...] = ()
    failures_in_row: int = 0
    """To deliver it, without a new byte in between."""


class Outbox:
    """The directory, and what is in it by id."""

    def __init__(self, directory: Path, log: Log) -> None:
        self.directory = directory
        self._log = log
        self.entries: dict[str, Entry] = {}

    def open(self) -> None:
        """Read what an earlier life left, and clear what it left unfinished. Raises OSError."""
        self.directory.mkdir(mode=0o750, exist_ok=True)
        for path in sorted(self.directory.glob("*.json")):
            try:
                entry = msgspec.json.decode(path.read_bytes(), type=Entry)
            except (OSError, msgspec.DecodeError) as error:
                self._log.error("outbox.unreadable", file=path.name, why=str(error))
                continue
            if entry.bundle.state is BundleState.SENDING:
                entry = msgspec.structs.replace(entry, bundle=changed(entry.bundle, state=BundleState.PACKED))
            self.entries[entry.bundle.id] = entry
        self._clear()
        for entry in list(self.entries.values()):
            if entry.bundle.state is BundleState.PACKED and not self.path(entry.bundle).exists():
                # Somebody removed it, or the disk lost it: the logs are still there.
                self.put(msgspec.structs.replace(entry, bundle=changed(
                    entry.bundle, state=BundleState.ASKED, name="", size_bytes=0, sha256="",
                    detail="its file was gone from the outbox; it is made anew",
                )))  # fmt: skip

    @property
    def bundles(self) -> tuple[Bundle, ...]:
        """All that are known."""
        return tuple(entry.bundle for entry in self.entries.values())

    @property
    def waiting(self) -> tuple[Bundle, ...]:
        """Those that have not ended, oldest first."""
        return tuple(sorted((one for one in self.bundles if one.state not in ENDED), key=lambda one: one.asked_ms))

    @property
    def ended(self) -> tuple[Bundle, ...]:
        """Those that have, newest first."""
        found = (one for one in self.bundles if one.state in ENDED)
        return tuple(sorted(found, key=lambda one: one.ended_ms or 0, reverse=True))

    @property
    def held_bytes(self) -> int:
        """What the bundles take on disk."""
        return sum(one.size_bytes for one in self.waiting)

    def path(self, bundle: Bundle) -> Path:
        """Where its file is."""
        return self.directory / bundle.name

    def put(self, entry: Entry) -> None:
        """Keep it, durably. Raises OSError; the one before stands then."""
        replace_file(self._record(entry.bundle.id), msgspec.json.encode(entry), 0o640)
        self.entries[entry.bundle.id] = entry

    def update(self, identity: str, **fields: object) -> Bundle:
        """Change a bundle, durably. Raises OSError."""
        entry = self.entries[identity]
        after = changed(entry.bundle, **fields)
        self.put(msgspec.structs.replace(entry, bundle=after))
        return after

    def note(self, identity: str, **fields: object) -> Bundle:
        """Change what need not outlive this process."""
        entry = self.entries[identity]
        after = changed(entry.bundle, **fields)
        self.entries[identity] = msgspec.structs.replace(entry, bundle=after)
        return after

    def end(self, identity: str, **fields: object) -> Bundle:
        """Record its end, then remove its file, and the records of those long ended. Raises OSError."""
        try:
            return self.update(identity, **fields)
        except OSError as error:
            # A full disk: its own file makes the room that its record needs.
            self._log.error("outbox.not_written", bundle=identity, why=str(error))
            self.note(identity, **fields)
            self._clear()
            return self.update(identity, **fields)
        finally:
            self._clear()

    def _clear(self) -> None:
        """Remove what belongs to no bundle that waits, and the oldest of those that have ended."""
        for one in self.ended[ENDED_KEPT:]:
            del self.entries[one.id]
            with contextlib.suppress(OSError):
                self._record(one.id).unlink(missing_ok=True)
        wanted = {one.name for one in self.waiting}
        for path in self.directory.glob(f"*{_SUFFIX}*"):
            if path.name not in wanted:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _record(self, identity: str) -> Path:
        return self.directory / f"{identity}.json"


def changed(bundle: Bundle, **fields: object) -> Bundle:
    """The same bundle, further on."""
    return msgspec.structs.replace(bundle, **fields)

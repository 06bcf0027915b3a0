"""The store's settings as the command line names them: `file.setting`, or a name that only one file has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd_client import Pos, TpaydError
from tpayd_client.types import Setting, SettingsPage

__all__ = ["FILES", "Pages", "fetch", "files_of"]

FILES = ("store", "gateway", "transaction", "device_broker", "host_link", "key_manager", "updater", "log_shipper")


class Pages:
    """Settings by file."""

    def __init__(self, pages: Sequence[SettingsPage]) -> None:
        self.by_file = {page.file: page for page in pages}

    def __iter__(self) -> Iterator[tuple[str, Setting]]:
        """Each with its full name."""
        for page in self.by_file.values():
            for setting in page.settings:
                yield f"{page.file}.{setting.path}", setting

    def find(self, name: str) -> tuple[str, str]:
        """File and path of a name, or of a place within a list: `store.lanes.1.terminal_id`. Raises CommandError."""
        known = [full for full, _ in self]
        if name in known:
            return _parted(name)
        file, _, rest = name.partition(".")
        if rest and file in self.by_file:
            return file, rest  # the daemon knows what stands inside a list, and what is nearest
        ends = [full for full in known if full.endswith(f".{name}")]
        if len(ends) == 1:
            return _parted(ends[0])
        if ends:
            raise CommandError(f"{name} is in several files: say {' or '.join(ends)}", Exit.USAGE, code="usage")
        close = difflib.get_close_matches(name, [*known, *(_parted(full)[1] for full in known)], n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else "; see `tpayd settings list`"
        raise CommandError(f"there is no setting {name}{hint}", Exit.USAGE, code="usage")

    def setting(self, name: str) -> tuple[str, Setting]:
        """One setting with its full name. Raises CommandError."""
        file, path = self.find(name)
        for full, setting in self:
            if full == f"{file}.{path}":
                return full, setting
        known = [full for full, _ in self]
        close = difflib.get_close_matches(f"{file}.{path}", known, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise CommandError(f"there is no setting {file}.{path}{hint}", Exit.USAGE, code="usage")


def files_of(names: Sequence[str]) -> tuple[str, ...]:
    """The files to look into for these names: all, where one of them does not say its own."""
    firsts = {name.partition(".")[0] for name in names}
    return tuple(file for file in FILES if file in firsts) if firsts <= set(FILES) else FILES


def fetch(pos: Pos, files: Sequence[str] = FILES, *, on_problem: Callable[[str], None] | None = None) -> Pages:
    """Ask for these files' settings. Raises TpaydError; with `on_problem`, a file that fails is told and left out.

    Of several files, those of operations that do not run are left out: to ask them would be to wait for them.
    """
    missing = pos.store_status().operations_missing if len(files) > 1 else ()
    pages = []
    for file in files:
        if file in missing:
            if on_problem is not None:
                on_problem(f"{file}: it does not run; `tpayd status` says why")
            continue
        try:
            pages.append(SettingsPage.from_wire(pos.call("settings.show", {"file": file})))
        except TpaydError as error:
            if on_problem is None:
                raise
            on_problem(f"{file}: {error.message}")
    return Pages(pages)


def _parted(name: str) -> tuple[str, str]:
    file, _, path = name.partition(".")
    return file, path

"""Sets where the journal is, in config/transaction.toml, comments kept. For a store that does not run."""

from __future__ import annotations

import stat

import tomlkit

from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import Instance

__all__ = ["set_journal_url"]


def set_journal_url(instance: Instance, url: str) -> None:
    """An empty one is data/journal.sqlite3. Raises OSError."""
    path = instance.settings_file("transaction")
    settings = tomlkit.parse(path.read_text(encoding="utf-8"))
    settings["journal_url"] = url
    replace_file(path, tomlkit.dumps(settings).encode(), stat.S_IMODE(path.stat().st_mode))

"""A command's view of the payments' journal on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import LocalHouse
from tpayd.cli.output import Output
from tpayd.kit.lock import AlreadyRunningError, ServiceLock
from tpayd.kit.settings import SettingsError, load
from tpayd.transaction.journal import (
    JournalDamagedError,
    JournalOwnedError,
    JournalPlace,
    JournalUrlError,
    JournalVersionError,
    StorageError,
    place_of,
)
from tpayd.transaction.journal.moving import TargetInUseError
from tpayd.transaction.journal.progress import Progress
from tpayd.transaction.settings import TransactionSettings

__all__ = ["alone", "place_in", "settings_in", "showing", "telling"]


def place_in(house: LocalHouse) -> JournalPlace:
    """Where this instance's settings say that its journal is."""
    return place_of(house.instance, settings_in(house).journal_url)


def settings_in(house: LocalHouse) -> TransactionSettings:
    """The settings of the process that writes the journal."""
    try:
        return load(house.instance.settings_file("transaction"), TransactionSettings)
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE, code="settings") from error


@contextmanager
def alone(house: LocalHouse) -> Iterator[None]:
    """Keep the daemon from starting meanwhile; it must not run."""
    try:
        lock = ServiceLock(house.instance.run_file("transaction", "lock"))
    except AlreadyRunningError:
        raise CommandError("the daemon runs; stop it first with `tpayd down`", Exit.REFUSED, code="running") from None
    with closing(lock):
        yield


@contextmanager
def telling() -> Iterator[None]:
    """What is wrong with a journal, as the command's end."""
    try:
        yield
    except JournalUrlError as error:
        raise CommandError(f"journal_url: {error}", Exit.USAGE, code="settings") from error
    except (JournalVersionError, JournalOwnedError) as error:
        raise CommandError(str(error), Exit.REFUSED) from error
    except JournalDamagedError as error:
        raise CommandError(str(error), Exit.FAILED, code="damaged") from error
    except TargetInUseError as error:
        raise CommandError(str(error), Exit.REFUSED, code="exists") from error
    except StorageError as error:
        raise CommandError(f"the journal cannot be read: {error}", Exit.FAILED, code="storage_failed") from error


@contextmanager
def showing(output: Output, what: str) -> Iterator[Progress]:
    """Long work, told as it goes on: in a terminal every page, piped every tenth part."""
    with output.waiting(what) as update:

        def progress(of: str, done: int, total: int) -> None:
            part = 100 * done // total if total else 100
            update(f"{what}: {of} {part if output.live else part // 10 * 10}%")

        yield progress

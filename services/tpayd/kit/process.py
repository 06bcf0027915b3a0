"""Run a service: one process's life, the same for all.

1. Its own user, where it has one (`kit.users`). Directory, lock, log, settings. What is wrong here is told in one line
   on stderr and in the log, with exit code 78 (EX_CONFIG) for settings and 70 (EX_SOFTWARE) for the rest; supervisor
   shows both.
2. The bus is bound and the service built; after a crash loop it waits, answering PING and `health.get` only.
3. `start`, then READY until SIGTERM or SIGINT.
4. Draining: new requests are refused (`draining`), what is under way gets `drain_s`; a second signal cuts that short.
5. `stop`, the bus down, the log flushed, exit code 0.

SIGHUP reads `log_level` again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import faulthandler
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn, TypeVar

from tpayd import __version__
from tpayd.kit.clock import SystemClock
from tpayd.kit.house import House, Service
from tpayd.kit.instance import HOME_VARIABLE, Instance, InstanceError, home_of
from tpayd.kit.life import ProcessLife
from tpayd.kit.linux import end_with_parent, forbid_memory_images, take_turns
from tpayd.kit.lock import ServiceLock
from tpayd.kit.log_file import LogFile, Retention
from tpayd.kit.logs import Log, LogTarget, bridge_standard_logging, make_log
from tpayd.kit.redaction import redact_text
from tpayd.kit.settings import ServiceSettings, SettingsError
from tpayd.kit.users import HouseUsers, UsersError, take_own_user

__all__ = ["House", "Service", "run"]

S = TypeVar("S", bound=ServiceSettings)


def run(name: str, settings_type: type[S], build: Callable[[House[S]], Service]) -> NoReturn:
    """Be the service `name` until told to stop, then exit. The last line of every `__main__.py`."""
    home = _arguments(name).home
    os.umask(0o027)
    if sys.stderr is not None:
        faulthandler.enable()
    log: Log | None = None
    try:
        with ExitStack() as stack:
            users = HouseUsers.read(home_of(home))
            if users is not None:
                # First of all: the kernel forgets what was asked of it below when the user changes.
                take_own_user(name, users)
            end_with_parent()
            forbid_memory_images()
            take_turns()
            clock = SystemClock()
            instance = Instance.open(home)
            stack.callback(ServiceLock(instance.run_file(name, "lock")).close)
            file = LogFile(instance.log, name, clock, Retention())
            stack.callback(file.close)
            target = LogTarget(name, clock, file)
            bridge_standard_logging(target)
            log = make_log(target)
            try:
                life = ProcessLife(name, settings_type, instance, clock, target, log, file)
                asyncio.run(life.live(build))
            except Exception as error:
                log.critical("process.failed", why=str(error), exc_info=not isinstance(error, SettingsError))
                raise
    except (SettingsError, InstanceError, UsersError) as error:
        _give_up(name, error, os.EX_CONFIG)
    except Exception as error:
        _give_up(name, error, os.EX_SOFTWARE)
    sys.exit(0)


def _arguments(name: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=name,
        description=f"tpayd's process {name}. Supervisor starts it; `tpayd up` starts them all.",
        epilog=f"Settings: config/{name}.toml and config/store.toml. Log: log/{name}.jsonl. Exit codes: 0 stopped as "
        "told, 70 failed, 78 wrong settings or instance directory.",
    )
    parser.add_argument("--home", type=Path, help=f"the instance directory; default: ${HOME_VARIABLE}")
    parser.add_argument("--version", action="version", version=__version__)
    return parser.parse_args()


def _give_up(name: str, error: Exception, code: int) -> NoReturn:
    kind = "" if isinstance(error, (SettingsError, InstanceError, UsersError)) else f"{type(error).__name__}: "
    with contextlib.suppress(OSError):  # supervisor may be gone, and the pipe with it
        print(redact_text(f"tpayd {name}: {kind}{error}"), file=sys.stderr, flush=True)
    sys.exit(code)

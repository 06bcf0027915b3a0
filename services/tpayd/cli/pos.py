"""A command's connection to the gateway, as a POS has it. Needs the client's packages only."""

from __future__ import annotations

import contextlib
import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from tpayd.cli.errors import CommandError, exit_for
from tpayd.cli.exits import Exit
from tpayd.kit.instance import HOME_VARIABLE, OWNER_CLIENT, Instance, InstanceError
from tpayd_client import (
    ConnectionFailed,
    KeyFileError,
    Pos,
    RequestLog,
    Starter,
    TpaydError,
    Welcome,
    connect,
    default_request_log,
)
from tpayd_client.request_log import FileRequestLog, OpenRequest

__all__ = ["Gateway", "connection_options", "forget", "lane_or_first", "open_pos", "request_log"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Gateway:
    """Where the gateway is, and as whom to speak to it."""

    key_file: Path | None

    @property
    def requests(self) -> Path:
        """Directory of the request ids of payments without a verdict: one file for each, since commands run at once."""
        if self.key_file is not None:
            return default_request_log(self.key_file.stem).parent
        return _instance().data / "requests"

    def request_file(self, request_id: str) -> Path:
        """The file of one payment."""
        return self.requests / f"{request_id}.jsonl"

    def connect(self, log: RequestLog, *, pays: bool = False) -> Pos:
        """Raises what `tpayd_client.connect` raises, and CommandError where there is no instance.

        One that `pays` starts the daemon where it is down and the store wants that (`store.client.restart_when_down`).
        """
        if self.key_file is not None:
            return connect(key_file=self.key_file, request_log=log)
        instance = _instance()
        starter = _starter(instance) if pays else None
        return connect(instance.public(), OWNER_CLIENT, request_log=log, start_command=starter)


def connection_options(command: F) -> F:
    """Adds --key-file: how a lane's PC reaches the store."""

    def as_gateway(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Gateway:
        return Gateway(value)

    return click.option(
        "--key-file",
        "gateway",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="TPAYD_KEY_FILE",
        show_envvar=True,
        callback=as_gateway,
        help="Key file of `tpayd client add`. Without it: the instance on this machine.",
    )(command)


@contextlib.contextmanager
def open_pos(gateway: Gateway, log: RequestLog | None = None) -> Iterator[Pos]:
    """A connected client, and its errors as a command's end."""
    try:
        with gateway.connect(log or _NoPayments(), pays=log is not None) as pos:
            yield pos
    except KeyFileError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    except TpaydError as error:
        status = exit_for(error.code.value, error.outcome.value)
        if isinstance(error, ConnectionFailed):
            status = Exit.NOT_RUNNING
        place = f" ({error.field})" if error.field else ""
        raise CommandError(f"{error.message}{place}", status, code=error.code.value) from error


@contextlib.contextmanager
def request_log(gateway: Gateway, request_id: str) -> Iterator[FileRequestLog]:
    """A file of its own for one payment; it stays only if the payment has no verdict in the end."""
    try:
        log = FileRequestLog(gateway.request_file(request_id))
    except TpaydError as error:
        raise CommandError(error.message, Exit.FAILED, code=error.code.value) from error
    try:
        yield log
    finally:
        log.close()
        if not log.unresolved():
            forget(gateway, request_id)


def forget(gateway: Gateway, request_id: str) -> None:
    """A payment has its verdict."""
    with contextlib.suppress(OSError):
        gateway.request_file(request_id).unlink(missing_ok=True)


def _starter(instance: Instance) -> Starter | None:
    """How this machine's daemon is started; None where the store does not want it."""
    try:
        store = tomllib.loads(instance.settings_file("store").read_text(encoding="utf-8"))
        wanted = store["client"]["restart_when_down"] is True
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, LookupError, TypeError):
        return None  # the daemon itself says what is wrong with the file
    command = [sys.executable, "-I", "-m", "tpayd", "up", "--wait", "60"]
    environment = os.environ | {HOME_VARIABLE: str(instance.home)}
    return Starter(command, wait_s=90.0, environment=environment) if wanted else None


def lane_or_first(lane: str | None, welcome: Welcome) -> str:
    """The lane that was named, else the first that this client may act for; "1" for a client of all lanes."""
    return lane or (welcome.lanes[0] if welcome.lanes else "1")


class _NoPayments:
    """The request log of a command that makes no payment."""

    def begin(self, lane: str, request_id: str) -> None:
        raise AssertionError("this command makes no payment")

    def end(self, request_id: str, verdict: str) -> None:
        """A status query may end a payment that another command began."""

    def unresolved(self) -> tuple[OpenRequest, ...]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


def _instance() -> Instance:
    try:
        return Instance.open(create=False)
    except InstanceError as error:
        raise CommandError(
            f"{error}. From another machine, name a key file: --key-file or TPAYD_KEY_FILE", Exit.USAGE
        ) from error

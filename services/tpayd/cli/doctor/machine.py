"""The machine's clock, the ports, the start at boot."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import socket
import time
from collections.abc import Iterator

from tpayd.cli.doctor.finding import Finding, note, ok, problem, warning
from tpayd.cli.doctor.look import Look
from tpayd.gateway.settings import GatewaySettings
from tpayd.kit.settings import SettingsError, load
from tpayd.supervision.boot import enabled_unit
from tpayd.supervision.processes import modules_of
from tpayd_contracts.keys import KEY_LIST

__all__ = ["boot", "clock", "host_time", "ports", "synchronized"]

AHEAD_WARNING_S, AHEAD_PROBLEM_S = 60, 3_600
_BACK_WARNING_S = 120.0
"""Something in the log is so far ahead of the clock: it was set back."""
_TIME_ERROR = 5
_ADJTIMEX_BYTES = 256
"""More than any kernel's struct timex."""
_CONNECT_S = 1.0


def clock(look: Look) -> Iterator[Finding]:
    """NTP as the kernel knows it (adjtimex(2)), the host's time, and whether it was set back."""
    synced = synchronized()
    if synced is None:
        yield note("whether the clock follows a time server is not known")
    elif synced:
        yield ok("the clock follows a time server")
    else:
        yield warning("the clock follows no time server", "start one, e.g. systemd-timesyncd or chrony")
    newest_s = max((path.stat().st_mtime for path in look.house.instance.log.glob("*.jsonl")), default=0.0)
    if newest_s - time.time() > _BACK_WARNING_S:
        back_s = newest_s - time.time()
        yield warning(f"the clock was set back by {back_s:.0f} s or more", "logs are out of order for that long")
    keys = look.answer(KEY_LIST)
    if keys is not None and keys.time is not None and keys.time.from_host and keys.time.machine_ahead_s is not None:
        yield host_time(keys.time.machine_ahead_s)


def host_time(ahead_s: int) -> Finding:
    """What it means that the machine's clock is so far ahead of the card host's."""
    told = f"the clock is {abs(ahead_s)} s {'ahead of' if ahead_s >= 0 else 'behind'} the card host's"
    if abs(ahead_s) >= AHEAD_PROBLEM_S:
        return problem(told, "set the clock: business days and receipts are wrong")
    if abs(ahead_s) >= AHEAD_WARNING_S:
        return warning(told, "set the clock, and have it follow a time server")
    return ok(told)


def synchronized() -> bool | None:
    """Whether the kernel's clock is disciplined; None: it does not tell. Reading it needs no right."""
    buffer = ctypes.create_string_buffer(_ADJTIMEX_BYTES)
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def ports(look: Look) -> Iterator[Finding]:
    """The gateway's port: ours, free for it, or somebody else's."""
    try:
        settings = load(look.house.instance.settings_file("gateway"), GatewaySettings)
    except SettingsError:
        return  # the settings' own check tells
    if settings.tcp_endpoint is None:
        yield note("tcp is off: only programs on this machine can pay")
        return
    address, port = settings.tcp_address, settings.tcp_port
    gateway = next((state for state in look.states if state.name == "gateway"), None)
    if gateway is not None and gateway.readiness is not None:
        reached = "127.0.0.1" if address in ("*", "0.0.0.0") else address  # noqa: S104
        with contextlib.suppress(OSError), socket.create_connection((reached.strip("[]"), port), _CONNECT_S):
            yield ok(f"the gateway listens on {address}:{port}")
            return
        yield problem(f"nobody answers on {address}:{port}, though the gateway runs", "`tpayd logs gateway`")
        return
    # Looked at now: since the processes were asked, it may have been started.
    starts = "gateway" in modules_of(look.house.instance.home).values()
    yield _free("" if address == "*" else address.strip("[]"), port, starts=starts)


def _free(address: str, port: int, *, starts: bool) -> Finding:
    """`starts`: the gateway's process runs, and does not answer yet; what it has open, nobody else may see."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((address, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE and starts:
            return note(
                f"port {port} is in use while the gateway starts, by itself most likely", "ask again in a moment"
            )
        if error.errno == errno.EADDRINUSE:
            return problem(
                f"port {port} is taken by another program", "end that one, or `tpayd settings set gateway.tcp_port=…`"
            )
        return problem(
            f"the gateway cannot listen on {address}:{port}: {error.strerror}", "tcp_address in config/gateway.toml"
        )
    return ok(f"port {port} is free for the gateway")


def boot(look: Look) -> Iterator[Finding]:
    """Whether anything starts the store after a restart of the machine."""
    unit = enabled_unit(look.house.instance.home)
    if unit is not None:
        yield ok(f"started at boot by {unit}")
    elif look.house.store.sandbox:
        yield note("not started at boot")
    else:
        yield warning("after a restart of this machine nothing runs until `tpayd up`", "`tpayd install-service`")

"""Opens a serial port for us alone, or says in one sentence why not, and what to do."""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import grp
import os
from collections.abc import Callable
from pathlib import Path

import serial

from tpayd.device_broker.drivers.driver import LineSettings
from tpayd.device_broker.finding.holder import holder_of
from tpayd.device_broker.port_lines import POLL_S

__all__ = ["PortInUseError", "PortRefusedError", "open_line"]

_TIOCGEXCL = 0x80045440
"""Linux: whether somebody has asked for a terminal to himself (ioctl_tty(2))."""
_NO_CONTROL = "ign_set_control"
_TAKEN = frozenset({errno.EWOULDBLOCK, errno.EBUSY})
"""The lock that pyserial takes, and TIOCEXCL of another program."""


class PortRefusedError(Exception):
    """The port cannot be opened; the text says why."""


class PortInUseError(PortRefusedError):
    """Another program has it."""


def open_line(url: str, settings: LineSettings) -> serial.Serial:
    """Open a path, or a URL that pyserial knows. May wait for seconds. Raises PortRefusedError."""
    is_path = "://" not in url
    # A port server is polled; pyserial's rfc2217:// knows no write timeout.
    options = {"timeout": 0, "write_timeout": 0, "exclusive": True} if is_path else {"timeout": POLL_S}
    try:
        opened = serial.serial_for_url(
            _in_full(url), baudrate=settings.baud, parity=settings.parity, stopbits=settings.stop_bits, **options
        )
    # SerialException is an OSError; the others are for a URL, a speed or an option that it cannot do.
    except (OSError, ValueError, NotImplementedError) as error:
        raise _refusal(url, error, settings) from error
    if is_path and _is_wanted_alone(opened):
        with contextlib.suppress(OSError):
            opened.close()
        raise _in_use(url)
    return opened


def _in_full(url: str) -> str:
    """Readers need no modem lines, and not every port server answers for them: pyserial waits for no such answer."""
    if not url.startswith("rfc2217://") or _NO_CONTROL in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}{_NO_CONTROL}"


def _is_wanted_alone(opened: serial.Serial) -> bool:
    """Whether another program has asked for the port to itself; the superuser is let in all the same."""
    answer = array.array("i", [0])
    try:
        fcntl.ioctl(opened.fileno(), _TIOCGEXCL, answer)
    except OSError:
        return False
    return bool(answer[0])


def _refusal(url: str, error: Exception, settings: LineSettings) -> PortRefusedError:
    number = getattr(error, "errno", None)
    if number in _TAKEN:
        return _in_use(url)
    if number == errno.EACCES:
        return PortRefusedError(f"permission denied: add this user to the group {_group(url)}, or change the port's")
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return PortRefusedError("not there")
    if "://" in url:
        return PortRefusedError(_network_problem(error))
    if isinstance(error, ValueError):
        return PortRefusedError(f"{error} (speed {settings.baud})")
    return PortRefusedError(os.strerror(number).lower() if isinstance(number, int) else str(error))


def _in_use(path: str) -> PortInUseError:
    holder = holder_of(path)
    return PortInUseError(f"in use by another program ({holder}): close it" if holder else "in use by another program")


_NETWORK: tuple[tuple[str, str], ...] = (
    ("refused", "connection refused: is the port server running, and is the number right?"),
    ("timed out", "no answer from the port server: check address and network"),
    ("Name or service", "no such host: check the address"),
    ("unreachable", "network unreachable: check cable and address"),
    ("No route", "network unreachable: check cable and address"),
    ("Port already open", "in use by another program at the port server"),
)
"""pyserial hides what went wrong on a network port in its text."""


def _network_problem(error: Exception) -> str:
    text = str(error)
    return next((told for hint, told in _NETWORK if hint.lower() in text.lower()), text)


def _group(path: str) -> str:
    known: Callable[[int], grp.struct_group] = grp.getgrgid
    try:
        return known(Path(path).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "of that port"

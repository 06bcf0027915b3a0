"""Supervisor's configuration, generated into the instance directory."""

from __future__ import annotations

import math
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from string import Template

from tpayd.kit.first_steps import AFTER_OTHERS_VARIABLE
from tpayd.kit.instance import HOME_VARIABLE, Instance, InstanceError
from tpayd.kit.scrape_target import forget_others
from tpayd.shipped import shipped
from tpayd.supervision.private_bytecode import BYTECODE_VARIABLE
from tpayd.supervision.programs import WATCHDOG, Program

__all__ = ["conf_file", "socket_file", "write_conf"]

_DRAIN_DEFAULT_S = 45.0
"""`ServiceSettings.drain_s`, where a service's settings do not say."""
_STOP_WAIT_BEYOND_DRAIN_S = 20.0
"""After its drain a process still closes its sockets and files before supervisor may take it for hung."""
_OPERATIONS_NICE = 10
"""What keeps the store healthy must not slow its payments, nor its start. nice(1)."""

_UNSAFE = re.compile(r"""["'\\;#%\x00-\x1f]""")
"""What supervisor's configuration parser would take for syntax, in a path."""


def conf_file(instance: Instance) -> Path:
    """Where the configuration lies."""
    return instance.home / "supervisor" / "supervisord.conf"


def socket_file(instance: Instance) -> Path:
    """Supervisor's control socket. A short name: supervisor appends its pid while it binds."""
    return instance.run / "super.sock"


def write_conf(instance: Instance, programs: Sequence[Program], python: str = sys.executable) -> Path:
    """Write the configuration for these programs and return its path.

    Raises InstanceError where a path holds a character that supervisor's parser would misread.
    """
    target = conf_file(instance)
    target.parent.mkdir(mode=0o750, exist_ok=True)
    partial = target.with_suffix(".part")
    partial.write_text(_text(instance, programs, python), encoding="utf-8")
    partial.replace(target)
    forget_others(instance.home, {WATCHDOG, *(program.name for program in programs)})
    return target


def _text(instance: Instance, programs: Sequence[Program], python: str) -> str:
    shared = {
        "home": _value(instance.home),
        "home_argument": shlex.quote(_value(instance.home)),
        "run": _value(instance.run),
        "log": _value(instance.log),
        "socket": _value(socket_file(instance)),
        "python": shlex.quote(_value(python)),
        "bytecode": BYTECODE_VARIABLE,
        "environment": f'{HOME_VARIABLE}="{_value(instance.home)}"',
    }
    templates = shipped("ops/supervisor")
    whole = Template((templates / "supervisord.conf").read_text(encoding="utf-8"))
    each = Template((templates / "program.conf").read_text(encoding="utf-8"))
    nice = _nice()
    return whole.substitute(shared) + "".join(
        each.substitute(
            shared,
            name=program.name,
            module=program.module,
            nice=nice if program.operations else "",
            after_others=f',{AFTER_OTHERS_VARIABLE}="1"' if program.operations else "",
            priority=program.priority,
            stop_wait_s=_stop_wait_s(instance.settings_file(program.name)),
        )
        for program in programs
    )


def _nice() -> str:
    """What a command of operations begins with; nothing on a machine without nice(1)."""
    path = shutil.which("nice")
    return f"{shlex.quote(_value(path))} -n {_OPERATIONS_NICE} " if path else ""


def _stop_wait_s(settings: Path) -> int:
    """How long a process may finish its work after SIGTERM before SIGKILL: longer than its own `drain_s`."""
    try:
        drain_s = tomllib.loads(settings.read_text(encoding="utf-8")).get("drain_s", _DRAIN_DEFAULT_S)
    except (OSError, ValueError):  # the service itself says what is wrong with the file
        drain_s = _DRAIN_DEFAULT_S
    return math.ceil(float(drain_s) + _STOP_WAIT_BEYOND_DRAIN_S) if isinstance(drain_s, int | float) else 0


def _value(path: Path | str) -> str:
    text = str(path)
    if _UNSAFE.search(text):
        raise InstanceError(f"{text!r} holds a quote or one of \\ ; # % or a control character; choose another path")
    return text

"""The command line, run as a script would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tpayd.kit.instance import HOME_VARIABLE

_WAIT_S = 100.0


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, which is one JSON document."""
        return json.loads(self.out)


def tpayd(*arguments: str, home: Path, stdin: str = "", **environment: str) -> Said:
    """Run `tpayd` with these arguments for the instance in `home`; its output is piped, and so is `stdin`."""
    process = begin(*arguments, home=home, **environment)
    out, err = process.communicate(stdin, timeout=_WAIT_S)
    return Said(process.returncode, out, err)


def begin(*arguments: str, home: Path, **environment: str) -> subprocess.Popen[str]:
    """The same, to be looked at while it runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TPAYD_")}
    return subprocess.Popen(
        [sys.executable, "-I", "-m", "tpayd", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, HOME_VARIABLE: str(home), **environment},
    )

"""Starts the daemon when it is found down [데몬 프로그램 종료된 경우 재실행], if the caller says how.

Only a request of which nothing was sent leads here, so that making it again after the start cannot pay twice.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence

from tpayd_client.errors import ConnectionFailed
from tpayd_client.types import ErrorBody, ErrorCode, Outcome

__all__ = ["START_WAIT_S", "UP_WAIT_S", "Starter"]

START_WAIT_S = 60.0
UP_WAIT_S = 10.0
"""How long the gateway may take to answer once the command has ended, at least."""
AGAIN_AFTER_S = 10.0
"""Whoever waits for a verdict asks every second: a daemon that cannot start is not tried each time."""
_TOLD_CHARS = 200


class Starter:
    """A command that starts the daemon, and when it may be tried."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        wait_s: float = START_WAIT_S,
        environment: Mapping[str, str] | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError for an empty command."""
        if not command:
            raise ValueError("start_command is empty: give the program and its arguments, e.g. ['tpayd', 'up']")
        self._command = list(command)
        self._wait_s = wait_s
        self._environment = environment
        self._clock_s = clock_s
        self._tried_s: float | None = None
        self.why: ConnectionFailed | None = None
        """Why the last try did not work; None if it did."""

    @property
    def due(self) -> bool:
        """Whether to try (again)."""
        return self._tried_s is None or self._clock_s() - self._tried_s >= AGAIN_AFTER_S

    def start(self) -> None:
        """Run the command to its end, `wait_s` at most. Raises ConnectionFailed where that does not work."""
        try:
            self._run()
        except ConnectionFailed as error:
            self.why = error
            raise
        else:
            self.why = None
        finally:
            self._tried_s = self._clock_s()

    def _run(self) -> None:
        shown = " ".join(self._command)
        # A file, not a pipe: what the command leaves running in the background would keep a pipe open.
        with tempfile.TemporaryFile() as said:
            try:
                done = subprocess.run(
                    self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                    env=self._environment, timeout=self._wait_s, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise _failed(f"`{shown}` had not ended after {self._wait_s:g} s") from None
            except OSError as error:
                raise _failed(f"`{shown}` cannot be run: {error.strerror}") from error
            said.seek(0)
            words = said.read().decode(errors="replace").strip()[-_TOLD_CHARS:]
        if done.returncode != 0:
            raise _failed(f"`{shown}` ended with status {done.returncode}" + (f": {words}" if words else ""))


def _failed(text: str) -> ConnectionFailed:
    body = ErrorBody(code=ErrorCode.UNAVAILABLE, message=f"no gateway answers, and {text}", outcome=Outcome.NOT_STARTED)
    return ConnectionFailed(body)

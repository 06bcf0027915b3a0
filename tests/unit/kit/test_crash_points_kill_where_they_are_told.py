"""A crash point kills its process at the passing that was ordered, once, in a sandbox, and nowhere else."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
import timeit
from collections import Counter
from pathlib import Path

import pytest
import structlog

from tpayd.kit import crashpoints
from tpayd.kit.crashpoints import KEY_EXCHANGE, OUTBOX, STAGING, TABLE, Switchboard

SERVICES = Path(crashpoints.__file__).parents[1]
UNARMED_MAX_S = 500e-9
"""Measured: 60 ns. Five times the promise, since a test may share its CPU."""

PASSES = """
import sys
from pathlib import Path
from tpayd.kit import crashpoints
crashpoints._board = crashpoints.Switchboard(Path(sys.argv[1]))
for point in sys.argv[2:]:
    print(point, flush=True)
    crashpoints.passing(point)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crashpoints"


def pass_points(path: Path, *points: str) -> tuple[int, list[str]]:
    """A process that passes these points: its exit status, and how far it came."""
    done = subprocess.run([sys.executable, "-c", PASSES, path, *points], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout.split()


def test_it_dies_at_the_passing_that_was_ordered(path: Path) -> None:
    """Not before, and by SIGKILL."""
    Switchboard(path).arm(("line.before_send", 2))
    way = ["line.before_send", "line.after_send", "line.before_send", "line.after_send"]
    assert (-signal.SIGKILL, way[:3]) == pass_points(path, *way)


def test_the_next_process_lives(path: Path) -> None:
    """An order is used up by the death that it caused."""
    board = Switchboard(path)
    board.arm(("mac.after_made", 1))
    pass_points(path, "mac.after_made")
    assert [] == board.armed()
    assert (0, ["mac.after_made"] * 3) == pass_points(path, *["mac.after_made"] * 3)


def test_orders_follow_one_another(path: Path) -> None:
    """The second point counts from the death at the first."""
    board = Switchboard(path)
    board.arm(("tell.before_answer", 1), ("recovery.before_commit", 1))
    status, _ = pass_points(path, "recovery.before_commit", "tell.before_answer")
    assert (-signal.SIGKILL, [("recovery.before_commit", 1)]) == (status, board.armed())
    status, _ = pass_points(path, "tell.before_answer", "recovery.before_commit")
    assert (-signal.SIGKILL, []) == (status, board.armed())


def test_passings_are_counted(path: Path) -> None:
    """Of all processes together."""
    board = Switchboard(path)
    pass_points(path, "port.after_read", "port.after_read")
    pass_points(path, "port.after_read", "port.before_write")
    counted = Counter(board.counts())
    assert Counter({"port.after_read": 3, "port.before_write": 1}) == +counted


def test_a_name_that_is_not_in_the_table_is_refused(path: Path) -> None:
    """Where it is armed, and where it is passed."""
    board = Switchboard(path)
    with pytest.raises(ValueError, match="points of the table"):
        board.arm(("journal.beforecommit", 1))
    with pytest.raises(KeyError):
        board.passed("journal.beforecommit")


@pytest.mark.parametrize("sandbox", [True, False])
def test_only_a_sandbox_can_be_armed(path: Path, sandbox: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A live store refuses the variable, and says so."""
    monkeypatch.setenv(crashpoints.VARIABLE, "1")
    monkeypatch.setattr(crashpoints, "_board", None)
    monkeypatch.setattr(Switchboard, "of", classmethod(lambda cls, _: cls(path)))
    with structlog.testing.capture_logs() as logs:
        crashpoints.prepare(None, sandbox=sandbox, log=structlog.get_logger())  # type: ignore[arg-type]
    assert sandbox == (crashpoints._board is not None)
    assert [("warning" if sandbox else "error")] == [line["log_level"] for line in logs]


def test_without_the_variable_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """As every store is started."""
    monkeypatch.delenv(crashpoints.VARIABLE, raising=False)
    monkeypatch.setattr(crashpoints, "_board", None)
    crashpoints.prepare(None, sandbox=True, log=None)  # type: ignore[arg-type]
    assert crashpoints._board is None


def test_unarmed_a_point_costs_next_to_nothing() -> None:
    """It stands in the path of every payment."""
    assert crashpoints._board is None
    times = timeit.repeat(lambda: crashpoints.passing("journal.before_commit"), number=10_000, repeat=20)
    assert min(times) / 10_000 < UNARMED_MAX_S


def test_the_table_and_the_sources_agree() -> None:
    """Each point of the table stands once in its process's folder, and no other stands anywhere."""
    found = [
        (call.args[0].value, path.relative_to(SERVICES).parts[0])
        for path in SERVICES.rglob("*.py")
        if path.name != "crashpoints.py"
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "crashpoints.passing"
        and isinstance(call.args[0], ast.Constant)
    ]
    tables = TABLE | KEY_EXCHANGE | OUTBOX | STAGING
    assert sorted((name, point.process) for name, point in tables.items()) == sorted(found)

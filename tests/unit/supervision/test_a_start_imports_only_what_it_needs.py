"""What each process imports before it does anything: counted, because seconds depend on the machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tpayd.supervision.programs import programs

HEAVY = {"rich", "pygments", "attr", "tomlkit", "alembic", "mako", "asyncssh", "tuf", "zoneinfo", "hypothesis", "click"}
"""For consoles, changed settings, migrations, deliveries, updates: by whoever needs them, when he does."""
HEAVY_PARTS = {"sqlalchemy.dialects.postgresql", "zmq.asyncio"}
ONLY_IN = {"sqlalchemy": {"tpayd.transaction"}, "serial": {"tpayd.device_broker"}}
MODULES_MAX = 600
"""Beside those of sqlalchemy; the processes have 420 to 550 (each costs 0.4 ms of CPU, twelve times)."""
WATCHDOG_MODULES_MAX = 100

PROCESSES = [program.module for program in programs(sandbox=True)]


def imported_by(module: str) -> set[str]:
    """The modules that are there when the process's own code begins."""
    code = f"import sys, {module} as own\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize("process", PROCESSES)
def test_no_process_imports_what_it_seldom_needs(process: str) -> None:
    """Heavy libraries stay out, and the number of modules stays where it is."""
    modules = imported_by(f"{process}.__main__")
    tops = {name.partition(".")[0] for name in modules}
    own = [name for name in modules if not name.startswith("sqlalchemy")]

    assert set() == tops & HEAVY
    assert set() == modules & HEAVY_PARTS
    assert set() == {name for name, users in ONLY_IN.items() if name in tops and process not in users}
    assert len(own) <= MODULES_MAX, f"{len(own)} modules: what is new here, and is it needed at the start?"


def test_the_watchdog_waits_with_its_imports() -> None:
    """Until supervisor's first event it has no more than it needs to read one."""
    modules = imported_by("tpayd.supervision.watchdog")

    assert set() == modules & {"zmq", "asyncio", "prometheus_client", "structlog", "msgspec.json"}
    assert len(modules) <= WATCHDOG_MODULES_MAX

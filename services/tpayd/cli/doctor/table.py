"""All checks, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from tpayd.cli.doctor import files, machine, operations, payments, processes
from tpayd.cli.doctor.finding import Finding, Level, note, problem
from tpayd.cli.doctor.look import Look

__all__ = ["CHECKS", "Check", "examine", "worst"]

Check = Callable[[Look], Iterable[Finding]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("settings", files.settings),
    ("permissions", files.permissions),
    ("disk", files.disk_space),
    ("sync", files.disk_speed),
    ("clock", machine.clock),
    ("ports", machine.ports),
    ("boot", machine.boot),
    ("daemon", processes.daemon),
    ("processes", processes.processes),
    ("versions", processes.versions),
    ("metrics", processes.metrics),
    ("journal", payments.journal),
    ("keys", payments.keys),
    ("integrity", payments.integrity),
    ("host line", payments.host_line),
    ("readers", payments.readers),
    ("payments", payments.people),
    ("updates", operations.updates),
    ("logs", operations.log_shipping),
    ("backup", operations.backups),
)
_RANK = {level: rank for rank, level in enumerate(Level)}


def examine(look: Look, checks: Sequence[tuple[str, Check]] = CHECKS) -> list[Finding]:
    """What all checks say. One that fails says so, and keeps none of the others from it."""
    found: list[Finding] = []
    for name, check in checks:
        try:
            said = list(check(look))
        except Exception as error:
            said = [problem(f"could not be checked: {error}", "run it as the instance's owner")]
        if not said:
            said = [note("not known while the store, or the process that knows it, does not answer")]
        found += [replace(finding, check=name) for finding in said]
    return found


def worst(findings: Iterable[Finding]) -> Level:
    """The worst of them."""
    return max((finding.level for finding in findings), key=_RANK.__getitem__, default=Level.OK)

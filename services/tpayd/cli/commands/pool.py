"""`tpayd pool`: the pools of readers, and how fair they are."""

from __future__ import annotations

import click

from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client.types import LaneTurns, PoolFigures, PoolStatus

__all__ = ["pool"]

_POOLS = (
    "POOL", "READY", "LEASED", "AWAY", "BARRED", "WAITING", "TURNS", "GIVEN UP", "USE", "WAIT", "95 %", "LONGEST",
    "FAIR",
)  # fmt: skip
_LANES = ("LANE", "TURNS", "GIVEN UP", "PASSED BY", "WAIT", "LONGEST")


@click.command()
@click.argument("name", required=False)
@connection_options
@json_option
@pass_output
def pool(output: Output, gateway: Gateway, name: str | None) -> None:
    """Show the pools of readers: who is free, who waits, how long lanes waited in the last hour, and how fair it was.

    \b
    FAIR is Jain's index: 1.00, every lane got the same share of the turns that it stood in line for.

    \b
    Examples:
      tpayd pool
      tpayd pool counter --json
    """
    with open_pos(gateway) as pos:
        found = pos.pool_status(name)
    output.result(as_json(found), lambda: _show(output, found))


def _show(output: Output, found: PoolStatus) -> None:
    output.table(_POOLS, [_pool_row(each) for each in found.pools])
    if found.lanes:
        output.line("")
        output.table(_LANES, [_lane_row(each) for each in found.lanes])
    output.line("")
    fair = "nobody has asked for a reader" if found.fairness is None else f"fairness {found.fairness:.3f}"
    hours = found.window_ms / 3_600_000
    output.line(f"last {hours:g} h: {fair}; at most {found.most_overtaken} time(s) passed by the same lane in one wait")


def _pool_row(each: PoolFigures) -> tuple[str, ...]:
    pool_ = each.standing
    counts = (pool_.ready, pool_.leased, pool_.away, pool_.barred, pool_.queue, each.turns, each.given_up)
    waits = (each.wait_median_ms, each.wait_p95_ms, each.wait_longest_ms)
    return (
        pool_.label,
        *(str(count) for count in counts),
        "-" if each.lease_mean_ms is None else _seconds(each.lease_mean_ms),
        *(_seconds(wait) for wait in waits),
        "-" if each.fairness is None else f"{each.fairness:.2f}",
    )


def _lane_row(each: LaneTurns) -> tuple[str, ...]:
    counts = (each.turns, each.given_up, each.passed_by)
    waits = (each.wait_median_ms, each.wait_longest_ms)
    return (each.lane, *(str(count) for count in counts), *(_seconds(wait) for wait in waits))


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"

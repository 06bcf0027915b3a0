"""Examples of the pools' messages."""

from __future__ import annotations

from tpayd_contracts import device, pooling
from tpayd_contracts.example_payments import AT_MS, Example

__all__ = ["POOLING", "POOL_EVENT"]

_STANDING = pooling.PoolStanding(name="counter", label="Counter", ready=1, leased=2, away=1, barred=1, queue=3)
_WHY = "in maintenance since 2026-03-02 10:15: new card slot"

POOLING: dict[str, Example] = {
    pooling.POOL_STATUS.name: Example(
        pooling.PoolQuery(pool="counter"),
        pooling.PoolStatus(
            pools=(
                pooling.PoolFigures(
                    standing=_STANDING,
                    lease_mean_ms=21_400,
                    turns=412,
                    given_up=3,
                    wait_median_ms=0,
                    wait_p95_ms=18_200,
                    wait_longest_ms=41_000,
                    fairness=0.994,
                    most_overtaken=1,
                ),
            ),
            lanes=(
                pooling.LaneTurns(
                    lane="1", turns=52, given_up=0, passed_by=11, wait_median_ms=0, wait_longest_ms=22_300
                ),
            ),
            window_ms=3_600_000,
            queue_length=3,
            fairness=0.994,
            most_overtaken=1,
        ),
    ),
    pooling.DEVICE_MAINTENANCE.name: Example(
        pooling.Maintenance(device="back", on=True, reason="new card slot"),
        device.Device(
            name="back",
            label="Reader 2",
            state=device.DeviceState.READY,
            driver="stx",
            port="/dev/ttyUSB1",
            abilities=(device.Ability.IC,),
            pool="counter",
            bars=(device.Bar(device="back", cause=device.BarCause.MAINTENANCE, why=_WHY),),
        ),
    ),
}

POOL_EVENT = pooling.PoolEvent(pools=(_STANDING,), at_ms=AT_MS)

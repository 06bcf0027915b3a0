"""The chains that tpayd is measured against really do what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import floor, plain, pool
from tests.bench.hops import Sync, sale
from tests.bench.processes import Children


def test_the_floor_syncs_as_often_as_tpayd_and_serves_one_client_after_the_other(tmp_path: Path) -> None:
    """Per sale two records in the journal and one in the host's ledger, however often clients change."""
    sizes = {work.service: sum(step.size for step in work.steps if isinstance(step, Sync)) for work in sale().values()}
    with Children() as children:
        floor.start(children, tmp_path)
        for _ in range(2):
            lane = floor.FloorLane(tmp_path)
            lane.sell()
            lane.sell()
            lane.close()
    written = {service: 4 * size for service, size in sizes.items()}
    assert written == {service: (tmp_path / f"{service}.journal").stat().st_size for service in sizes}


def test_the_plain_chain_approves_and_records(tmp_path: Path) -> None:
    """Each approval is one record on disk."""
    with Children() as children:
        plain.start(children, tmp_path)
        lanes = [plain.PlainLane(tmp_path, number) for number in (1, 2)]
        for lane in lanes:
            lane.send()
        for lane in lanes:
            while not lane.receive():
                pass
            lane.wire.close()
    assert 2 == (tmp_path / "plain.journal").read_bytes().count(b"30215512")


def test_the_bench_of_the_pool_lends_and_reads(tmp_path: Path) -> None:
    """Both phases give figures, and the broker says that the lanes were served in turn."""
    lent, read, status = pool.measure(tmp_path, readers=2, lanes=5, seconds=0.5)
    assert len(lent.waits_s) >= 5
    assert len(read.waits_s) >= 5
    assert lent.wait_ms(50) <= lent.wait_ms(95) <= lent.wait_ms(100)
    assert lent.cpu_us > 0
    assert status.most_overtaken <= 1
    assert {"1", "2", "3", "4", "5"} == {lane.lane for lane in status.lanes}


def test_a_process_that_does_not_come_up_stops_the_bench(tmp_path: Path) -> None:
    """Nothing is measured against a chain that is not there."""
    with Children() as children, pytest.raises(RuntimeError, match="said '' instead of 'ready'"):
        children.start("tests.bench.floor", "gateway", str(tmp_path), ready="ready")

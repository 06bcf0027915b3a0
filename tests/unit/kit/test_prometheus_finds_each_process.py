"""One file for each process says where its metrics are, and stays when it ends."""

from __future__ import annotations

import json
from pathlib import Path

from tpayd.kit.scrape_target import forget_others, targets_directory, write_target


def test_a_target_is_written_in_prometheus_own_format(tmp_path: Path) -> None:
    """As `file_sd_configs` reads it: groups of targets with labels."""
    write_target(tmp_path, "gateway", 7711, {"store": "TPAYSANDBOX0001"})
    file = targets_directory(tmp_path) / "gateway.json"

    expected = [{"targets": ["127.0.0.1:7711"], "labels": {"service": "gateway", "store": "TPAYSANDBOX0001"}}]
    assert expected == json.loads(file.read_text())
    assert 0o640 == file.stat().st_mode & 0o777
    assert [file] == list(file.parent.iterdir())


def test_another_port_replaces_the_former_one(tmp_path: Path) -> None:
    """The list is true whatever port the system chose at the last start."""
    write_target(tmp_path, "gateway", 7711, {})
    write_target(tmp_path, "gateway", 40123, {})

    (group,) = json.loads((targets_directory(tmp_path) / "gateway.json").read_text())
    assert ["127.0.0.1:40123"] == group["targets"]


def test_processes_that_are_no_longer_part_of_the_store_are_forgotten(tmp_path: Path) -> None:
    """Else their silence would be an alarm for ever."""
    for number, service in enumerate(("gateway", "transaction", "sandbox_host")):
        write_target(tmp_path, service, 7711 + number, {})
    forget_others(tmp_path, {"gateway", "transaction", "host_link"})

    assert {"gateway.json", "transaction.json"} == {path.name for path in targets_directory(tmp_path).iterdir()}


def test_a_store_that_never_ran_has_none(tmp_path: Path) -> None:
    """Nothing to forget is no fault."""
    forget_others(tmp_path, {"gateway"})
    assert not targets_directory(tmp_path).exists()

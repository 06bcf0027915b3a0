"""What supervisor is told about each process."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from tpayd.kit.instance import Instance
from tpayd.supervision.conf import write_conf
from tpayd.supervision.programs import programs

LIVE = {"gateway", "transaction", "device_broker", "host_link", "key_manager", "updater", "log_shipper"}
SANDBOX = {"sandbox_host", "sandbox_readers", "sandbox_updates", "sandbox_logs"}


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance.open(tmp_path / "store")


def read(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";", "#"))
    parser.read(path)
    return parser


@pytest.mark.parametrize(("sandbox", "expected"), [(False, LIVE), (True, LIVE | SANDBOX)])
def test_a_live_instance_runs_no_sandbox(instance: Instance, sandbox: bool, expected: set[str]) -> None:
    """The virtual host and readers are part of a sandbox only."""
    conf = read(write_conf(instance, programs(sandbox=sandbox)))

    assert expected == {name.removeprefix("program:") for name in conf.sections() if name.startswith("program:")}


def test_every_process_is_restarted_patiently_and_ended_whole(instance: Instance) -> None:
    """A start counts after a while, many are tried, and no child of a process is left."""
    conf = read(write_conf(instance, programs(sandbox=True)))

    for name in conf.sections():
        if name.startswith("program:"):
            section = conf[name]
            assert "true" == section["autorestart"]
            assert int(section["startsecs"]) > 0
            assert int(section["startretries"]) >= 20
            assert ("true", "true") == (section["stopasgroup"], section["killasgroup"])


def test_the_gateway_ends_first_and_the_edges_last(instance: Instance) -> None:
    """Supervisor ends the highest priority first: nothing new comes in while the rest finishes its work."""
    conf = read(write_conf(instance, programs(sandbox=True)))

    def ends_before(first: str, second: str) -> bool:
        return int(conf[first]["priority"]) > int(conf[second]["priority"])

    assert ends_before("eventlistener:watchdog", "program:gateway")
    assert ends_before("program:gateway", "program:transaction")
    assert ends_before("program:transaction", "program:key_manager")
    assert ends_before("program:key_manager", "program:device_broker")
    assert ends_before("program:device_broker", "program:sandbox_readers")
    assert ends_before("program:host_link", "program:sandbox_host")


def test_a_process_gets_longer_to_end_than_it_takes_itself(instance: Instance) -> None:
    """`stopwaitsecs` follows the `drain_s` of the service's own settings."""
    instance.settings_file("transaction").write_text("drain_s = 200.5\n", encoding="utf-8")
    instance.settings_file("gateway").write_text("not TOML", encoding="utf-8")

    conf = read(write_conf(instance, programs(sandbox=False)))

    assert int(conf["program:transaction"]["stopwaitsecs"]) > 200.5
    assert int(conf["program:gateway"]["stopwaitsecs"]) > 45


def test_operations_make_room_for_payments(instance: Instance) -> None:
    """What looks for updates and ships logs runs at low priority; what a sale needs does not."""
    conf = read(write_conf(instance, programs(sandbox=True)))

    for program in programs(sandbox=True):
        words = conf[f"program:{program.name}"]["command"].split()
        assert program.operations == (words[0].endswith("/nice") and words[1:3] == ["-n", "10"])
        assert program.operations == ("TPAYD_AFTER_OTHERS" in conf[f"program:{program.name}"]["environment"])

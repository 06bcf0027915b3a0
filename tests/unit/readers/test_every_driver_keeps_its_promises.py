"""Each driver of the project passes the suite that drivers from outside are put to."""

from __future__ import annotations

import pytest

from tpayd.device_broker.drivers import conformance, driver_kind
from tpayd.device_broker.drivers.conformance.__main__ import main

DRIVERS = ("stx", "neo")


@pytest.mark.parametrize("check", conformance.CHECKS, ids=str)
@pytest.mark.parametrize("name", DRIVERS)
def test_promise(name: str, check: conformance.Check) -> None:
    check.run(conformance.Seat(driver_kind(name), conformance.peer_factory(name)))


def test_the_command_counts_the_promises(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--driver", "neo"]) == 0
    count = len(conformance.CHECKS)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{count} of {count} promises kept by neo in ")


def test_a_driver_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--driver", "nonesuch"]) == 2
    assert "no reader driver 'nonesuch' is installed" in capsys.readouterr().err


def test_a_peer_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--driver", "stx", "--peer", "nonesuch"]) == 2
    assert "no one peer 'nonesuch'; there are: neo, stx" in capsys.readouterr().err


def test_what_does_not_load_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--driver", "tpayd.nothing:driver"]) == 2
    assert "'tpayd.nothing:driver' does not load" in capsys.readouterr().err
    assert main(["--driver", "stx", "--peer", "tpayd.sandbox.readers.peers:nothing"]) == 2
    assert "does not load" in capsys.readouterr().err

"""`python -m tpayd.device_broker.drivers.conformance`: put a driver to the suite."""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from typing import cast

import serial

from tpayd.device_broker.drivers import DriverUnknownError, driver_kind
from tpayd.device_broker.drivers.conformance import CHECKS, Check, PeerUnknownError, Seat, peer_factory
from tpayd.device_broker.drivers.conformance.bench import BrokenPromiseError
from tpayd.device_broker.drivers.conformance.live import live_checks
from tpayd.device_broker.drivers.driver import DriverKind

__all__ = ["main"]

_BROKEN, _USAGE = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """0: every promise is kept; 1: not; 2: driver, peer or port is not to be had."""
    options = _parser().parse_args(arguments)
    try:
        kind = _kind(options.driver)
        if options.device:
            return _live(kind, options.device, options.baud)
        seat = Seat(kind, peer_factory(options.peer or options.driver))
    except (DriverUnknownError, PeerUnknownError, serial.SerialException) as error:
        print(error, file=sys.stderr)
        return _USAGE
    return _suite(seat, [check for check in CHECKS if options.only in (None, check.name)])


def _suite(seat: Seat, checks: list[Check]) -> int:
    broken = 0
    began_s = time.monotonic()
    for check in checks:
        try:
            check.run(seat)
        except Exception as error:  # whatever a driver raises is a finding
            broken += 1
            text = str(error) if isinstance(error, BrokenPromiseError) else f"{type(error).__name__}: {error}"
            print(f"BROKEN  {check.name}\n        {check.promise}\n        {text}")
        else:
            print(f"kept    {check.name}")
    seconds = time.monotonic() - began_s
    print(f"{len(checks) - broken} of {len(checks)} promises kept by {seat.kind.name} in {seconds:.1f} s")
    return _BROKEN if broken else 0


def _live(kind: DriverKind, port: str, baud: int | None) -> int:
    try:
        for name, finding in live_checks(kind, port, baud):
            print(f"kept    {name}: {finding}")
    except BrokenPromiseError as error:
        print(f"BROKEN  {error}")
        return _BROKEN
    return 0


def _kind(name: str) -> DriverKind:
    """By the entry point of that name, or by "package.module:object"."""
    module, _, attribute = name.partition(":")
    if not attribute:
        return driver_kind(name)
    try:
        return cast("DriverKind", getattr(import_module(module), attribute))
    except (ImportError, AttributeError) as error:
        raise DriverUnknownError(f"reader driver {name!r} does not load: {error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tpayd.device_broker.drivers.conformance", description=__doc__)
    parser.add_argument("--driver", required=True, help="a driver's name, or package.module:object")
    parser.add_argument("--peer", help="its reader: a name, or package.module:object (default: as --driver)")
    parser.add_argument("--only", choices=[check.name for check in CHECKS], metavar="CHECK", help="this check alone")
    parser.add_argument("--device", help="a real reader's port instead of a peer: only what needs no card is checked")
    parser.add_argument("--baud", type=int, help="speed of that port (default: the driver's)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""The conformance suite: what every reader driver must keep, checked against a peer (docs/drivers.md).

    python -m tpayd.device_broker.drivers.conformance --driver NAME [--peer NAME or package.module:object]

or in a test of one's own:

    @pytest.mark.parametrize("check", conformance.CHECKS, ids=str)
    def test_conformance(check):
        check.run(conformance.Seat(my_driver, my_peer))
"""

from __future__ import annotations

# Importing them is what fills CHECKS.
from tpayd.device_broker.drivers.conformance import card_checks, firmware_checks, life_checks, line_checks
from tpayd.device_broker.drivers.conformance.bench import Bench, BrokenPromiseError
from tpayd.device_broker.drivers.conformance.peer import (
    PEER_GROUP,
    Peer,
    PeerFactory,
    PeerUnknownError,
    UpdatablePeer,
    peer_factory,
)
from tpayd.device_broker.drivers.conformance.suite import CHECKS, Check, Seat

__all__ = [
    "CHECKS",
    "PEER_GROUP",
    "Bench",
    "BrokenPromiseError",
    "Check",
    "Peer",
    "PeerFactory",
    "PeerUnknownError",
    "Seat",
    "UpdatablePeer",
    "card_checks",
    "firmware_checks",
    "life_checks",
    "line_checks",
    "peer_factory",
]

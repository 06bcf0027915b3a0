"""A financial request on its way through the desk, and where its answer goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from tpayd.hosts import Financial
from tpayd.hosts.iso8583 import host_side
from tpayd.sandbox.host.cards import Card
from tpayd.sandbox.host.codes import Code
from tpayd.sandbox.host.delivery import Delivery
from tpayd.sandbox.host.judging import Judged
from tpayd.sandbox.host.keychain import MacKeys
from tpayd.sandbox.host.ledger import Booked
from tpayd_contracts.sandbox import HostBehaviour

__all__ = ["UNBOOKED", "Asked", "Send"]

Send = Callable[[Sequence[Delivery]], None]
"""Takes all that leaves one connection in a turn, in order."""

UNBOOKED = Booked(0, Code.NOT_GENUINE, fresh=False)
"""What is not genuine is answered, and stands in no book."""
_NOT_GENUINE = Judged(code=Code.NOT_GENUINE)


class Asked(Struct, gc=False):
    """What is known of it so far."""

    request: Financial
    received: host_side.Received
    send: Send
    behaviour: HostBehaviour
    keys: MacKeys | None = None
    card: Card | None = None
    """None: MAC or card data do not hold."""
    judged: Judged = _NOT_GENUINE
    booked: Booked | None = None
    """None: it could not be booked, and is not answered."""

"""The bus: how tpayd's processes talk. See docs/adr for why there is no broker and why the integration is our own.

A service binds one `Server` and one `Publisher`; it holds one `Caller` per service that it may call.
"""

from tpayd.kit.bus.blocking import ask, ping
from tpayd.kit.bus.bounds import ServerLimits
from tpayd.kit.bus.caller import Caller
from tpayd.kit.bus.errors import CallError, EndpointInUseError
from tpayd.kit.bus.events import Publisher, Subscriber
from tpayd.kit.bus.pending import Sink
from tpayd.kit.bus.request import Request
from tpayd.kit.bus.server import RawHandler, Server
from tpayd.kit.bus.session import Admission, Admitted, HouseAdmission, Peer, Session
from tpayd.kit.bus.stats import BusStats, NoStats
from tpayd.kit.bus.zap import CurveGate

__all__ = [
    "Admission",
    "Admitted",
    "BusStats",
    "CallError",
    "Caller",
    "CurveGate",
    "EndpointInUseError",
    "HouseAdmission",
    "NoStats",
    "Peer",
    "Publisher",
    "RawHandler",
    "Request",
    "Server",
    "ServerLimits",
    "Session",
    "Sink",
    "Subscriber",
    "ask",
    "ping",
]

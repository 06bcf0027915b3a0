"""What this host says to a network message of a line or a key exchange."""

from __future__ import annotations

from tpayd.crypto.errors import ExchangeError
from tpayd.crypto.exchange import Role
from tpayd.hosts import NetworkMessage, ReaderKeyExchange, TerminalKeyExchange
from tpayd.hosts.iso8583.host_side import NetworkReply
from tpayd.kit.logs import Log
from tpayd.sandbox.host.codes import Code
from tpayd.sandbox.host.issuing import Issuing

__all__ = ["network_reply"]


def network_reply(message: NetworkMessage, issuing: Issuing, log: Log) -> NetworkReply:
    """A new key, or a yes to whatever else it is."""
    if not isinstance(message, (TerminalKeyExchange, ReaderKeyExchange)):
        return NetworkReply(response_code=Code.APPROVED)
    terminal = isinstance(message, TerminalKeyExchange)
    role, owner = (Role.TERMINAL, message.terminal_id) if terminal else (Role.READER, None)
    try:
        issued = issuing.issue(role, message.blob, owner)
    except ExchangeError as error:
        log.warning("sandbox.key_exchange_refused", terminal_id=message.terminal_id, why=str(error))
        return NetworkReply(response_code=Code.NOT_GENUINE)
    return NetworkReply(
        response_code=Code.APPROVED,
        key_blob=issued.blob,
        ikid=issued.ikid,
        check_value=bytes.fromhex(issued.check_value),
    )

"""From what the caller gives to what a connection needs."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from tpayd_client.engine import Engine
from tpayd_client.errors import KeyFileError
from tpayd_client.key_file import ClientKey, read_key_file
from tpayd_client.request_log import FileRequestLog, RequestLog, default_request_log
from tpayd_client.transport import Channel
from tpayd_client.types import CONTRACT, Hello

__all__ = ["CONNECT_TIMEOUT_S", "PathLike", "Plan", "plan"]

CONNECT_TIMEOUT_S = 5.0

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Plan:
    """Where to connect, as whom."""

    endpoint: str
    client: str
    key: ClientKey | None

    def engine(self, clock_s: Callable[[], float], context: zmq.Context[zmq.Socket[bytes]] | None) -> Engine:
        """An engine that opens its socket when the first request is made."""
        shared: zmq.Context[zmq.Socket[bytes]] = context or zmq.Context.instance()
        hello = Hello(client=self.client, contract=CONTRACT, software=_software(), incarnation=str(uuid.uuid4()))
        return Engine(lambda: Channel(shared, self.endpoint, self.key), hello, clock_s)

    def request_log(self, given: PathLike | RequestLog | None) -> RequestLog:
        """The caller's own log, a file at the given path, or one at the default place. Raises RequestLogError."""
        if given is None:
            return FileRequestLog(default_request_log(self.client))
        return FileRequestLog(given) if isinstance(given, str | os.PathLike) else given


def plan(endpoint: str | None, client: str | None, server_key: str | None, key_file: PathLike | None) -> Plan:
    """Complete the caller's words from the key file. Raises KeyFileError, or ValueError for what is missing."""
    key = None if key_file is None else read_key_file(key_file)
    if key is not None and server_key is not None:
        key = dataclasses.replace(key, server_public_key=server_key)
    where = endpoint or (key.endpoint if key else None)
    who = client or (key.client if key else None)
    if where is None or who is None:
        raise ValueError("name the endpoint and the client, or a key file that holds both")
    if where.startswith("tcp:") and key is None:
        raise KeyFileError(f"{where} is tcp, which is always encrypted: name the client's key file")
    return Plan(where, who, None if where.startswith("ipc:") else key)


def _software() -> str:
    try:
        return f"tpayd_client {importlib.metadata.version('tpayd')}"
    except importlib.metadata.PackageNotFoundError:
        return "tpayd_client"

"""CURVE keys as text (Z85), and a socket that speaks CURVE only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import zmq

__all__ = ["CurveKeys", "curve_server", "new_keys", "public_key_of"]


@dataclass(frozen=True)
class CurveKeys:
    """A key pair, each half 40 characters of Z85."""

    public: str
    secret: str = field(repr=False)


def new_keys() -> CurveKeys:
    """A fresh pair, from libsodium's random source."""
    public, secret = zmq.curve_keypair()
    return CurveKeys(public.decode("ascii"), secret.decode("ascii"))


def public_key_of(secret: str) -> str:
    """The public half. Raises ValueError for what is no key; the text never quotes it."""
    try:
        return zmq.curve_public(secret.encode("ascii")).decode("ascii")
    except (zmq.ZMQError, UnicodeEncodeError):
        raise ValueError("not a CURVE secret key: Z85 has 40 characters") from None


def curve_server(secret: str, domain: str) -> Callable[[zmq.Socket[bytes]], None]:
    """Options for a socket that is about to bind: CURVE always, each key asked for by ZAP under `domain`."""

    def prepare(socket: zmq.Socket[bytes]) -> None:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt_string(zmq.CURVE_SECRETKEY, secret)
        socket.setsockopt_string(zmq.ZAP_DOMAIN, domain)
        # Else any key gets in while no handler is bound, such as while this process goes down.
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

    return prepare

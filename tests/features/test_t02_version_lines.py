"""T2: client and daemon speak a contract version; another major line is refused by name, both versions in the error."""

from __future__ import annotations

import msgpack  # type: ignore[import-untyped]
import pytest
import zmq

from tests.harness import Store
from tpayd_client import NotAllowed
from tpayd_client.types import CONTRACT, ErrorCode


def hello(shop: Store, contract: str) -> list[object]:
    """What the gateway answers to a client that speaks `contract`."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 30_000)
        socket.connect(shop.instance.public())
        body = {"client": "cli", "contract": contract}
        socket.send(msgpack.packb(["tpayd1", 1, 1, "", 0, None, None, None, None, body]))
        return list(msgpack.unpackb(socket.recv()))


@pytest.mark.parametrize("contract", ["2.0", "0.9"])
def test_another_line_is_refused_by_name(shop: Store, contract: str) -> None:
    """A client module of D.01 at a daemon of D.03, or the other way round."""
    body = hello(shop, contract)[-1]

    assert isinstance(body, dict)
    assert "unsupported_version" == body["code"]
    assert contract in body["message"]
    assert CONTRACT in body["message"]


def test_the_same_line_is_served(shop: Store) -> None:
    """And told which contract and which software it speaks to."""
    with shop.client() as pos:
        welcome = pos.connect()

    assert (CONTRACT, True) == (welcome.contract, bool(welcome.version))


def test_a_client_that_nobody_knows_is_refused(shop: Store) -> None:
    """Whatever it speaks."""
    with pytest.raises(NotAllowed) as refused, shop.client("stranger") as pos:
        pos.connect()
    assert ErrorCode.NOT_PERMITTED == refused.value.code

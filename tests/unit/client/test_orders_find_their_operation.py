"""`Pos.order` knows every order of the contract by the type of its request."""

from __future__ import annotations

from tpayd_client import types
from tpayd_client.orders import OPS
from tpayd_contracts.catalogue import PUBLIC_OPS
from tpayd_contracts.payment import PaymentResult


def test_every_order_has_its_request() -> None:
    """An operation with a key that ends in a payment's result is an order; none is missing, none too many."""
    orders = {
        getattr(types, op.request.__name__): name
        for name, op in PUBLIC_OPS.items()
        if op.needs_key and op.reply is PaymentResult
    }

    assert orders == OPS

"""--json has the same fields always, set or not."""

from __future__ import annotations

import json

from tests.unit.cli.test_exit_statuses import result
from tpayd.cli.shape import as_json
from tpayd_client.types import PaymentResult
from tpayd_contracts import payment
from tpayd_contracts.sandbox import HostBehaviour, HostStatus


def test_a_payment_has_every_field_of_the_contract() -> None:
    """Also those that this payment does not have."""
    told = json.loads(json.dumps(as_json(result("WAIT"))))

    assert list(payment.PaymentResult.__struct_fields__) == list(told)
    assert ("WAIT", None) == (told["verdict"], told["approval_code"])


def test_defaults_are_spelt_out() -> None:
    """A Struct of the contract leaves its defaults out on the wire; here they stand."""
    status = HostStatus(behaviour=HostBehaviour(), address="a", connections=1, approvals=0, reversals=0)

    expected = {"mode": "approve", "code": "51", "delay_ms": 0, "times": 0, "only": None}
    assert expected == as_json(status)["behaviour"]


def test_the_client_and_the_contract_agree() -> None:
    """The two packages describe one payment."""
    assert set(payment.PaymentResult.__struct_fields__) == set(PaymentResult.__dataclass_fields__)

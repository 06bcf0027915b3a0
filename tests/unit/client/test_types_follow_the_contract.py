"""The client's types are what the contract says, and bear what a newer daemon adds."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from tpayd_client import types
from tpayd_client.wire import to_wire
from tpayd_contracts import client_types, errors
from tpayd_contracts.catalogue import PUBLIC_OPS
from tpayd_contracts.operation import Empty
from tpayd_contracts.schema.golden import golden_frames
from tpayd_contracts.version import CONTRACT_VERSION

GOLDEN = {stem: msgpack.unpackb(frame)[9] for stem, frame in golden_frames().items()}
REPLIES = {name: shape for name, shape in types.REPLIES.items() if shape is not None}


def test_the_file_is_what_the_generator_gives() -> None:
    """Nobody edits it by hand, nobody forgets to run it."""
    assert client_types.TARGET.read_text(encoding="utf-8") == client_types.render()


def test_it_speaks_the_present_contract() -> None:
    """The version in HELLO."""
    assert str(CONTRACT_VERSION) == types.CONTRACT


def test_every_public_operation_has_its_answer() -> None:
    """By the type of the same name."""
    expected = {name: None if op.reply is Empty else op.reply.__name__ for name, op in PUBLIC_OPS.items()}
    assert expected == {name: None if shape is None else shape.__name__ for name, shape in types.REPLIES.items()}


@pytest.mark.parametrize("op", REPLIES)
def test_a_golden_reply_is_read_whole(op: str) -> None:
    """Each field of the example arrives, none is made up: writing it again gives the same map."""
    body = GOLDEN[f"{op}.reply"]
    assert body == without_defaults(to_wire(REPLIES[op].from_wire(body)), body)


@pytest.mark.parametrize("code", errors.ErrorCode)
def test_every_error_code_is_known(code: errors.ErrorCode) -> None:
    """By the same name."""
    assert types.ErrorCode[code.name].value == code.value


def test_a_newer_daemons_words_are_let_through() -> None:
    """An unknown field is ignored; an unknown value is a member of its own, equal to itself."""
    body = GOLDEN["payment.sale.progress"] | {"step": "polishing_card", "colour": "green"}
    progress = types.PaymentProgress.from_wire(body)
    assert "polishing_card" == progress.step
    assert isinstance(progress.step, types.Step)
    assert types.Step("polishing_card") == types.Step("polishing_card")


def test_an_unset_field_is_not_sent() -> None:
    """A nil for a field that was left out would be another request for the idempotency check."""
    sale = types.SaleRequest("1", types.Amount(total_minor=1_000))
    assert {"lane": "1", "amount": {"total_minor": 1_000}} == to_wire(sale)


def test_answers_are_values() -> None:
    """Nobody changes a verdict afterwards."""
    result = types.PaymentResult.from_wire(GOLDEN["payment.sale.reply"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.verdict = types.Verdict.NOT_PAID  # type: ignore[misc]


def without_defaults(written: Any, example: Any) -> Any:
    """What the example spells out may be a default, which is not written: put it back."""
    if isinstance(example, dict) and isinstance(written, dict):
        return {key: without_defaults(written.get(key, value), value) for key, value in example.items()}
    if isinstance(example, list) and isinstance(written, list):
        return [without_defaults(*pair) for pair in zip(written, example, strict=True)]
    return written


def test_a_password_is_in_no_repr() -> None:
    """What a till's log or debugger shows of a request."""
    password = "correct horse"
    requests = (types.SetPassword(new=password, old=password), types.SetPrevention(on=False, password=password))

    assert [] == [text for text in map(repr, requests) if password in text]

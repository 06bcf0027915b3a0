"""A contract that breaks those who speak the version before it does not pass."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tpayd_contracts.compatibility import breaks, judge, last_release
from tpayd_contracts.schema.bundle import Json, bundle
from tpayd_contracts.schema.files import directory

_CONTRACT = bundle()

Mutation = Callable[[Json], Any]


def struct(contract: Json, name: str) -> Json:
    found: Json = contract["$defs"][name]
    return found


def fields(contract: Json, name: str) -> Json:
    found: Json = struct(contract, name)["properties"]
    return found


FORBIDDEN: dict[str, tuple[Mutation, str]] = {
    "field of a request deleted": (
        lambda c: fields(c, "SaleRequest").pop("reference"),
        "payment.sale request.reference: field deleted",
    ),
    "field of a reply deleted": (
        lambda c: fields(c, "PaymentResult").pop("approval_code"),
        "payment.abort reply.approval_code: field deleted",
    ),
    "field of a nested struct deleted": (
        lambda c: fields(c, "Amount").pop("vat_minor"),
        "payment.sale request.amount.vat_minor: field deleted",
    ),
    "field of an error deleted": (lambda c: fields(c, "ErrorBody").pop("detail"), "error.detail: field deleted"),
    "field of HELLO deleted": (lambda c: fields(c, "Hello").pop("software"), "hello request.software: field deleted"),
    "field of an event deleted": (
        lambda c: fields(c, "DeviceEvent").pop("at_ms"),
        "event device.state.at_ms: field deleted",
    ),
    "field retyped": (
        lambda c: fields(c, "SaleRequest").update(installments={"type": "string", "default": 0}),
        "payment.sale request.installments: retyped from integer to string",
    ),
    "integer made float": (
        lambda c: fields(c, "TimeSplit").update(total_us={"type": "number"}),
        "payment.abort reply.times.total_us: retyped from integer to number",
    ),
    "bytes made text": (
        lambda c: fields(c, "ReadCardResult").update(cipher={"type": "string"}),
        "card.read reply.cipher: retyped from binary to string",
    ),
    "struct made text": (
        lambda c: fields(c, "SaleRequest").update(amount={"type": "string"}),
        "payment.sale request.amount: retyped from object to string",
    ),
    "list made one": (
        lambda c: fields(c, "DeviceList").update(devices={"$ref": "#/$defs/Device"}),
        "device.list reply.devices: retyped from array to object",
    ),
    "item of a list retyped": (
        lambda c: fields(c, "DeviceList")["devices"].update(items={"type": "string"}),
        "device.list reply.devices[]: retyped from object to string",
    ),
    "value of a map retyped": (
        lambda c: fields(c, "Receipt")["emv"].update(additionalProperties={"type": "integer"}),
        "payment.abort reply.receipt.emv[]: retyped from string to integer",
    ),
    "nil no longer accepted": (
        lambda c: fields(c, "SaleRequest").update(reference={"type": "string", "default": None}),
        "payment.sale request.reference: retyped from null | string to string",
    ),
    "reply may be nil": (
        lambda c: fields(c, "PaymentResult").update(message={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "payment.abort reply.message: retyped from string to null | string",
    ),
    "new required field in a request": (
        lambda c: (
            fields(c, "SaleRequest").update(cashier={"type": "string"}),
            struct(c, "SaleRequest")["required"].append("cashier"),
        ),
        "payment.sale request.cashier: required now",
    ),
    "new required field in a reply": (
        lambda c: (
            fields(c, "Lease").update(colour={"type": "string"}),
            struct(c, "Lease")["required"].append("colour"),
        ),
        "card.take reply.lease.colour: required now",
    ),
    "optional field made required": (
        lambda c: struct(c, "SaleRequest")["required"].append("reference"),
        "payment.sale request.reference: required now",
    ),
    "field of a reply made optional": (
        lambda c: struct(c, "PaymentResult")["required"].remove("verdict"),
        "payment.abort reply.verdict: was always there, may be missing now",
    ),
    "enum value removed from a request": (
        lambda c: struct(c, "Ability")["enum"].remove("pin"),
        "card.take request.wish.abilities[]: enum values removed: pin",
    ),
    "enum value removed from a reply": (
        lambda c: struct(c, "Verdict")["enum"].remove("WAIT"),
        "payment.abort reply.verdict: enum values removed: WAIT",
    ),
    "error code removed": (
        lambda c: struct(c, "ErrorCode")["enum"].remove("busy"),
        "error.code: enum values removed: busy",
    ),
    "text made an enum": (
        lambda c: fields(c, "SaleRequest").update(lane={"enum": ["1"]}),
        "payment.sale request.lane: only certain values are allowed now",
    ),
    "constant demanded": (
        lambda c: fields(c, "SaleRequest")["lane"].update(const="1"),
        "payment.sale request.lane: only 1 is allowed now",
    ),
    "minimum raised": (
        lambda c: fields(c, "Amount")["total_minor"].update(minimum=10),
        "payment.sale request.amount.total_minor: minimum tightened from 1 to 10",
    ),
    "maximum lowered": (
        lambda c: fields(c, "SaleRequest")["installments"].update(maximum=36),
        "payment.sale request.installments: maximum tightened from 60 to 36",
    ),
    "exclusive minimum added": (
        lambda c: fields(c, "LedgerQuery")["after"].update(exclusiveMinimum=0),
        "sandbox.host_ledger request.after: exclusiveMinimum tightened from None to 0",
    ),
    "length limit added": (
        lambda c: fields(c, "AcquireLease")["payment_id"].update(maxLength=8),
        "card.take request.wish.payment_id: maxLength tightened from None to 8",
    ),
    "length limit inside an optional lowered": (
        lambda c: fields(c, "SaleRequest")["reference"]["anyOf"][0].update(maxLength=32),
        "payment.sale request.reference: maxLength tightened from 64 to 32",
    ),
    "byte limit lowered": (
        lambda c: fields(c, "Exchange")["message"].update({"x-max-bytes": 1024}),
        "host.exchange request.message: x-max-bytes tightened from 8192 to 1024",
    ),
    "fewer items allowed": (
        lambda c: fields(c, "Subscribe")["topics"].update(maxItems=4),
        "events.subscribe request.topics: maxItems tightened from 32 to 4",
    ),
    "pattern changed": (
        lambda c: fields(c, "PaymentRef")["lane"].update(pattern="^[0-9]$"),
        "payment.abort request.lane: pattern changed from ^[A-Za-z0-9_-]{1,16}$ to ^[0-9]$",
    ),
    "default changed": (
        lambda c: fields(c, "SaleRequest")["installments"].update(default=2),
        "payment.sale request.installments: its default changed",
    ),
    "unknown fields refused": (
        lambda c: struct(c, "Welcome").update(additionalProperties=False),
        "hello reply: what it may hold (additionalProperties) is tightened",
    ),
    "operation removed": (lambda c: c["operations"].pop("payment.status"), "payment.status: operation removed"),
    "progress removed": (
        lambda c: c["operations"]["payment.sale"].update(progress=None),
        "payment.sale progress: removed",
    ),
    "right raised": (
        lambda c: c["operations"]["payment.abort"].update(right="admin"),
        "payment.abort: needs the right admin now, pos was enough",
    ),
    "operation closed to clients": (
        lambda c: c["operations"]["device.list"].update(right=None),
        "device.list: no longer open to clients",
    ),
    "key demanded": (
        lambda c: c["operations"]["payment.abort"].update(needs_key=True),
        "payment.abort: needs an idempotency key now",
    ),
    "event removed": (lambda c: c["events"].pop("host.line"), "event host.line: removed"),
    "envelope element added": (
        lambda c: c["envelope"]["prefixItems"].append({"title": "colour"}),
        "envelope: its elements changed",
    ),
    "envelope element retyped": (
        lambda c: c["envelope"]["prefixItems"][2].update(type="string"),
        "envelope.id: retyped from integer to string",
    ),
    "message kind renumbered": (lambda c: c["kinds"].update(PING=17), "kinds: changed"),
    "wire format renamed": (lambda c: c.update(protocol="tpayd2"), "protocol: changed from tpayd1 to tpayd2"),
    "frame limit lowered": (lambda c: c.update(max_frame_bytes=1024), "max_frame_bytes: tightened"),
}

ALLOWED: dict[str, Mutation] = {
    "new optional field in a request": lambda c: fields(c, "SaleRequest").update(
        cashier={"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    ),
    "new optional field in a reply": lambda c: fields(c, "PaymentResult").update(colour={"type": "string"}),
    "new operation": lambda c: c["operations"].update({"payment.tip": c["operations"]["payment.sale"]}),
    "new event": lambda c: c["events"].update({"key.state": {"$ref": "#/$defs/KeyInfo"}}),
    "new enum value": lambda c: struct(c, "Reason")["enum"].append("card_blocked"),
    "new error code": lambda c: struct(c, "ErrorCode")["enum"].append("too_early"),
    "new message kind": lambda c: c["kinds"].update(BYE=10),
    "required field of a request made optional": lambda c: struct(c, "SaleRequest")["required"].remove("amount"),
    "nil accepted in a request": lambda c: fields(c, "PaymentRef").update(
        request_id={"anyOf": [fields(c, "PaymentRef")["request_id"], {"type": "null"}]}
    ),
    "limit loosened": lambda c: fields(c, "SaleRequest")["installments"].update(maximum=99),
    "limit dropped": lambda c: fields(c, "SaleRequest")["installments"].pop("maximum"),
    "right lowered": lambda c: c["operations"]["key.exchange_reader"].update(right="pos"),
    "operation opened to clients": lambda c: c["operations"]["lease.reset"].update(right="admin"),
    "better description": lambda c: struct(c, "SaleRequest").update(description="A sale."),
    "frame limit raised": lambda c: c.update(max_frame_bytes=131_072),
}


def changed(mutation: Mutation, version: str | None = None) -> Json:
    contract = copy.deepcopy(_CONTRACT)
    mutation(contract)
    return contract | ({"contract": version} if version is not None else {})


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A schema directory in which the present contract is released as 1.4, after 1.3."""
    (tmp_path / "released").mkdir()
    for version in ("1.3", "1.4"):
        (tmp_path / "released" / f"{version}.json").write_text(json.dumps(_CONTRACT | {"contract": version}))
    return tmp_path


@pytest.mark.parametrize("case", sorted(FORBIDDEN))
def test_a_forbidden_change_is_caught_and_named(case: str) -> None:
    """Each way to break a peer is found, and the sentence says where."""
    mutation, sentence = FORBIDDEN[case]
    found = breaks(_CONTRACT, changed(mutation))
    # A type that several operations share is reported under the first of them.
    place = sentence.partition(" ")[2]
    assert any(line.partition(" ")[2].startswith(place) for line in found), found


@pytest.mark.parametrize("case", sorted(ALLOWED))
def test_an_allowed_change_passes(case: str) -> None:
    """The check does not stand in the way of growth."""
    assert [] == breaks(_CONTRACT, changed(ALLOWED[case]))


def test_the_same_contract_breaks_nothing() -> None:
    """No false alarm."""
    assert [] == breaks(_CONTRACT, copy.deepcopy(_CONTRACT))


def test_the_present_contract_breaks_no_peer() -> None:
    """The promise itself: today's code against the last release."""
    assert [] == judge(directory(), bundle())


def test_the_highest_release_is_the_last_one(tmp_path: Path) -> None:
    """1.10 comes after 1.9, whatever the alphabet says."""
    (tmp_path / "released").mkdir()
    for version in ("1.9", "1.10", "0.99"):
        (tmp_path / "released" / f"{version}.json").write_text("{}")
    assert tmp_path / "released" / "1.10.json" == last_release(tmp_path)


def test_before_the_first_release_anything_goes(tmp_path: Path) -> None:
    """There is nobody to break."""
    assert [] == judge(tmp_path, _CONTRACT)


def test_a_change_without_a_new_minor_is_refused(released: Path) -> None:
    """Two contracts never share a version."""
    found = judge(released, changed(ALLOWED["new optional field in a reply"], "1.4"))
    assert ["1.4 is released, and the contract differs from it: raise the minor in version.py"] == found


def test_a_change_with_a_new_minor_passes(released: Path) -> None:
    """A minor adds."""
    assert [] == judge(released, changed(ALLOWED["new optional field in a reply"], "1.5"))


def test_a_better_sentence_needs_no_new_minor(released: Path) -> None:
    """Words for people are not the contract."""
    assert [] == judge(released, changed(ALLOWED["better description"], "1.4"))


def test_a_new_minor_may_not_break(released: Path) -> None:
    """Raising the minor excuses nothing."""
    assert [] != judge(released, changed(FORBIDDEN["field of a reply deleted"][0], "1.5"))


def test_a_new_major_may_break(released: Path) -> None:
    """Another major is refused by name at HELLO, so nobody is misled."""
    assert [] == judge(released, changed(FORBIDDEN["field of a reply deleted"][0], "2.0"))


def test_a_version_never_goes_back(released: Path) -> None:
    """A contract older than the last release is a mistake."""
    assert ["the contract says 1.3, and 1.4 is released already"] == judge(released, _CONTRACT | {"contract": "1.3"})

"""The call graph: every operation has one home, calls go downwards only, and clients meet no internal operation."""

from __future__ import annotations

import graphlib
import importlib
import pkgutil

import pytest

import tpayd_contracts
from tpayd_contracts import gateway, orders, payment
from tpayd_contracts.catalogue import EVENT_BODIES, OPS, PUBLIC_OPS
from tpayd_contracts.graph import CALLS, OF_EVERY_SERVICE, OPS_OF, SERVICES, may_call, service_of
from tpayd_contracts.health import HEALTH
from tpayd_contracts.operation import Op, Right

_OF_THE_GATEWAY = {gateway.EVENTS_SUBSCRIBE.name, gateway.STORE_STATUS.name}
_OF_EVERYONE = {HEALTH.name} | OF_EVERY_SERVICE


@pytest.mark.parametrize("op", sorted(OPS))
def test_every_operation_has_exactly_one_home(op: str) -> None:
    """One service answers it, or the gateway itself, or (health) everyone."""
    homes = [service for service, ops in OPS_OF.items() if op in ops]
    homes += ["gateway itself"] * (op in _OF_THE_GATEWAY) + ["everyone"] * (op in _OF_EVERYONE)
    assert 1 == len(homes), f"{op} is answered by {homes}"


def test_no_service_answers_an_operation_that_does_not_exist() -> None:
    """The graph names nothing outside the catalogue."""
    assert set() == {op for ops in OPS_OF.values() for op in ops} - OPS.keys()


def test_no_two_operations_share_a_name() -> None:
    """One would hide the other in the catalogue."""
    names = [info.name for info in pkgutil.iter_modules(tpayd_contracts.__path__)]
    modules = [importlib.import_module(f"tpayd_contracts.{name}") for name in names]
    declared = {id(value): value.name for module in modules for value in vars(module).values() if isinstance(value, Op)}
    assert sorted(OPS) == sorted(declared.values())


def test_no_cycle_of_calls_can_form() -> None:
    """A cycle of waiting would be a deadlock: the graph sorts."""
    graphlib.TopologicalSorter(CALLS).prepare()


def test_only_services_that_exist_are_called() -> None:
    """An edge to nowhere is a mistake."""
    assert set() == {callee for callees in CALLS.values() for callee in callees} - OPS_OF.keys()


def test_nobody_calls_the_gateway() -> None:
    """Calls go downwards: the gateway is the top."""
    assert [] == [caller for caller, callees in CALLS.items() if "gateway" in callees]


@pytest.mark.parametrize("op", sorted(PUBLIC_OPS))
def test_the_gateway_reaches_every_public_operation(op: str) -> None:
    """What a client may ask for, the gateway answers itself or may pass on."""
    service = service_of(op)
    assert op in _OF_THE_GATEWAY | _OF_EVERYONE if service is None else may_call("gateway", service, op)


@pytest.mark.parametrize("op", sorted(OPS))
def test_what_moves_cards_or_bytes_is_no_clients_business(op: str) -> None:
    """Leases, cards, MACs, host bytes and the sandbox's controls carry no right, so no client can hold one."""
    internal = op.startswith(
        (
            "lease.",
            "card.",
            "code.",
            "number.",
            "pin.",
            "device.sign",
            "device.message",
            "mac.",
            "sandbox.",
            "host.exchange",
            "reader.key_",
        )
    )
    assert not (internal and OPS[op].right is not None)


def test_money_needs_the_right_of_a_pos() -> None:
    """A read-only client starts, aborts and acknowledges nothing."""
    assert {Right.POS} == {op.right for op in (orders.SALE, payment.ABORT, payment.ACKNOWLEDGE)}


def test_an_operation_that_moves_money_needs_an_idempotency_key() -> None:
    """A sale without a key could not be told from its repetition."""
    assert orders.SALE.needs_key


def test_the_sandbox_is_open_to_the_local_tool_alone() -> None:
    """No service can steer the virtual host or readers."""
    sandboxes = {"sandbox_host", "sandbox_readers", "sandbox_updates", "sandbox_logs"}
    assert {"cli"} == {caller for caller, callees in CALLS.items() if callees & sandboxes}


def test_a_service_refuses_a_caller_without_an_edge() -> None:
    """The host link takes nothing from the device broker, and nobody may ask for what a service does not answer."""
    assert not may_call("device_broker", "host_link", "host.exchange")
    assert not may_call("transaction", "host_link", "payment.sale")
    assert not may_call("stranger", "host_link", "host.exchange")
    assert may_call("transaction", "host_link", "host.exchange")


@pytest.mark.parametrize("service", SERVICES)
def test_health_is_open_to_the_house_and_to_nobody_else(service: str) -> None:
    """Every process of the house may ask every other how it is."""
    assert all(may_call(caller, service, HEALTH.name) for caller in (*SERVICES, "watchdog", "cli"))
    assert not may_call("stranger", service, HEALTH.name)


def test_rights_include_each_other_upwards_only() -> None:
    """admin includes pos, pos includes read_only, none the other way."""
    order = [Right.READ_ONLY, Right.POS, Right.ADMIN]
    assert [[a >= b for b in range(3)] for a in range(3)] == [[a.includes(b) for b in order] for a in order]


def test_a_topic_is_no_operation() -> None:
    """Events and operations cannot be mistaken for each other."""
    assert set() == EVENT_BODIES.keys() & OPS.keys()

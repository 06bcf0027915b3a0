"""What a service's door asks: the uid that the kernel tells, and the call graph."""

from __future__ import annotations

import os

import pytest

from tpayd.kit.bus import CallError, HouseAdmission, Peer
from tpayd.kit.users import HouseUsers
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.gateway import Hello
from tpayd_contracts.graph import CALLS, OF_EVERY_SERVICE, OPS_OF, may_call


def _peer(uid: int | None) -> Peer:
    return Peer(user_id=None, address=None, uid=uid, pid=1)


@pytest.mark.parametrize("service", OPS_OF)
@pytest.mark.parametrize("caller", [*CALLS, *OPS_OF])
def test_a_caller_gets_its_edges_and_no_more(service: str, caller: str) -> None:
    """The admitted operations are those of the call graph, health and what every service answers among them."""
    admitted = HouseAdmission(service, uids={7}).admit(_peer(7), Hello(client=caller, contract="1.0"))
    every_op = {op for ops in OPS_OF.values() for op in ops} | OF_EVERY_SERVICE | {"health.get"}
    assert {op for op in every_op if may_call(caller, service, op)} == admitted.ops
    assert caller == admitted.name


@pytest.mark.parametrize("uid", [0, os.getuid()])
def test_the_house_is_its_own_user_and_root(uid: int) -> None:
    """Unless told otherwise."""
    admitted = HouseAdmission("transaction").admit(_peer(uid), Hello(client="gateway", contract="1.0"))
    assert "payment.sale" in admitted.ops


@pytest.mark.parametrize(
    ("uids", "uid", "name"),
    [({7}, 8, "gateway"), (None, os.getuid() + 1, "gateway"), ({7}, 0, "gateway"), ({7}, 7, "till"), (set(), 7, "cli")],
)
def test_others_stay_out(uids: set[int] | None, uid: int, name: str) -> None:
    """Another user, root where it is not named, and a name that is none of the house's."""
    with pytest.raises(CallError) as refused:
        HouseAdmission("transaction", uids=uids).admit(_peer(uid), Hello(client=name, contract="1.0"))
    assert (ErrorCode.NOT_PERMITTED, Outcome.NOT_STARTED) == (refused.value.code, refused.value.outcome)


@pytest.mark.parametrize(("uid", "name"), [(60802, "transaction"), (60801, "gateway"), (0, "cli")])
def test_a_name_comes_in_from_its_own_uid_where_each_process_has_one(uid: int, name: str) -> None:
    """And the command line is root's."""
    door = HouseAdmission("device_broker", users=HouseUsers(60800))
    assert name == door.admit(_peer(uid), Hello(client=name, contract="1.0")).name


@pytest.mark.parametrize(
    ("uid", "name"),
    [(60801, "transaction"), (0, "transaction"), (60801, "cli"), (1000, "cli"), (None, "transaction"), (60802, "till")],
)
def test_a_name_counts_from_no_other_uid(uid: int | None, name: str) -> None:
    """Not even from root's; and a connection whose uid the kernel does not tell is nobody's."""
    with pytest.raises(CallError) as refused:
        HouseAdmission("device_broker", users=HouseUsers(60800)).admit(_peer(uid), Hello(client=name, contract="1.0"))
    assert (ErrorCode.NOT_PERMITTED, Outcome.NOT_STARTED) == (refused.value.code, refused.value.outcome)

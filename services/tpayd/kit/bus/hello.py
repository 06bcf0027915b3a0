"""HELLO and its answer: the contract version is settled before anything else."""

from __future__ import annotations

from tpayd.kit.bus.errors import CallError
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.gateway import Hello
from tpayd_contracts.version import CONTRACT_VERSION, ContractVersion, accepts

__all__ = ["check_version"]


def check_version(hello: Hello) -> None:
    """Refuse another major, or a minor that is not served, naming both versions (T2)."""
    try:
        theirs = ContractVersion.parse(hello.contract)
    except ValueError as error:
        raise CallError.not_started(ErrorCode.INVALID_BODY, str(error), field="$.contract") from None
    if not accepts(theirs):
        oldest = f"{CONTRACT_VERSION.major}.{max(0, CONTRACT_VERSION.minor - 1)}"
        raise CallError.not_started(
            ErrorCode.UNSUPPORTED_VERSION,
            f"{hello.client} speaks contract {theirs}, this daemon {CONTRACT_VERSION} (and {oldest}): "
            f"{'update the daemon' if theirs > CONTRACT_VERSION else 'update the client'}",
            field="$.contract",
        )

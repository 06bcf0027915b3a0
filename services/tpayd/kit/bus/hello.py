"""HELLO and its answer: the contract version is settled before anything else."""

from __future__ import annotations

from tpayd.kit.bus.bounds import ServerLimits
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.session import Session
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.operation import Right
from tpayd_contracts.version import CONTRACT_VERSION, ContractVersion, accepts

__all__ = ["check_version", "welcome_of"]


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


def welcome_of(session: Session, bounds: ServerLimits, *, server: str, software: str) -> Welcome:
    """What every server tells a peer that it has let in."""
    admitted = session.admitted
    return Welcome(
        session=session.token,
        contract=str(CONTRACT_VERSION),
        server=server,
        version=software,
        lanes=admitted.lanes,
        right=admitted.right or Right.READ_ONLY,
        max_frame_bytes=bounds.max_frame_bytes,
        max_in_flight=bounds.max_open_per_session,
        max_ttl_ms=bounds.max_ttl_ms,
    )

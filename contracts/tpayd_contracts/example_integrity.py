"""An example of every message about the integrity of the installation."""

from __future__ import annotations

from tpayd_contracts import integrity
from tpayd_contracts.example_payments import AT_MS, Example

__all__ = ["INTEGRITY", "INTEGRITY_EVENT"]

_POISONED = "lib/python3.11/site-packages/tpayd/gateway/relay.py"
_FILES = integrity.IntegrityResult(
    at_ms=AT_MS,
    by="daily",
    passed=False,
    findings=(
        integrity.Finding(
            kind=integrity.FindingKind.CHANGED, text=f"{_POISONED} differs from what was signed", path=_POISONED
        ),
    ),
    found=1,
    files=3112,
    took_ms=240,
)
_READER = integrity.IntegrityResult(at_ms=AT_MS, by="start", passed=True, device="front", took_ms=310)
_REPORT = integrity.IntegrityReport(
    state=integrity.IntegrityState.FAILED,
    detail=f"{_POISONED} differs from what was signed",
    results=(_FILES,),
    readers=(_READER,),
    signers=("19dadd54d3a84511",),
    version="0.1.0",
    next_check_ms=AT_MS + 86_400_000,
)

INTEGRITY = {
    integrity.INTEGRITY_CHECK.name: Example(
        integrity.CheckIntegrity(scope=integrity.CheckScope.READERS, device="front"),
        _REPORT,
        integrity.IntegrityProgress(text="comparing files", done=1200, of=3112),
    ),
    integrity.INTEGRITY_STATUS.name: Example(integrity.IntegrityQuery(device="front"), _REPORT),
}
INTEGRITY_EVENT = integrity.IntegrityEvent(state=integrity.IntegrityState.FAILED, result=_FILES)

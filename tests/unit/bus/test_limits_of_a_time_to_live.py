"""A caller off this machine sends milliseconds; the server makes a deadline of them."""

from __future__ import annotations

import pytest

from tpayd.kit.bus import CallError, ServerLimits
from tpayd_contracts.errors import ErrorCode

BOUNDS = ServerLimits(default_ttl_ms=5_000, max_ttl_ms=9_000)


@pytest.mark.parametrize(("ttl_ms", "deadline_ms"), [(0, 105_000), (1, 100_001), (9_000, 109_000)])
def test_within(ttl_ms: int, deadline_ms: int) -> None:
    """Zero means the default."""
    assert deadline_ms == BOUNDS.deadline_of_ttl(ttl_ms, 100_000)


@pytest.mark.parametrize("ttl_ms", [-1, 9_001, 2**63])
def test_beyond(ttl_ms: int) -> None:
    """Refused with the field's name."""
    with pytest.raises(CallError) as refused:
        BOUNDS.deadline_of_ttl(ttl_ms, 100_000)
    assert (ErrorCode.INVALID_BODY, "deadline") == (refused.value.code, refused.value.field)

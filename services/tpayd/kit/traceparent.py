"""Traceparents: what joins the lines that all processes write about one request. Pure but for chance.

Format (W3C Trace Context, section 3.2): `00-<trace id, 32 hex>-<parent id, 16 hex>-<flags, 2 hex>`, in lower case,
neither id all zeros. A later version may be longer: what is known of it is read. Version `ff` is none.
"""

from __future__ import annotations

import os
import re

__all__ = ["begin", "checked", "trace_id_of"]

_KNOWN = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_LENGTH = 55
_SAMPLED = "01"


def checked(given: str | None) -> str | None:
    """A traceparent as far as it is known; None for what is none. Whoever gives nonsense gives nothing."""
    if given is None or _KNOWN.match(given) is None:
        return None
    version, rest = given[:2], given[_LENGTH:]
    if rest and (version == "00" or not rest.startswith("-")):
        return None
    return given[:_LENGTH]


def begin(parent: str | None) -> str:
    """A new span of `parent`'s trace (checked before), or of a new trace where there is none."""
    chance = os.urandom(24).hex()
    if parent is None:
        return f"00-{chance[:32]}-{chance[32:]}-{_SAMPLED}"
    return f"00-{parent[3:35]}-{chance[32:]}-{parent[53:55]}"


def trace_id_of(traceparent: str | None) -> str | None:
    """The 32 digits that all spans of a trace share; None for what is no traceparent."""
    found = checked(traceparent)
    return None if found is None else found[3:35]

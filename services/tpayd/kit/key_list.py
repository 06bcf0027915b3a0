"""All keys of the key manager, whatever their number: its answers hold a page each."""

from __future__ import annotations

from typing import Protocol

from tpayd.kit.bus.limits import DEFAULT_TTL_S
from tpayd.kit.paging import all_pages
from tpayd_contracts.keys import KEY_LIST, KeyInfo, KeyList, KeysQuery
from tpayd_contracts.operation import Op

__all__ = ["list_keys"]


class Calls(Protocol):
    """What is needed of a bus caller."""

    async def call(self, op: Op[KeysQuery, KeyList], body: KeysQuery, *, ttl_s: float = ...) -> KeyList:
        """One request, one reply; raises CallError."""


async def list_keys(key_manager: Calls, ttl_s: float = DEFAULT_TTL_S) -> tuple[KeyInfo, ...]:
    """In the order of their ids, each page within `ttl_s`. Raises CallError."""
    return await all_pages(
        lambda after: key_manager.call(KEY_LIST, KeysQuery(after), ttl_s=ttl_s), lambda page: page.keys
    )

"""What the card host is asked about terminals. No money moves: whatever fails may be asked again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from msgspec import Struct

from tpayd.hosts import HostAdapter, HostFormatError, MerchantDownload, Opened, OpenTerminal
from tpayd.kit.bus import CallError
from tpayd.kit.clock import Clock
from tpayd.transaction.steps.business_day import stamp_of
from tpayd.transaction.terminals.errors import HostRefusedError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.host import EXCHANGE, Exchange
from tpayd_contracts.operation import Op
from tpayd_contracts.terminal import Merchant, Terminal

__all__ = ["HostDesk"]

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)

_MARGIN_S = 2.0
"""What a call gets beyond the host's own time, so that the host link's clear error arrives first."""


class Calls(Protocol):
    """What is needed of a bus caller."""

    async def call(self, op: Op[Q, A], body: Q, *, ttl_s: float = ..., trace: str | None = ...) -> A:
        """One request, one reply; raises CallError."""


class HostDesk:
    """Opens terminals and downloads merchants (0800, docs/host-protocol.md).

    Both methods raise HostRefusedError, and CallError where the host was not reached, or not understood.
    """

    def __init__(
        self,
        host: Calls,
        adapter: HostAdapter,
        *,
        profile: str,
        take_stan: Callable[[str], Awaitable[str]],
        clock: Clock,
        answer_wait_s: float,
    ) -> None:
        """`take_stan`: a terminal's next STAN, reserved on disk; raises CallError."""
        self._host = host
        self._adapter = adapter
        self._profile = profile
        self._take_stan = take_stan
        self._clock = clock
        self._answer_wait_s = answer_wait_s

    async def open_terminal(self, terminal_id: str, business_number: str, trace: str | None = None) -> Terminal:
        """Register a terminal with the host [개시거래]; one that it knows already is opened again."""
        message = OpenTerminal(
            terminal_id=terminal_id, stan=await self._take_stan(terminal_id), local=self._local(),
            business_number=business_number,
        )  # fmt: skip
        await self._ask(message, trace)
        return Terminal(terminal_id=terminal_id, business_number=business_number, opened_at_ms=self._clock.unix_ms())

    async def download_merchant(self, terminal_id: str, business_number: str, trace: str | None = None) -> Merchant:
        """Fetch whose terminal it is [가맹점정보 다운로드]."""
        message = MerchantDownload(
            terminal_id=terminal_id, stan=await self._take_stan(terminal_id), local=self._local(),
            business_number=business_number,
        )  # fmt: skip
        found = (await self._ask(message, trace)).merchant
        if found is None:
            raise _not_understood("it holds no merchant")
        if found.business_number != business_number:
            raise _not_understood(f"it is about another merchant, {found.business_number}")
        return Merchant(
            terminal_id=terminal_id, business_number=found.business_number, name=found.name,
            representative=found.representative, address=found.address, tel=found.tel,
            downloaded_at_ms=self._clock.unix_ms(),
        )  # fmt: skip

    async def _ask(self, message: OpenTerminal | MerchantDownload, trace: str | None) -> Opened:
        wait_s = self._answer_wait_s
        exchange = Exchange(self._profile, self._adapter.encode_network(message), wait_s)
        try:
            exchanged = await self._host.call(EXCHANGE, exchange, ttl_s=wait_s + _MARGIN_S, trace=trace)
        except CallError as error:
            # Asking twice does no harm here, so an answer that never came leaves nothing unknown.
            raise CallError(error.code, error.message, outcome=Outcome.FAILED, retryable=True) from error
        try:
            opened = self._adapter.open(exchanged.message)
        except HostFormatError as error:
            raise _not_understood(str(error)) from error
        if not opened.approved:
            raise HostRefusedError(opened.response_code)
        return opened

    def _local(self) -> str:
        return stamp_of(self._clock.local())


def _not_understood(why: str) -> CallError:
    return CallError(ErrorCode.HOST_UNAVAILABLE, f"the host's answer cannot be used: {why}", outcome=Outcome.FAILED)

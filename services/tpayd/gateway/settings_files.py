"""Operations on settings: handed to the file's owner. The gateway owns its own file and store.toml."""

from __future__ import annotations

from collections.abc import Mapping

from tpayd.gateway.relay import Relay
from tpayd.kit.bus import Caller, CallError, RawHandler, Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.settings_desk import Rules
from tpayd.kit.store_settings import StoreSettings
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.settings import PENDING, SETTINGS_FILES, ClientOptions

__all__ = ["ByFile", "StoreOptions"]

_ASK_S = 3.0


class ByFile:
    """One operation on settings."""

    def __init__(self, op: Op, relays: Mapping[str, Relay], own: RawHandler) -> None:  # type: ignore[type-arg]
        """`relays` by service; what is not there is served by `own`."""
        self._op = op
        self._relays = relays
        self._own = own

    def serve(self, request: Request) -> None:
        """Raises CallError; nothing was sent then."""
        file = decode_body(request.body, self._op.request).file
        relay = self._relays.get(SETTINGS_FILES[file])
        if relay is None:
            self._own(request)
        else:
            relay.serve(request)


class StoreOptions:
    """What store.toml says that the gateway heeds, and what it refuses to let it say."""

    def __init__(self, store: StoreSettings, transaction: Caller, rules: Rules[StoreSettings]) -> None:
        self._profile = store.host_profile
        self._transaction = transaction
        rules.may = self._may
        rules.apply = self._apply
        self._apply(store)

    def _apply(self, store: StoreSettings) -> None:
        self.shared = store.client.shared
        self.told = ClientOptions(
            restart_when_down=store.client.restart_when_down, shared=store.client.shared,
            client_keeps_focus=store.client.keep_focus, daemon_keeps_focus=store.console.keep_focus,
            screen=store.console.screen,
        )  # fmt: skip

    async def _may(self, store: StoreSettings) -> None:
        """STANs, keys and totals belong to a host profile (T1). Raises CallError `unsettled`, or that nobody knows."""
        if store.host_profile == self._profile:
            return
        try:
            pending = await self._transaction.call(PENDING, Empty(), ttl_s=_ASK_S)
        except CallError as error:
            text = f"whether payments are unsettled cannot be asked: {error.message}; start the daemon, then try again"
            raise CallError(ErrorCode.UNAVAILABLE, text, outcome=Outcome.NOT_STARTED, retryable=True) from error
        if pending.unsettled:
            text = (
                f"store.host_profile: {pending.unsettled} payments are unsettled under profile {pending.profile}; "
                "see `tpayd reversals list`, then try again"
            )
            raise CallError(ErrorCode.UNSETTLED, text, outcome=Outcome.NOT_STARTED, retryable=True, field="$.changes")

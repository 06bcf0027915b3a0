"""Which program uses a lane. Unless a store shares its lanes (T17), it is one at a time [DLL 중복 사용 허용]."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tpayd.gateway.admission import Guest
from tpayd.kit.bus import CallError, Server
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Right

__all__ = ["LaneUse"]


class LaneUse:
    """A lane belongs to the client that orders on it, until its last connection ends.

    Administrators come beside: whoever runs the store must be able to help a lane.
    """

    def __init__(self, servers: Sequence[Server], shared: Callable[[], bool]) -> None:
        self._servers = servers
        self._shared = shared
        self._users: dict[str, Guest] = {}

    def take(self, guest: Guest, lane: str) -> None:
        """Raises CallError `not_permitted`, `detail` `not_shared`."""
        user = self._users.get(lane)
        if user is guest or guest.client.right is Right.ADMIN or self._shared():
            return
        if user is not None and self._is_here(user):
            text = (
                f"lane {lane} is in use by client {user.name}: one program at a time may use it, unless the store sets "
                "client.shared (tpayd settings set store.client.shared=true)"
            )
            raise CallError(ErrorCode.NOT_PERMITTED, text, outcome=Outcome.NOT_STARTED, field="$.lane",
                            detail="not_shared")  # fmt: skip
        self._users[lane] = guest

    def _is_here(self, guest: Guest) -> bool:
        return any(session.admitted.info is guest for server in self._servers for session in server.sessions.values())

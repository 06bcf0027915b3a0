"""What the key manager tells of keys: an event for whoever listens, and a line in the log."""

from __future__ import annotations

from collections.abc import Callable

from tpayd.key_manager.records import KeyRecord
from tpayd.kit.logs import Log
from tpayd_contracts.keys import KeyEvent, KeyHappening, KeyUsage

__all__ = ["KeyEvents", "owner_text", "way_out"]

_ALARMING = frozenset({KeyHappening.EXPIRED, KeyHappening.EXCHANGE_FAILED, KeyHappening.IN_DOUBT})


class KeyEvents:
    """See the module."""

    def __init__(self, publish: Callable[[KeyEvent], None], log: Log, now_ms: Callable[[], int]) -> None:
        self._publish = publish
        self._log = log
        self._now_ms = now_ms

    def expires_soon(self, key: KeyRecord) -> None:
        days = key.days_left(self._now_ms())
        text = f"the key of {owner_text(key)} expires in {days} days: {way_out(key)}"
        self._of(KeyHappening.EXPIRES_SOON, key, text)

    def expired(self, key: KeyRecord) -> None:
        text = f"the key of {owner_text(key)} has expired, new payments under it are refused: {way_out(key)}"
        self._of(KeyHappening.EXPIRED, key, text)

    def exchanged(self, key: KeyRecord, *, automatic: bool = False) -> None:
        text = f"{owner_text(key)} has a new key, check value {key.check_value}"
        self._of(KeyHappening.EXCHANGED, key, text, automatic=automatic)

    def in_doubt(self, key: KeyRecord, *, automatic: bool = False) -> None:
        text = (
            f"{owner_text(key)} was given a new key and did not say whether it took it; it is asked. "
            "The key before stays in force"
        )
        self._of(KeyHappening.IN_DOUBT, key, text, automatic=automatic)

    def failed(
        self, usage: KeyUsage, owner: str, device: str | None, reason: str, why: str, *, automatic: bool
    ) -> None:
        text = f"key exchange of {device or owner} failed, the key before stays in force: {why}"
        self._tell(
            KeyEvent(
                KeyHappening.EXCHANGE_FAILED, usage, owner, self._now_ms(), text, device=device, automatic=automatic,
                reason=reason,
            )
        )  # fmt: skip

    def _of(self, happened: KeyHappening, key: KeyRecord, text: str, *, automatic: bool = False) -> None:
        now_ms = self._now_ms()
        self._tell(
            KeyEvent(
                happened, key.usage, key.owner, now_ms, text, device=key.device, key_id=key.key_id,
                expires_at_ms=key.expires_at_ms, days_left=key.days_left(now_ms), automatic=automatic,
            )
        )  # fmt: skip

    def _tell(self, event: KeyEvent) -> None:
        line = self._log.warning if event.happened in _ALARMING else self._log.info
        line(f"key.{event.happened.value}", owner=event.owner, device=event.device, key_id=event.key_id, why=event.text)
        self._publish(event)


def owner_text(key: KeyRecord) -> str:
    """Whose key it is, for a person."""
    return f"terminal {key.owner}" if key.usage is KeyUsage.TERMINAL_MAC else f"reader {key.device or key.owner}"


def way_out(key: KeyRecord) -> str:
    """What brings a new one."""
    if key.usage is KeyUsage.TERMINAL_MAC:
        return f"`tpayd keys exchange --terminal {key.owner}`"
    return f"`tpayd keys exchange --reader {key.device}`" if key.device else "`tpayd keys exchange --all`"

"""The last signature of each lane, for a sale that may use it again [서명 재사용]. In memory only, and not for long."""

from __future__ import annotations

from tpayd.kit.clock import Clock
from tpayd_contracts.payment import CardSummary

__all__ = ["LastSignatures"]


class LastSignatures:
    """One signature per lane, good for the same card within `good_s` seconds; 0 keeps none."""

    def __init__(self, clock: Clock, good_s: float) -> None:
        self._clock = clock
        self._good_ms = int(good_s * 1000)
        self._kept: dict[str, tuple[int, str, bytes]] = {}

    def keep(self, lane: str, card: CardSummary | None, image: bytes) -> None:
        """It was signed just now."""
        if self._good_ms and card is not None:
            self._kept[lane] = self._clock.boottime_ms(), card.masked_pan, image

    def of(self, lane: str, card: CardSummary | None) -> bytes | None:
        """The signature that counts for this card as well, or None."""
        kept = self._kept.get(lane)
        if kept is None or card is None:
            return None
        at_ms, masked_pan, image = kept
        if self._clock.boottime_ms() - at_ms >= self._good_ms:
            del self._kept[lane]
            return None
        return image if masked_pan == card.masked_pan else None

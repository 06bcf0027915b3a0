"""The time that keys are dated and expire by: it follows the card host, not the machine's clock.

    host's time, MACed ──┐ once a sweep
    signed metadata ─────┴─► floor ──► now = floor + what has passed since, counted from boot

The rules:

* Only a host's answer whose MAC was right, or the date of metadata whose signature was right, moves the floor, and only
  forwards. So setting the machine's clock back gains nothing, and setting it forward expires nothing.
* Between two such moments time passes by CLOCK_BOOTTIME, which nobody sets; over a restart what was counted is lost,
  and time goes on from the floor. Being late is the safe side of nothing but a key's last day: `Event.EXPIRE` is kept
  on disk, so an expired key stays expired.
* A host that is suddenly more than a day ahead is believed when answers ten minutes apart agree.
* Metadata is signed by a key that lies on a server, and its word comes through the updater: it moves the floor by a day
  at most for each day that passes (and one more after a start). A thief of that key makes keys live half as long at
  worst; he expires none at once.
* A new store knows no host's time yet. It counts from the machine's clock at its founding, and the first host's time
  moves all dates given until then (`Moved.first`): a key lives as long as it should, whatever the clock was.
"""

from __future__ import annotations

from msgspec import Struct

from tpayd.kit.clock import Clock

__all__ = ["AGREE_MS", "DAY_MS", "Moved", "TrustedTime"]

DAY_MS = 86_400_000
AGREE_MS = 600_000
"""How far apart two answers must be that are to prove a jump of more than a day."""
_SAME_MS = 3_600_000
"""How much two such answers may differ in what they make of the same moment."""


class Moved(Struct, frozen=True):
    """The floor was moved."""

    by_ms: int
    """Against the time that was counted until then."""
    first: bool = False
    """It was the first host's time of this store: dates given before are to be moved as well."""


class TrustedTime:
    """See the module. Milliseconds since 1970 in all."""

    def __init__(self, clock: Clock, floor_ms: int, *, from_host: bool) -> None:
        """`floor_ms` as it was kept (0: a new store); `from_host`: a host's time has moved it once."""
        self._clock = clock
        self.from_host = from_host
        self._heard = False
        self._floor_ms = floor_ms or clock.unix_ms()
        self._at_boot_ms = clock.boottime_ms()
        self._doubted: tuple[int, int] | None = None
        self._granted_ms = DAY_MS
        self._granted_at_ms = self._at_boot_ms

    def now_ms(self) -> int:
        """The time now, never earlier than before in this process, nor than the floor."""
        return self._floor_ms + max(0, self._clock.boottime_ms() - self._at_boot_ms)

    @property
    def floor_ms(self) -> int:
        """What must be kept. Without a host's time it is what was counted: there is nothing better."""
        return self._floor_ms if self.from_host else self.now_ms()

    def machine_ahead_ms(self) -> int | None:
        """How far the machine's clock is ahead of this time; negative: behind. None: nobody can say yet.

        Over a restart the floor stays behind by as long as the store was down: until a host has told its time since,
        that would be taken for a wrong clock.
        """
        return self._clock.unix_ms() - self.now_ms() if self._heard else None

    def host_said(self, host_ms: int, boot_ms: int) -> Moved | None:
        """A host's MACed answer, made at `host_ms` by its clock, was checked at `boot_ms` since boot.

        Returns how the floor is to be moved, if it is: `move` does it, once what follows from it is on disk.
        """
        by_ms = host_ms + max(0, self._clock.boottime_ms() - boot_ms) - self.now_ms()
        if self.from_host and by_ms <= 0:
            self._doubted = None
            self._heard = True
            return None
        if abs(by_ms) > DAY_MS and not self._agreed(host_ms, boot_ms):
            return None
        self._heard = True
        return Moved(by_ms, first=not self.from_host)

    def metadata_said(self, signed_ms: int) -> Moved | None:
        """Metadata was signed at `signed_ms`, and the signature was checked: it is at least that late.

        Returns how the floor is to be moved now; what is left of it, later metadata may say again.
        """
        boot_ms = self._clock.boottime_ms()
        granted_ms = min(DAY_MS, self._granted_ms + boot_ms - self._granted_at_ms)
        by_ms = min(signed_ms - self.now_ms(), granted_ms)
        if by_ms <= 0:
            return None
        self._granted_ms, self._granted_at_ms = granted_ms - by_ms, boot_ms
        return Moved(by_ms)

    def move(self, moved: Moved) -> None:
        """Go on from there."""
        self._floor_ms = self.now_ms() + moved.by_ms
        self._at_boot_ms = self._clock.boottime_ms()
        self.from_host = self.from_host or moved.first
        self._doubted = None

    def _agreed(self, host_ms: int, boot_ms: int) -> bool:
        """Whether an answer long enough ago said the same; where it did not, the next must agree with this one."""
        if self._doubted is not None:
            before_ms, before_boot_ms = self._doubted
            passed_ms = boot_ms - before_boot_ms
            if abs(host_ms - before_ms - passed_ms) <= _SAME_MS:
                return passed_ms >= AGREE_MS
        self._doubted = host_ms, boot_ms
        return False

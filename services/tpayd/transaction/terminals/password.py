"""The settings password: a scrypt digest (RFC 7914), and a lock that grows with each wrong try.

A try is counted before it is judged, so that ending the process in between gives no try away. Where the clock was set
back, a lock begins anew; one set forward ends it early, and whoever may set the clock owns the machine.
"""

from __future__ import annotations

import hmac
import os
from typing import Annotated

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from msgspec import Meta, Struct
from msgspec.structs import replace

__all__ = ["FREE_TRIES", "LOCK_FIRST_S", "LOCK_MAX_S", "PasswordRecord"]

FREE_TRIES = 3
"""Wrong tries before the first lock."""
LOCK_FIRST_S = 30
"""The first lock; each further wrong try doubles it."""
LOCK_MAX_S = 3600

_DIGEST_BYTES = 32


class PasswordRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A password that is set. It holds no password."""

    salt: Annotated[bytes, Meta(min_length=16, max_length=64)]
    digest: Annotated[bytes, Meta(min_length=_DIGEST_BYTES, max_length=_DIGEST_BYTES)]
    log2_n: Annotated[int, Meta(ge=14, le=20)] = 15
    """32 MiB with r = 8: a tenth of a second for each guess."""
    r: Annotated[int, Meta(ge=8, le=8)] = 8
    p: Annotated[int, Meta(ge=1, le=4)] = 1
    wrong_tries: Annotated[int, Meta(ge=0)] = 0
    """Since the last right one; a try that is being judged counts already."""
    tried_ms: Annotated[int, Meta(ge=0)] = 0
    """Unix time of the last try."""

    def __repr__(self) -> str:
        return f"PasswordRecord(wrong_tries={self.wrong_tries})"

    @classmethod
    def of(cls, password: str) -> PasswordRecord:
        """A new record. Takes about a tenth of a second."""
        record = cls(salt=os.urandom(32), digest=bytes(_DIGEST_BYTES))
        return replace(record, digest=record._derive(password))

    def locked_for_s(self, now_ms: int) -> int:
        """Whole seconds until the next try is judged; 0: now."""
        excess = self.wrong_tries - FREE_TRIES
        if excess < 0:
            return 0
        lock_ms = 1000 * min(LOCK_FIRST_S << min(excess, 16), LOCK_MAX_S)
        left_ms = lock_ms - max(0, now_ms - self.tried_ms)
        return max(0, -(-left_ms // 1000))

    def seen_at(self, now_ms: int) -> PasswordRecord:
        """Where the clock was set back behind the last try, its lock counts from now."""
        return self if now_ms >= self.tried_ms else replace(self, tried_ms=now_ms)

    def tried(self, now_ms: int) -> PasswordRecord:
        """With one more try, not judged yet."""
        return replace(self, wrong_tries=self.wrong_tries + 1, tried_ms=now_ms)

    def proven(self) -> PasswordRecord:
        """After the right password."""
        return replace(self, wrong_tries=0)

    def fits(self, password: str) -> bool:
        """Whether this is the password. Takes about a tenth of a second."""
        return hmac.compare_digest(self._derive(password), self.digest)

    def _derive(self, password: str) -> bytes:
        kdf = Scrypt(salt=self.salt, length=_DIGEST_BYTES, n=1 << self.log2_n, r=self.r, p=self.p)
        return kdf.derive(password.encode())

"""Makes all that is random in the process follow from the seed: identities, nonces, jitter."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator

__all__ = ["seeded"]


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Until left, `os.urandom` and the module `random` (and with them `uuid` and `secrets`) repeat themselves."""
    source = random.Random(f"{seed}:identities")
    state, urandom, hidden = random.getstate(), os.urandom, random._urandom  # type: ignore[attr-defined]
    random.seed(f"{seed}:jitter")
    os.urandom = source.randbytes
    random._urandom = source.randbytes  # type: ignore[attr-defined]
    try:
        yield
    finally:
        os.urandom = urandom
        random._urandom = hidden  # type: ignore[attr-defined]
        random.setstate(state)

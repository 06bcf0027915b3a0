"""What `make bench-memory` calls flat, and what it calls growth."""

from __future__ import annotations

import os
import random

from tests.bench.memory import GROWTH_MAX_MIB, Course, private_mib

LOOKS = 120


def noisy(
    seed: int, *, start: float = 60.0, leak_mib: float = 0.0, filled_after: int = 0, filled_mib: float = 0.0
) -> Course:
    """Memory that is noisy by 1 MiB, fills caches first, and leaks so much over the whole time."""
    chance = random.Random(seed)
    filling = (min(1.0, look / filled_after) if filled_after else 1.0 for look in range(LOOKS))
    return Course(
        [
            start + filled_mib * filled + leak_mib * look / LOOKS + chance.uniform(-0.5, 0.5)
            for look, filled in enumerate(filling)
        ]
    )


def test_noise_is_flat() -> None:
    """What the allocator takes and gives back."""
    assert [True] * 50 == [noisy(seed).is_flat for seed in range(50)]


def test_caches_that_fill_first_are_flat() -> None:
    """A process may double while it fills what is bounded, if that is over after half of the time."""
    assert [True] * 50 == [noisy(seed, filled_after=50, filled_mib=80.0).is_flat for seed in range(50)]


def test_a_steady_leak_is_found() -> None:
    """A hundred bytes a payment, in an hour of 50 payments a second: 17 MiB."""
    courses = [noisy(seed, leak_mib=17.0) for seed in range(50)]

    assert [False] * 50 == [course.is_flat for course in courses]
    assert all(8.0 < course.growth_mib < 9.5 for course in courses)


def test_a_cache_without_a_bound_is_found() -> None:
    """What still fills at the end is growth, however large the process is."""
    assert not noisy(1, start=100.0, filled_after=LOOKS, filled_mib=40.0).is_flat
    assert noisy(1, start=100.0, filled_after=LOOKS, filled_mib=GROWTH_MAX_MIB).is_flat


def test_the_memory_of_a_process_is_read_from_the_kernel() -> None:
    """This one has some."""
    assert private_mib(os.getpid()) > 5.0

"""Ids that a till makes one after the other lie side by side in the journal's index."""

from __future__ import annotations

import threading
import uuid

from tpayd_client import new_request_id
from tpayd_client.request_ids import RequestIds
from tpayd_contracts.shapes import is_request_id

NOW_MS = 0x0198_1234_5678


def test_an_id_is_a_uuid_of_version_7() -> None:
    """With the time in its first 48 bits (RFC 9562, section 5.7), and in the form that the gateway takes."""
    for _ in range(200):
        made = RequestIds(lambda: NOW_MS).next()
        read = uuid.UUID(made)
        assert is_request_id(made)
        assert (7, uuid.RFC_4122, NOW_MS) == (read.version, read.variant, read.int >> 80)


def test_ids_ascend_within_a_millisecond_and_when_the_clock_is_set_back() -> None:
    """Also when more are made in a millisecond than the counter holds."""
    times = iter([*[NOW_MS] * 10_000, *[NOW_MS - 3_600_000] * 10_000, NOW_MS + 60_000])
    ids = RequestIds(lambda: next(times))
    made = [ids.next() for _ in range(20_001)]
    assert sorted(set(made)) == made
    assert NOW_MS + 60_000 == uuid.UUID(made[-1]).int >> 80


def test_two_tills_with_one_clock_make_no_id_twice() -> None:
    """What is not time and counter is drawn at random."""
    one, other = RequestIds(lambda: NOW_MS), RequestIds(lambda: NOW_MS)
    assert 4_000 == len({each.next() for each in (one, other) for _ in range(2_000)})


def test_threads_make_no_id_twice() -> None:
    """A till may sell on several lanes at once."""
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend([new_request_id() for _ in range(500)])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 4_000 == len(set(made))

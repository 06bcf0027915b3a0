"""A payment's id is a UUID, as any library reads it, and tells when it was made."""

from __future__ import annotations

import uuid

from tests.unit.transaction.samples import NOW_MS
from tpayd.transaction.payment import began_ms, new_payment_id


def test_each_is_another_uuid_of_version_7() -> None:
    made = {new_payment_id(NOW_MS) for _ in range(1_000)}
    assert len(made) == 1_000
    for one in made:
        read = uuid.UUID(one)
        assert (7, uuid.RFC_4122, one) == (read.version, read.variant, str(read))


def test_it_tells_when_it_was_made() -> None:
    """And one of an earlier version, or no id at all, does not."""
    assert [NOW_MS, 0, None, None] == [
        began_ms(new_payment_id(NOW_MS)), began_ms(new_payment_id(0)), began_ms(str(uuid.uuid4())), began_ms("p1"),
    ]  # fmt: skip

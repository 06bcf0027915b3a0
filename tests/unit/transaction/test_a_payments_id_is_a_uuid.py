"""A payment's id is a random UUID, as any library reads it."""

from __future__ import annotations

import uuid

from tpayd.transaction.payment import new_payment_id


def test_each_is_another_uuid_of_version_4() -> None:
    made = {new_payment_id() for _ in range(1_000)}
    assert len(made) == 1_000
    for one in made:
        read = uuid.UUID(one)
        assert (4, uuid.RFC_4122, one) == (read.version, read.variant, str(read))

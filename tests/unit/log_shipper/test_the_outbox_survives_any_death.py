"""What an earlier life has left in the outbox is gone on with, or cleared: each row of the table in `outbox`."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tpayd.kit import durable_file
from tpayd.log_shipper import outbox as module
from tpayd.log_shipper.outbox import ENDED_KEPT, Entry, Outbox
from tpayd_contracts.logs import Bundle, BundleState, ShipPriority


class NoLog:
    def __getattr__(self, _: str) -> Any:
        return lambda *_arguments, **_fields: None


NAME = "shop-3f9a2c71-20260302T011530Z-{}.tar.zst.age"


def identity(number: int) -> str:
    return f"0b0b6c1e-58f1-4c43-9d5e-{number:012x}"


def entry(number: int, state: BundleState, **fields: Any) -> Entry:
    return Entry(Bundle(id=identity(number), state=state, priority=ShipPriority.NOW, asked_ms=number, **fields))


def reopened(directory: Path) -> Outbox:
    found = Outbox(directory, NoLog())
    found.open()
    return found


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return reopened(tmp_path / "outbox")


def test_a_request_stays(outbox: Outbox) -> None:
    """With all that it asks for."""
    asked = Entry(entry(1, BundleState.ASKED).bundle, since_ms=5, services=("gateway",))
    outbox.put(asked)

    assert {identity(1): asked} == reopened(outbox.directory).entries


def test_what_was_not_finished_is_removed_and_made_anew(outbox: Outbox) -> None:
    """A part, and a bundle of which no record says what it is."""
    outbox.put(entry(1, BundleState.ASKED))
    (outbox.directory / f"{NAME.format(identity(1))}.part").write_bytes(b"half")
    (outbox.directory / NAME.format(identity(1))).write_bytes(b"whole, or not")

    assert BundleState.ASKED == reopened(outbox.directory).bundles[0].state
    assert [f"{identity(1)}.json"] == [path.name for path in outbox.directory.iterdir()]


@pytest.mark.parametrize("state", [BundleState.PACKED, BundleState.SENDING])
def test_a_packed_bundle_is_delivered_however_far_it_was(outbox: Outbox, state: BundleState) -> None:
    """What the server has of it, the server says."""
    name = NAME.format(identity(1))
    (outbox.directory / name).write_bytes(b"packed")
    outbox.put(entry(1, state, name=name, size_bytes=6, sha256="00"))
    found = reopened(outbox.directory)

    assert (BundleState.PACKED, b"packed") == (found.bundles[0].state, found.path(found.bundles[0]).read_bytes())


def test_a_bundle_that_is_gone_is_made_anew(outbox: Outbox) -> None:
    """The logs are still there."""
    outbox.put(entry(1, BundleState.PACKED, name=NAME.format(identity(1)), size_bytes=6, sha256="00"))
    found = reopened(outbox.directory).bundles[0]

    assert (BundleState.ASKED, "", 0) == (found.state, found.name, found.size_bytes)


def test_a_shipped_bundle_leaves_its_record_alone(outbox: Outbox) -> None:
    """Its file goes, now or with the next start."""
    name = NAME.format(identity(1))
    (outbox.directory / name).write_bytes(b"packed")
    outbox.put(entry(1, BundleState.SHIPPED, name=name, size_bytes=6, ended_ms=9))
    reopened(outbox.directory)

    assert [f"{identity(1)}.json"] == [path.name for path in outbox.directory.iterdir()]


def test_the_last_ones_that_ended_are_remembered(outbox: Outbox) -> None:
    """Newest first, and no more than twenty."""
    for number in range(1, ENDED_KEPT + 4):
        outbox.put(entry(number, BundleState.SENDING))
        outbox.end(identity(number), state=BundleState.SHIPPED, ended_ms=number)
    found = reopened(outbox.directory).ended

    assert [identity(number) for number in range(ENDED_KEPT + 3, 3, -1)] == [one.id for one in found]


def test_a_record_that_cannot_be_read_stops_nothing(outbox: Outbox) -> None:
    """It is told, and left where it is."""
    (outbox.directory / f"{identity(1)}.json").write_bytes(b"{")
    outbox.put(entry(2, BundleState.ASKED))

    assert [identity(2)] == [one.id for one in reopened(outbox.directory).bundles]
    assert (outbox.directory / f"{identity(1)}.json").exists()


def test_on_a_full_disk_a_delivered_bundle_makes_room_for_its_record(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not delivered twice."""
    name = NAME.format(identity(1))
    (outbox.directory / name).write_bytes(b"packed")
    outbox.put(entry(1, BundleState.PACKED, name=name, size_bytes=6, sha256="00"))
    replace = durable_file.replace_file

    def full(path: Path, content: bytes, mode: int) -> None:
        if (outbox.directory / name).exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(path, content, mode)

    monkeypatch.setattr(module, "replace_file", full)
    outbox.end(identity(1), state=BundleState.SHIPPED, ended_ms=9)

    assert [BundleState.SHIPPED] == [one.state for one in reopened(outbox.directory).bundles]


def test_a_request_that_the_disk_does_not_take_is_none(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client hears it, and nothing is half done."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "replace_file", full)
    with pytest.raises(OSError, match="No space left"):
        outbox.put(entry(1, BundleState.ASKED))
    assert () == outbox.bundles

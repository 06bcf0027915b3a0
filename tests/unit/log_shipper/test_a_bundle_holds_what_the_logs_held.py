"""A bundle holds the logs of one moment, byte by byte, while others write and rotate them; or there is none."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.log_shipper.bundles import ABOUT, CARD, RECIPIENT, line, members, pack
from tpayd.log_shipper.errors import AlteredError, LeakError, PackError, StoppedError
from tpayd.log_shipper.packing import Wanted, Work, make_bundle, prove


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "log"
    directory.mkdir()
    (directory / "gateway.20260131T120000Z.jsonl").write_bytes(b"".join(line(second) for second in range(5)))
    (directory / "gateway.jsonl").write_bytes(b"".join(line(second) for second in range(5, 9)))
    (directory / "supervisord.log").write_bytes(b"2026-01-31 12:00:00,123 INFO spawned\n")
    (directory / "notes.txt").write_bytes(b"no log")
    return directory


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "outbox").mkdir()
    return tmp_path / "outbox" / "shop.tar.zst.age"


def at_ms(second: int) -> int:
    return int(datetime(2026, 1, 31, 12, 0, second, tzinfo=UTC).timestamp() * 1000)


def test_all_logs_and_nothing_else_are_in_it(logs: Path, target: Path) -> None:
    """The manifest comes first and lists them."""
    made = pack(logs, target)
    found = members(target)

    expected = {f"log/{path.name}": path.read_bytes() for path in logs.iterdir() if path.name != "notes.txt"}
    assert expected == {name: content for name, content in found.items() if name != "manifest.json"}
    assert "manifest.json" == next(iter(found))
    manifest = json.loads(found["manifest.json"])
    assert (0, 10) == (manifest["proof"]["findings"], manifest["proof"]["lines"])
    assert (target.stat().st_size, 3) == (made.size_bytes, made.files)
    assert [target] == list(target.parent.iterdir())


def test_a_line_that_is_being_written_is_for_the_next_bundle(logs: Path, target: Path) -> None:
    """Only whole lines leave."""
    whole = (logs / "gateway.jsonl").read_bytes()
    with (logs / "gateway.jsonl").open("ab") as file:
        file.write(b'{"time":"2026-01')
    pack(logs, target)

    assert whole == members(target)["log/gateway.jsonl"]


def test_a_rotation_in_the_midst_of_it_loses_and_doubles_nothing(
    logs: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks at the directory the file gets another name, and a new one takes its place."""
    before = (logs / "gateway.jsonl").read_bytes()
    opened = os.open

    def rotating(path: Path, *arguments: int) -> int:
        descriptor = opened(path, *arguments)
        if Path(path).name == "gateway.jsonl" and not (logs / "gateway.20260131T130000Z.jsonl").exists():
            (logs / "gateway.jsonl").rename(logs / "gateway.20260131T130000Z.jsonl")
            (logs / "gateway.jsonl").write_bytes(line(50))
        return descriptor

    monkeypatch.setattr(os, "open", rotating)
    pack(logs, target)
    monkeypatch.undo()

    contents = [content for name, content in members(target).items() if name.startswith("log/gateway")]
    assert sorted([before, (logs / "gateway.20260131T120000Z.jsonl").read_bytes()]) == sorted(contents)


def test_lines_that_come_while_it_is_packed_do_not_disturb_it(logs: Path, target: Path) -> None:
    """It is the state of the moment at which it began."""
    before = (logs / "gateway.jsonl").read_bytes()

    class Writing(Work):
        def did(self, size_bytes: int) -> None:
            super().did(size_bytes)
            with (logs / "gateway.jsonl").open("ab") as file:
                file.write(line(59))

    pack(logs, target, Writing())

    assert before == members(target)["log/gateway.jsonl"]


def test_a_span_and_a_service_can_be_asked_for(logs: Path, target: Path) -> None:
    """Whole lines from the one moment to the other; of the others nothing."""
    pack(logs, target, services=("gateway",), since_ms=at_ms(3), until_ms=at_ms(6))
    found = members(target)

    assert b"".join(line(second) for second in (3, 4)) == found["log/gateway.20260131T120000Z.jsonl"]
    assert b"".join(line(second) for second in (5, 6)) == found["log/gateway.jsonl"]
    assert 3 == len(found)


def test_what_is_too_much_is_left_out_from_the_oldest_on(logs: Path, target: Path) -> None:
    """And the manifest says what."""
    os.utime(logs / "gateway.20260131T120000Z.jsonl", (1, 1))
    size = (logs / "gateway.jsonl").stat().st_size
    pack(logs, target, services=("gateway",), limit_bytes=size)
    found = members(target)

    assert {"manifest.json", "log/gateway.jsonl"} == found.keys()
    assert ["gateway.20260131T120000Z.jsonl"] == [
        each["name"] for each in json.loads(found["manifest.json"])["left_out"]
    ]


def test_a_planted_card_number_stops_it_and_is_not_said(logs: Path, target: Path) -> None:
    """File, line and kind are; nothing is left in the outbox, and the log is as it was."""
    with (logs / "gateway.jsonl").open("ab") as file:
        file.write(line(9, note=f"card {CARD}"))
    before = (logs / "gateway.jsonl").read_bytes()

    with pytest.raises(LeakError, match=r"gateway.jsonl, line 5: card number") as caught:
        pack(logs, target)

    assert CARD not in str(caught.value)
    assert [] == list(target.parent.iterdir())
    assert before == (logs / "gateway.jsonl").read_bytes()
    assert ["gateway.jsonl, line 5: card number"] == [str(one) for one in prove(Wanted(logs), Work())[0]]


def test_a_card_number_before_the_span_does_not_stop_it(logs: Path, target: Path) -> None:
    """What is looked at is what leaves; line numbers count from the file's beginning all the same."""
    content = line(1, note=CARD) + line(2) + line(3, pin="1234")
    (logs / "gateway.jsonl").write_bytes(content)

    pack(logs, target, since_ms=at_ms(2), until_ms=at_ms(2))
    with pytest.raises(LeakError, match=r"gateway.jsonl, line 3: secret"):
        pack(logs, target, since_ms=at_ms(2))


def test_a_file_that_is_altered_meanwhile_makes_no_bundle(logs: Path, target: Path) -> None:
    """What was proven is what is packed, or nothing is."""

    class Altering(Work):
        def did(self, size_bytes: int) -> None:
            super().did(size_bytes)
            if self.done_bytes == self.of_bytes // 2:
                (logs / "supervisord.log").write_bytes(b"2026-01-31 12:00:00,123 INFO replaced\n"[:37])

    with pytest.raises(AlteredError, match="supervisord"):
        pack(logs, target, Altering())
    assert [] == list(target.parent.iterdir())


def test_a_full_disk_leaves_nothing_behind(logs: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a part of a bundle nor one that is not on the disk."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        pack(logs, target)
    assert [] == list(target.parent.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_while_it_is_written_is_told_as_such(logs: Path, target: Path) -> None:
    """Not as a fault of the encryption, through which the bytes go."""
    target.with_name(f"{target.name}.part").parent.mkdir(exist_ok=True)
    (logs / "gateway.jsonl").write_bytes(
        b"".join(line(1, noise=os.urandom(400).hex().translate(LETTERS)) for _ in range(900))
    )
    opened = os.open

    def into_full(path: Path, *arguments: int) -> int:
        return opened("/dev/full" if str(path).endswith(".part") else path, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", into_full)
        with pytest.raises(OSError, match="No space left"):
            pack(logs, target)
    assert [] == list(target.parent.iterdir())


def test_it_stops_when_it_is_told_to(logs: Path, target: Path) -> None:
    """At its next block, and leaves nothing behind."""
    work = Work()
    work.stop = True

    with pytest.raises(StoppedError):
        pack(logs, target, work)
    assert [] == list(target.parent.iterdir())


def test_a_key_that_is_none_is_named(logs: Path, target: Path) -> None:
    """With the setting that has it."""
    with pytest.raises(PackError, match=r"log_shipper.recipients: age1qqq"):
        make_bundle(Wanted(logs), ABOUT, [f"age1{'q' * 58}"], target, Work())
    assert RECIPIENT.startswith("age1")


LETTERS = str.maketrans("0123456789", "ghijklmnop")

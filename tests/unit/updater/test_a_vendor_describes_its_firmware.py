"""What the vendor's tool makes is what stores and readers take; what they would not take is not made."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.release.firmware import main
from tpayd.crypto.firmware import Image, ticket
from tpayd.updater.firmware.description import FirmwareDescription

NAME = "ACME-1-any-02.05"


def described(directory: Path, *more: str, version: str = "02.05") -> int:
    image = directory / "reader.bin"
    image.write_bytes(b"firmware" * 100)
    return main(
        [
            "describe",
            "acme",
            str(image),
            "--model",
            "ACME-1",
            "--version",
            version,
            "--to",
            str(directory / "out"),
            *more,
        ]
    )


def test_image_and_description_belong_together(tmp_path: Path) -> None:
    key, notes = tmp_path / "readers.key", tmp_path / "notes.md"
    notes.write_text("리더기를 분리하지 마십시오.", encoding="utf-8")
    assert 0 == main(["key", str(key)])
    assert 0 == described(tmp_path, "--key", str(key), "--notes", f"ko={notes}", "--min-daemon", "0.2.0")
    out = tmp_path / "out"
    told = FirmwareDescription.parse((out / f"{NAME}.json").read_bytes(), f"firmware/acme/{NAME}.json")
    assert (f"{NAME}.bin", 800, "0.2.0") == (told.image, (out / f"{NAME}.bin").stat().st_size, told.min_daemon)
    assert {"ko": "리더기를 분리하지 마십시오."} == told.notes
    image = Image("ACME-1", "any", "02.05", 800, bytes.fromhex(told.sha256))
    assert ticket(bytes.fromhex(key.read_text()), image).hex() == told.ticket
    assert 0o600 == key.stat().st_mode & 0o777


def test_what_nobody_would_take_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == described(tmp_path, "--sandbox", version="02.05.7")
    assert "02.05.7" in capsys.readouterr().err
    (tmp_path / "short.key").write_text("00")
    assert 1 == described(tmp_path, "--key", str(tmp_path / "short.key"))
    assert 1 == described(tmp_path, "--sandbox", "--min-daemon", "newest")
    assert not (tmp_path / "out").exists()


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    assert 0 == main(["key", str(tmp_path / "readers.key")])
    before = (tmp_path / "readers.key").read_text()
    assert 1 == main(["key", str(tmp_path / "readers.key")])
    assert before == (tmp_path / "readers.key").read_text()

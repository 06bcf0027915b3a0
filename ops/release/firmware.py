"""Describe an image of reader firmware, as its vendor, so that stores and readers take it (docs/firmware.md).

Run it from the project's root as  python -m ops.release.firmware COMMAND --help

    key vendor-readers.key
    describe scspro build/reader.bin --model SCSPRO-100 --mode RS232 --version 01.12 --min-daemon 0.1.0
             --key vendor-readers.key --notes en=NOTES.en.md --to firmware/

The key is the one whose public half the vendor's readers hold from the factory. It is not the key of the repository:
that one answers to stores for what the vendor offers, this one to the readers for what they may run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

from tpayd.crypto.errors import ExchangeFormatError
from tpayd.crypto.firmware import SEED_BYTES, Image, public_of, ticket
from tpayd.sandbox.readers.flash import ImageHead, sandbox_image
from tpayd.sandbox.secrets import FIRMWARE_VENDOR_SEED
from tpayd.updater.errors import DescriptionError
from tpayd.updater.firmware.description import ANY_MODE, FORMAT, FirmwareDescription

__all__ = ["describe", "main"]

_KEY_MODE = 0o600


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 refused, 2 wrong use."""
    told = _parser().parse_args(arguments)
    try:
        return int(told.work(told))
    except (OSError, ValueError, ExchangeFormatError, DescriptionError) as error:
        print(f"firmware: {error}", file=sys.stderr)
        return 1


def describe(
    vendor: str, image: Path, *, model: str, mode: str, version: str, min_daemon: str, seed: bytes,
    notes: dict[str, str], to: Path,
) -> tuple[Path, Path]:  # fmt: skip
    """Write image and description into a directory: what `add-firmware` takes.

    Raises ExchangeFormatError and DescriptionError for what readers and stores would not take, and OSError.
    """
    content = image.read_bytes()
    name = f"{model}-{mode}-{version}"
    told = Image(model, mode, version, len(content), hashlib.sha256(content).digest())
    document = {
        "format": FORMAT, "vendor": vendor, "model": model, "mode": mode, "version": version, "image": f"{name}.bin",
        "size_bytes": told.size_bytes, "sha256": told.sha256.hex(), "min_daemon": min_daemon,
        "ticket": ticket(seed, told).hex(), "vendor_key": public_of(seed).hex(), "notes": notes,
    }  # fmt: skip
    text = json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
    FirmwareDescription.parse(text, f"firmware/{vendor}/{name}.json")
    to.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(image, to / f"{name}.bin")
    (to / f"{name}.json").write_bytes(text)
    return to / f"{name}.bin", to / f"{name}.json"


def _make_key(told: argparse.Namespace) -> int:
    descriptor = os.open(told.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _KEY_MODE)
    seed = os.urandom(SEED_BYTES)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(seed.hex() + "\n")
    print(f"{told.file}: keep it; readers get its public half in the factory: {public_of(seed).hex()}")
    return 0


def _describe(told: argparse.Namespace) -> int:
    seed = FIRMWARE_VENDOR_SEED if told.sandbox else bytes.fromhex(told.key.read_text(encoding="ascii").strip())
    if len(seed) != SEED_BYTES:
        raise ValueError(f"{told.key}: a key has {SEED_BYTES} bytes in hexadecimal")
    notes = {}
    for each in told.notes:
        language, _, path = each.partition("=")
        notes[language] = Path(path).read_text(encoding="utf-8")
    made = describe(
        told.vendor, told.image, model=told.model, mode=told.mode, version=told.version, min_daemon=told.min_daemon,
        seed=seed, notes=notes, to=told.to,
    )  # fmt: skip
    print(*made, sep="\n")
    return 0


def _sandbox_image(told: argparse.Namespace) -> int:
    told.image.write_bytes(sandbox_image(ImageHead(told.version, told.mode), told.size))
    print(f"{told.image}: firmware {told.version} for virtual readers")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="firmware", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    key = commands.add_parser("key", help="make a key of a vendor's readers")
    key.add_argument("file", type=Path)
    key.set_defaults(work=_make_key)
    describing = commands.add_parser("describe", help="describe an image, and sign it for the readers")
    describing.add_argument("vendor", help="as in the repository: firmware/<vendor>/")
    describing.add_argument("image", type=Path)
    describing.add_argument("--model", required=True, help="the certified model, as the reader tells it")
    describing.add_argument("--mode", default=ANY_MODE, help="the communication mode; any: the model has but one")
    describing.add_argument("--version", required=True, help="as the reader will tell it, at most 5 characters")
    describing.add_argument("--min-daemon", default="0.1.0", help="the oldest tpayd that may bring it into a reader")
    describing.add_argument("--notes", action="append", default=[], metavar="LANGUAGE=FILE", help="guidance: en, ko")
    describing.add_argument("--to", type=Path, required=True, help="directory for both files")
    signer = describing.add_mutually_exclusive_group(required=True)
    signer.add_argument("--key", type=Path, help="private key of the vendor's readers")
    signer.add_argument("--sandbox", action="store_true", help="as the vendor of the virtual readers")
    describing.set_defaults(work=_describe)
    made = commands.add_parser("sandbox-image", help="make an image for virtual readers")
    made.add_argument("image", type=Path)
    made.add_argument("--version", required=True)
    made.add_argument("--mode", default=ANY_MODE)
    made.add_argument("--size", type=int, default=200_000, help="bytes")
    made.set_defaults(work=_sandbox_image)
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""List a release's files from its wheels, and sign the list: `python ops/release/manifest.py --help`.

Listing and signing are apart: the list is made where the wheels are built, and signed on a machine without a network
that holds the vendor's key. docs/integrity.md shows the whole way to a store.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tpayd.integrity.envelope import key_id
from tpayd.integrity.errors import IntegrityError, ManifestError
from tpayd.integrity.manifest import Kind, Manifest, OpenedManifest
from tpayd.integrity.trust import load_signing_key, make_signing_key, public_line, read_trust
from tpayd.integrity.wheels import release_manifest


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 not so (`verify`) or refused, 2 wrong use."""
    told = _arguments(arguments)
    try:
        command = _COMMANDS[told.command]
        command(told)
    except (IntegrityError, OSError) as error:
        print(f"{told.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _key(told: argparse.Namespace) -> None:
    key = make_signing_key(told.file, _passphrase(told))
    print(public_line(Kind.RELEASE, key.public_key(), told.comment), end="")


def _list(told: argparse.Namespace) -> None:
    manifest = release_manifest(told.wheels, told.version, time.time_ns() // 1_000_000)
    told.out.write_bytes(msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n")
    print(f"{told.out}: {len(manifest.files)} files of {len(told.wheels)} wheels; look through it, then sign it")


def _sign(told: argparse.Namespace) -> None:
    try:
        manifest = msgspec.json.decode(told.list.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise ManifestError(f"{told.list} is no list of files: {error}") from None
    if manifest.kind is not Kind.RELEASE:
        raise ManifestError(f"{told.list} lists an installation, which no vendor can vouch for")
    keys: list[Ed25519PrivateKey] = [load_signing_key(path, _passphrase(told)) for path in told.key]
    told.out.write_bytes(manifest.signed(*keys))
    names = ", ".join(key_id(key.public_key()) for key in keys)
    print(f"{told.out}: {len(manifest.files)} files of tpayd {manifest.version}, signed by {names}")


def _verify(told: argparse.Namespace) -> None:
    opened = OpenedManifest.open(told.manifest.read_bytes(), Kind.RELEASE, read_trust(told.trust).of(Kind.RELEASE))
    print(f"{told.manifest}: tpayd {opened.manifest.version}, {len(opened.manifest.files)} files, by {opened.key_id}")


_COMMANDS = {"key": _key, "list": _list, "sign": _sign, "verify": _verify}


def _passphrase(told: argparse.Namespace) -> bytes | None:
    path: Path | None = told.passphrase_file
    return None if path is None else path.read_bytes().splitlines()[0]


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manifest.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    key = commands.add_parser("key", help="make a signing key; prints the line that instances pin")
    key.add_argument("file", type=Path, help="the private key to be (PEM, mode 0600)")
    key.add_argument("--comment", default="", help="whose it is, for whoever reads the pinned line")
    lists = commands.add_parser("list", help="list the files of all wheels of a release, checked against their RECORD")
    lists.add_argument("wheels", type=Path, nargs="+")
    lists.add_argument("--version", required=True, help="of tpayd")
    lists.add_argument("--out", type=Path, required=True)
    sign = commands.add_parser("sign", help="sign a list")
    sign.add_argument("list", type=Path)
    sign.add_argument("--key", type=Path, action="append", required=True, help="may be repeated while a key changes")
    sign.add_argument("--out", type=Path, required=True, help="tpayd-release.manifest, in the environment's root")
    verify = commands.add_parser("verify", help="check a signature as an instance does")
    verify.add_argument("manifest", type=Path)
    verify.add_argument("--trust", type=Path, required=True, help="a file of pinned keys, as config/integrity.keys")
    for each in (key, sign):
        each.add_argument("--passphrase-file", type=Path, help="its first line protects the private key")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

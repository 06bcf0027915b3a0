"""What every key provider must hold to, as checks that any of them can be run through.

    python -m tpayd.key_manager.providers.checks NAME [--secrets DIR] [--option NAME=VALUE ...]

Exit codes: 0 it holds to all, 1 not to all, 2 it could not be made. The checks make keys of their own and leave them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tpayd.key_manager.errors import KeyManagerError, SealBrokenError
from tpayd.key_manager.providers.provider import (
    KEPT_BYTES_MAX,
    SIGNATURE_BYTES,
    KeyProvider,
    ProviderPlace,
    Sealing,
    load,
)

__all__ = ["CHECKS", "BrokenPromiseError", "main", "run"]

_SIZES = (0, 1, 16, 1000, 65_536)


class BrokenPromiseError(Exception):
    """A provider does not do what it must."""


def _must(holds: bool, promise: str) -> None:
    if not holds:
        raise BrokenPromiseError(promise)


def _refuses(sealing: Sealing, sealed: bytes, context: bytes, promise: str) -> None:
    try:
        sealing.open(sealed, context)
    except SealBrokenError:
        return
    raise BrokenPromiseError(promise)


def _opens_what_it_sealed(provider: KeyProvider) -> None:
    _, sealing = provider.create()
    for size in _SIZES:
        clear = bytes(range(256)) * (size // 256 + 1)
        _must(sealing.open(sealing.seal(clear[:size], b"c"), b"c") == clear[:size], f"{size} bytes come back")


def _finds_its_key_again(provider: KeyProvider) -> None:
    kept, sealing = provider.create()
    again = provider.unlock(kept)
    _must(again.open(sealing.seal(b"record", b"c"), b"c") == b"record", "an unlocked store opens its records")
    _must(again.sign(b"entry") == sealing.sign(b"entry"), "an unlocked store signs as before")


def _keeps_little(provider: KeyProvider) -> None:
    kept, _ = provider.create()
    _must(0 < len(kept) <= KEPT_BYTES_MAX, f"what is kept has 1 to {KEPT_BYTES_MAX} bytes")


def _hides(provider: KeyProvider) -> None:
    _, sealing = provider.create()
    first, second = (sealing.seal(b"sixteen letters.", b"c") for _ in range(2))
    _must(first != second, "the same record is never sealed to the same bytes twice")
    _must(b"sixteen letters." not in first, "nothing of a record stands in clear")


def _notices_changes(provider: KeyProvider) -> None:
    _, sealing = provider.create()
    sealed = sealing.seal(b"record", b"context")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        _refuses(sealing, bytes(changed), b"context", f"a changed bit is noticed (byte {at})")
    for cut in (b"", sealed[:-1], sealed[1:], sealed + b"\0"):
        _refuses(sealing, cut, b"context", "a record that is cut or lengthened is noticed")


def _binds_the_context(provider: KeyProvider) -> None:
    _, sealing = provider.create()
    for context in (b"", b"other", b"context\0"):
        _refuses(sealing, sealing.seal(b"record", b"context"), context, "a record opens in its own place alone")


def _parts_stores(provider: KeyProvider) -> None:
    kept, one = provider.create()
    other_kept, other = provider.create()
    _must(kept != other_kept, "two stores keep different bytes")
    _refuses(other, one.seal(b"record", b"c"), b"c", "no store opens another's records")
    _must(one.sign(b"entry") != other.sign(b"entry"), "no store signs as another")


def _signs(provider: KeyProvider) -> None:
    _, sealing = provider.create()
    signature = sealing.sign(b"entry")
    _must(len(signature) == SIGNATURE_BYTES, f"a signature has {SIGNATURE_BYTES} bytes")
    _must(signature == sealing.sign(b"entry"), "the same is signed alike")
    _must(signature != sealing.sign(b"entrz"), "another entry is signed otherwise")


def _refuses_what_it_did_not_make(provider: KeyProvider) -> None:
    for kept in (b"", b"garbage" * 10):
        try:
            provider.unlock(kept)
        except KeyManagerError:
            continue
        raise BrokenPromiseError("bytes that it did not make are refused, by an error of the key manager")


CHECKS: dict[str, Callable[[KeyProvider], None]] = {
    "opens what it sealed": _opens_what_it_sealed,
    "finds its key again": _finds_its_key_again,
    "keeps little in clear": _keeps_little,
    "hides what it seals": _hides,
    "notices changes": _notices_changes,
    "binds a record to its place": _binds_the_context,
    "parts one store from another": _parts_stores,
    "signs": _signs,
    "refuses what it did not make": _refuses_what_it_did_not_make,
}
"""Each raises BrokenPromiseError."""


def run(provider: KeyProvider) -> dict[str, str]:
    """All checks; by name what went wrong, with errors of any kind, so that one fault hides no other."""
    found: dict[str, str] = {}
    for name, check in CHECKS.items():
        try:
            check(provider)
        except Exception as error:
            found[name] = str(error) or type(error).__name__
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="checks", description="Run a key provider through what it must hold to.")
    parser.add_argument("name", help="as it is registered")
    parser.add_argument("--secrets", type=Path, default=Path("secrets"), help="directory of its secrets")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="as in the settings")
    options = parser.parse_args(arguments)
    given = dict(option.partition("=")[::2] for option in options.option)
    try:
        provider = load(options.name, ProviderPlace(options.secrets, given))
    except (KeyManagerError, ValueError) as error:
        print(f"not made: {error}", file=sys.stderr)
        return 2
    faults = run(provider)
    for name in CHECKS:
        print(f"{name:<32} {faults.get(name, 'ok')}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

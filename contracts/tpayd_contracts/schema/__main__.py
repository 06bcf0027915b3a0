"""`python -m tpayd_contracts.schema [--check | --release]`: write, compare or freeze `contracts/schema/`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tpayd_contracts.schema.files import directory, generated, release_files, stale
from tpayd_contracts.version import CONTRACT_VERSION


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done, or up to date; 1: not up to date, or already released and different."""
    parser = argparse.ArgumentParser(prog="python -m tpayd_contracts.schema", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="write nothing; say which files are not up to date")
    choice.add_argument("--release", action="store_true", help="freeze this contract version and its golden messages")
    options = parser.parse_args(arguments)
    root = directory()
    if options.check:
        return _check(root)
    if options.release:
        return _release(root)
    _write(root, generated())
    for path in stale(root):
        (root / path).unlink()
    return 0


def _check(root: Path) -> int:
    differing = stale(root)
    for path in differing:
        print(f"{path} is not what the contract generates", file=sys.stderr)
    if differing:
        print("run: python -m tpayd_contracts.schema", file=sys.stderr)
    return 1 if differing else 0


def _release(root: Path) -> int:
    files = release_files()
    frozen = {path for path in files if (root / path).exists() and (root / path).read_bytes() != files[path]}
    if frozen:
        print(
            f"contract {CONTRACT_VERSION} is released and differs: {', '.join(sorted(frozen))}. "
            "Raise the version in tpayd_contracts/version.py.",
            file=sys.stderr,
        )
        return 1
    _write(root, generated() | files)
    return 0


def _write(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


if __name__ == "__main__":
    raise SystemExit(main())

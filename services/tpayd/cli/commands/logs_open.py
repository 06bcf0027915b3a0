"""`tpayd logs new-key` and `open`: the vendor's end of a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.shape import as_json
from tpayd.log_shipper.opening import OpenError, make_identity, open_bundle

__all__ = ["new_key", "open_"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_output
def new_key(output: Output, file: Path) -> int:
    """Make the private key that opens bundles, mode 0600, and print its public half for `log_shipper.recipients`.

    For the vendor. Whoever has FILE reads every bundle that was encrypted to it; age and age-keygen know its format.
    """
    try:
        public = make_identity(file)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", Exit.USAGE, code="usage") from error
    output.result({"recipient": public, "file": str(file)}, lambda: output.line(public))
    return Exit.OK


@click.command()
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Private key.")
@click.option("--to", "target", type=click.Path(file_okay=False, path_type=Path), help="A new directory.")
@json_option
@pass_output
def open_(output: Output, bundle: Path, key: Path, target: Path | None) -> int:
    """Open a bundle into a new directory, and compare every file with the manifest. For the vendor.

    \b
    Examples:
      tpayd logs open store-3f9a2c71-20260302T011530Z-….tar.zst.age --key vendor.key
    The same with age, zstd and tar alone:
      age -d -i vendor.key BUNDLE | zstd -d | tar x
    """
    place = target or Path(bundle.name.removesuffix(".tar.zst.age") + ".opened")
    try:
        manifest = open_bundle(bundle, key, place)
    except OpenError as error:
        raise CommandError(str(error), Exit.NO, code="not_opened") from error
    except OSError as error:
        raise CommandError(f"{error.filename or place}: {error.strerror}", Exit.USAGE, code="usage") from error

    def show() -> None:
        told = manifest.about
        output.line(f"opened    {place}: {len(manifest.files)} files, all as the manifest says", style="green")
        output.line(f"store     {told.store} ({told.instance}), tpayd {told.tpayd}, {told.made_at}")
        output.line(f"asked by  {told.asked_by}{': ' + told.reason if told.reason else ''}")

    output.result({"directory": str(place), "manifest": as_json(manifest)}, show)
    return Exit.OK

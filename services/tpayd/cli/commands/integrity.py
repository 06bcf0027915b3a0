"""`tpayd integrity`: the installed files, checked and signed, and the readers' self-tests [무결성체크]."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tpayd import __version__
from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.moments import moment
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pages import all_readers
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client import Pos
from tpayd_client.types import IntegrityProgress, IntegrityReport, IntegrityResult, IntegrityState

__all__ = ["integrity"]

_CHECK_TTL_S = 300.0
_GOOD = (IntegrityState.OK, IntegrityState.OFF)
_STYLES = {IntegrityState.OK: "green", IntegrityState.CHECKING: "yellow", IntegrityState.OFF: "bold yellow"}


@click.group()
def integrity() -> None:
    """Check the installed files and the readers [무결성체크], and sign an installation.

    While the files are not what was signed, no new payment starts; what is open is settled all the same.

    \b
    Examples:
      tpayd integrity sign                 # once after each installation
      tpayd integrity check
      tpayd integrity show
    """


@integrity.command()
@click.option("--files", "scope", flag_value="files", help="The installed files alone.")
@click.option("--readers", "scope", flag_value="readers", help="The readers' self-tests alone.")
@click.option("--reader", metavar="NAME", help="The self-test of this reader alone.")
@connection_options
@json_option
@pass_output
def check(output: Output, gateway: Gateway, scope: str | None, reader: str | None) -> int:
    """Check now: files and readers. Exit status 1 if something is wrong."""
    body: dict[str, Any] = {"scope": "readers" if reader else scope or "all"}
    if reader:
        body["device"] = reader
    with open_pos(gateway) as pos, output.waiting("checking") as update:

        def show_progress(told: Mapping[str, Any]) -> None:
            progress = IntegrityProgress.from_wire(told)
            count = f": {progress.done} of {progress.of}" if progress.of else ""
            if output.live or not count:
                update(progress.text + count)

        checked = pos.call("integrity.check", body, ttl_s=_CHECK_TTL_S, on_progress=show_progress)
        report = all_readers(IntegrityReport.from_wire(checked), lambda after: _standing(pos, {"after": after}))
    output.result(as_json(report), lambda: _show(output, report, reader))
    return _status(report)


@integrity.command()
@click.option("--reader", metavar="NAME", help="All that is kept of this reader: its last ten results.")
@connection_options
@json_option
@pass_output
def show(output: Output, gateway: Gateway, reader: str | None) -> int:
    """How it stands, and the last ten results. Exit status 1 if something is wrong."""
    with open_pos(gateway) as pos:
        first = _standing(pos, {"device": reader} if reader else {})
        report = all_readers(first, lambda after: _standing(pos, {"after": after}))
    output.result(as_json(report), lambda: _show(output, report, reader))
    return _status(report)


@integrity.command()
@click.option(
    "--key",
    "key_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Private key (PEM, mode 0600); by default this instance's own, made when it is first needed.",
)
@json_option
@pass_output
def sign(output: Output, key_file: Path | None) -> int:
    """List and sign the files that are installed here; after each installation, before `tpayd up`.

    Refused for files that no installed package answers for. Bytecode is made anew.
    """
    from tpayd.cli.house import open_house  # noqa: PLC0415 (a lane's PC does not have it)
    from tpayd.integrity.errors import IntegrityError  # noqa: PLC0415
    from tpayd.provision.signing import sign_installation  # noqa: PLC0415

    instance = open_house().instance
    try:
        with output.waiting("listing and signing the installed files"):
            signed = sign_installation(instance, key_file, __version__, time.time_ns() // 1_000_000)
    except (IntegrityError, OSError) as error:
        raise CommandError(str(error), Exit.REFUSED, code="not_signed") from error
    data = {"environment": str(signed.root), "files": signed.files, "key_id": signed.key_id}
    output.result(data, lambda: output.line(f"signed {signed.files} files of {signed.root} by key {signed.key_id}"))
    return Exit.OK


@integrity.command()
@click.argument("role", type=click.Choice(["installation", "release"]))
@click.argument("public_key")
@click.option("--comment", default="", help="Where it comes from.")
@json_option
@pass_output
def trust(output: Output, role: str, public_key: str, comment: str) -> int:
    """Have this instance trust a public key (`ed25519:...`): the vendor's, or another signer's on this machine.

    With a vendor's key, code counts only if the vendor signed it. Restart the daemon afterwards.
    """
    from tpayd.cli.house import open_house  # noqa: PLC0415 (a lane's PC does not have it)
    from tpayd.integrity.errors import IntegrityError  # noqa: PLC0415
    from tpayd.integrity.manifest import Kind  # noqa: PLC0415
    from tpayd.provision.signing import trust_key  # noqa: PLC0415

    try:
        name = trust_key(open_house().instance, Kind(role), public_key, comment)
    except (IntegrityError, OSError) as error:
        raise CommandError(str(error), Exit.USAGE, code="no_key") from error
    output.result({"role": role, "key_id": name}, lambda: output.line(f"trusts key {name} for a {role}"))
    return Exit.OK


def _standing(pos: Pos, body: dict[str, str]) -> IntegrityReport:
    return IntegrityReport.from_wire(pos.call("integrity.status", body))


def _status(report: IntegrityReport) -> Exit:
    good = report.state in _GOOD and all(result.passed for result in report.readers)
    return Exit.OK if good else Exit.NO


def _show(output: Output, report: IntegrityReport, reader: str | None) -> None:
    detail = f": {report.detail}" if report.detail else ""
    output.line(f"files     {report.state.value}{detail}", style=_STYLES.get(report.state, "bold red"))
    if report.signers:
        output.line(f"signed    tpayd {report.version} by key {', '.join(report.signers)}")
    if report.next_check_ms is not None:
        output.line(f"next      {moment(report.next_check_ms)}")
    output.line()
    shown = report.readers if reader else (*report.results, *report.readers)
    output.table(("WHEN", "WHAT", "BY", "RESULT", "TOOK"), [_row(result) for result in shown])
    for result in _newest_failed(report):
        output.line()
        output.line(f"{result.device or 'files'}: {result.found or len(result.findings)} findings", style="red")
        for finding in result.findings:
            output.line(f"  {finding.kind.value}: {finding.text}")


def _newest_failed(report: IntegrityReport) -> Sequence[IntegrityResult]:
    newest = {result.device or "": result for result in reversed((*report.results, *report.readers))}
    return [result for result in newest.values() if not result.passed]


def _row(result: IntegrityResult) -> tuple[str, ...]:
    what = f"reader {result.device}" if result.device else f"{result.files} files"
    return (
        moment(result.at_ms),
        what,
        result.by,
        "passed" if result.passed else "FAILED",
        f"{result.took_ms / 1000:.2f} s",
    )

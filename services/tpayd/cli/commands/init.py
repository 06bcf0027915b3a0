"""`tpayd init`: make a new instance."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import ValidationError, convert

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.passwords import password_file_option, password_from
from tpayd.kit.instance import Instance, InstanceError
from tpayd.kit.settings import SettingsError
from tpayd.kit.store_settings import load_store
from tpayd.provision import AlreadyFoundError, MerchantPlan, Plan, found
from tpayd.provision.plan import DEFAULT_PORT_BASE, LANES_MAX, READERS_MAX, SANDBOX_MERCHANT, SANDBOX_PURSE
from tpayd_contracts.secret import Password
from tpayd_contracts.terminal import TERMINALS_MAX

__all__ = ["init"]

_PORT_BASE_MAX = 32_000
"""Below the ports that Linux gives to outgoing connections: one of those may be taken when the daemon starts."""


@click.command()
@click.option("--sandbox", is_flag=True, help="Virtual readers and a virtual card host: no hardware, no real money.")
@click.option("--lanes", type=click.IntRange(1, LANES_MAX), default=2, show_default=True, help="How many lanes.")
@click.option("--readers", type=click.IntRange(1, READERS_MAX), default=2, show_default=True,
              help="How many virtual readers; with --sandbox only.")  # fmt: skip
@click.option("--unassigned", is_flag=True,
              help="Let the daemon know of none: `tpayd devices scan` finds the virtual readers.")  # fmt: skip
@click.option(
    "--auto-card",
    default=SANDBOX_PURSE,
    show_default=True,
    help="Cards and wallets of the virtual customers, who present the first that fits; '' for none: then use "
    "`tpayd sandbox card`.",
)
@click.option("--port-base", type=click.IntRange(1024, _PORT_BASE_MAX), default=DEFAULT_PORT_BASE, show_default=True,
              help="First of the 32 ports on loopback; another one for each instance.")  # fmt: skip
@click.option(
    "--unsigned",
    is_flag=True,
    help="Check no installed files: they are a source tree, which nobody signs. With --sandbox only.",
)
@click.option("--merchant-id", help="15 letters and digits, as the acquirer issued it; asked for without --sandbox.")
@click.option("--merchant-name", help="As on the receipt.")
@click.option("--business-number", help="사업자등록번호, 10 digits.")
@password_file_option
@json_option
@pass_output
def init(
    output: Output,
    sandbox: bool,
    lanes: int,
    readers: int,
    unassigned: bool,
    auto_card: str,
    port_base: int,
    unsigned: bool,
    merchant_id: str | None,
    merchant_name: str | None,
    business_number: str | None,
    password_file: Path | None,
) -> int:
    """Make a new instance in TPAYD_HOME, else in /var/lib/tpayd (root) or ~/.local/state/tpayd. Changes no old one.

    \b
    Examples:
      TPAYD_HOME=~/sandbox tpayd init --sandbox --lanes 4 --readers 3
      tpayd init --lanes 6
    """
    if unsigned and not sandbox:
        raise click.UsageError("--unsigned is for a sandbox alone: a live store takes no payment unchecked")
    if sandbox:
        merchant = SANDBOX_MERCHANT
    else:
        merchant = MerchantPlan(
            id=_asked(output, merchant_id, "--merchant-id", "Merchant id (15 letters and digits)"),
            name=_asked(output, merchant_name, "--merchant-name", "Merchant name, as on the receipt"),
            business_number=_asked(output, business_number, "--business-number", "Business number (10 digits)"),
        )
    plan = Plan(
        sandbox=sandbox, merchant=merchant, lanes=lanes, readers=readers, assigned=not unassigned,
        auto_card=auto_card, port_base=port_base, unsigned=unsigned,
        password=_password(output, password_file, asked=not sandbox),
    )  # fmt: skip
    try:
        instance = found(plan)
        load_store(instance.settings_file("store"))
    except AlreadyFoundError as error:
        raise CommandError(str(error), Exit.REFUSED, code="exists") from error
    except (InstanceError, SettingsError) as error:
        raise CommandError(str(error), Exit.USAGE) from error
    data = {
        "instance": str(instance.home),
        "sandbox": sandbox,
        "lanes": list(plan.lane_names),
        "readers": list(plan.reader_names) if sandbox else [],
        "port_base": port_base,
    }
    output.result(data, lambda: _show(output, instance, plan))
    return Exit.OK


def _password(output: Output, file: Path | None, *, asked: bool) -> str | None:
    """The settings password, where there is one yet. Raises CommandError."""
    if file is None and not (asked and output.live):
        return None
    password = password_from(output, file, "Settings password, 8 characters at least", twice=True)
    try:
        return convert(password, Password)
    except ValidationError:
        raise CommandError("the settings password has 8 to 128 characters", Exit.USAGE) from None


def _asked(output: Output, given: str | None, option: str, question: str) -> str:
    if given is not None:
        return given
    if not output.live:
        raise click.UsageError(f"a store that is no sandbox needs {option}")
    answer: str = click.prompt(question)
    return answer


def _show(output: Output, instance: Instance, plan: Plan) -> None:
    output.line(f"made {instance.home}")
    if plan.sandbox:
        output.line(f"a sandbox: {plan.lanes} lanes, {plan.readers} virtual readers, a virtual host", style="yellow")
        sign = "" if plan.unsigned else "tpayd integrity sign; "
        scan = "" if plan.assigned else "tpayd devices scan; "
        output.line(f"next: {sign}tpayd up; {scan}tpayd keys exchange --all; tpayd wait-ready; tpayd sale 11000")
        return
    output.line("next, in its config directory:")
    output.line("  store.toml          the terminal id of each lane, as your acquirer issued it")
    output.line("  host_link.toml      the address of your card host")
    output.line("  device_broker.toml  your readers and their ports")
    output.line("then: tpayd integrity sign; tpayd up")
    output.line("      tpayd keys exchange --all; tpayd terminal open --all --commit; tpayd wait-ready")
    if plan.password is None:
        output.line("and a settings password: tpayd password set")
    if plan.lanes > TERMINALS_MAX:
        text = f"only {TERMINALS_MAX} terminals can be open: with more lanes, tpayd terminal prevention off"
        output.line(text, style="yellow")

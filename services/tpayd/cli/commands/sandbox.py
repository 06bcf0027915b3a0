"""`tpayd sandbox`: tell the virtual host and the virtual readers what to do."""

from __future__ import annotations

import click

from tpayd.cli.commands.sandbox_logs import logs
from tpayd.cli.commands.sandbox_updates import sandbox_house, updates
from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.payment_view import won
from tpayd.cli.shape import as_json
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox import (
    HOST_LEDGER,
    HOST_SET,
    HOST_STATUS,
    READER_PRESENT,
    READER_SET,
    READER_STATUS,
    HostBehaviour,
    HostMode,
    HostRequest,
    HostStatus,
    Keying,
    LedgerEntry,
    LedgerQuery,
    LineFault,
    Plug,
    PresentCard,
    ReaderList,
    SetHost,
    SetReader,
    Signing,
    VirtualReaderStatus,
)

__all__ = ["sandbox"]

_NUMBER_MAX_DIGITS = 20
_HOST, _READERS = "sandbox_host", "sandbox_readers"


def _digits(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not (value.isascii() and value.isdigit() and len(value) <= _NUMBER_MAX_DIGITS):
        raise click.BadParameter(f"1 to {_NUMBER_MAX_DIGITS} digits")
    return value


@click.group()
def sandbox() -> None:
    """Tell the virtual host, the virtual readers and the vendor's servers what to do. Refused outside a sandbox.

    \b
    Examples:
      tpayd sandbox host silent --times 1      the next sale gets no answer: see what becomes of it
      tpayd sandbox host approve
      tpayd sandbox host decline --code 91 --only void
      tpayd sandbox reader reader-1 --unplug
      tpayd sandbox card visa-ic               hold a card to the first reader
      tpayd sandbox ledger                     what the host has booked
      tpayd sandbox updates cut --times 1      a download breaks off once
      tpayd sandbox logs cut --at-bytes 9000 --times 3   an upload of logs breaks off three times
    """


sandbox.add_command(updates)
sandbox.add_command(logs)


@sandbox.command()
@click.argument("mode", type=click.Choice([mode.value for mode in HostMode]), required=False)
@click.option("--code", default="51", show_default=True, help="Response code (DE 39) of a decline.")
@click.option("--delay-ms", type=click.IntRange(0, 120_000), default=0, help="Answer so much later.")
@click.option("--times", type=click.IntRange(min=0), default=0, help="Approve again after so many requests; 0: never.")
@click.option("--only", type=click.Choice([each.value for each in HostRequest]), help="For these requests alone.")
@json_option
@pass_output
def host(output: Output, mode: str | None, code: str, delay_ms: int, times: int, only: str | None) -> int:
    """Show the virtual host, or have it behave as MODE for the next requests."""
    house = sandbox_house()
    if mode is None:
        status = house.ask(_HOST, HOST_STATUS, Empty())
    else:
        behaviour = HostBehaviour(HostMode(mode), code, delay_ms, times, HostRequest(only) if only else None)
        status = house.ask(_HOST, HOST_SET, SetHost(behaviour))
    output.result(as_json(status), lambda: _show_host(output, status))
    return Exit.OK


@sandbox.command()
@click.argument("name", required=False)
@click.option("--plug/--unplug", "plugged", default=None, help="Plug the reader in, or pull its cable.")
@click.option("--auto", "auto_card", metavar="CARD[,CARD...]", help="At each wait the first that fits; or 'off'.")
@click.option("--auto-delay-ms", type=click.IntRange(0, 60_000), help="How long the customer takes for each thing.")
@click.option("--sign", "signing", type=click.Choice([each.value for each in Signing]), help="When he is to sign.")
@click.option("--key", "keying", type=click.Choice([each.value for each in Keying]), help="When he is to key a PIN.")
@click.option("--number", metavar="DIGITS", callback=_digits, help="What he keys where a number is wanted.")
@click.option("--mute/--speak", "mute", default=None, help="Have the reader say nothing at all.")
@click.option("--faulty/--sound", "faulty", default=None, help="Have its self-test fail.")
@click.option("--line", type=click.Choice([each.value for each in LineFault]), help="What becomes of its answers.")
@click.option(
    "--power-fails-at", type=click.IntRange(0), metavar="BYTES", help="Once, when so much new firmware is there."
)
@json_option
@pass_output
def reader(
    output: Output, name: str | None, plugged: bool | None, auto_card: str | None, auto_delay_ms: int | None,
    signing: str | None, keying: str | None, number: str | None, mute: bool | None, faulty: bool | None,
    line: str | None, power_fails_at: int | None,
) -> int:  # fmt: skip
    """Show the virtual readers, or change the one called NAME."""
    house = sandbox_house()
    if name is None:
        readers = house.ask(_READERS, READER_STATUS, Empty())
    else:
        plug = None if plugged is None else Plug.IN if plugged else Plug.OUT
        card = "" if auto_card == "off" else auto_card
        change = SetReader(
            name,
            plug,
            card,
            auto_delay_ms,
            Signing(signing) if signing else None,
            Keying(keying) if keying else None,
            number,
            mute,
            faulty,
            LineFault(line) if line else None,
            power_fails_at,
        )
        readers = house.ask(_READERS, READER_SET, change)
    output.result(as_json(readers), lambda: _show_readers(output, readers))
    return Exit.OK


@sandbox.command()
@click.argument("name", required=False)
@click.option("--reader", "reader_name", help="Default: the first that is plugged in.")
@json_option
@pass_output
def card(output: Output, name: str | None, reader_name: str | None) -> int:
    """List the test cards and wallets, or hold the one called NAME to a reader: it is taken at the next wait."""
    house = sandbox_house()
    readers = house.ask(_READERS, READER_STATUS, Empty())
    if name is not None:
        chosen = reader_name or next((each.name for each in readers.readers if each.plugged), None)
        if chosen is None:
            raise CommandError("no virtual reader is plugged in: tpayd sandbox reader NAME --plug", Exit.REFUSED)
        readers = house.ask(_READERS, READER_PRESENT, PresentCard(chosen, name))
        data = {"reader": chosen, "card": name}
        output.result(data, lambda: output.line(f"{name} is held to {chosen}"))
    else:
        output.result({"cards": list(readers.cards)}, lambda: output.line("\n".join(readers.cards)))
    return Exit.OK


@sandbox.command()
@click.option("--after", type=click.IntRange(min=0), default=0, help="Entries with a higher number than this.")
@click.option("--limit", type=click.IntRange(1, 200), default=100, show_default=True)
@json_option
@pass_output
def ledger(output: Output, after: int, limit: int) -> int:
    """What the virtual host has booked, oldest first; NET is what the customer paid in the end.

    A void has no NET of its own: it lowers that of its ORIGINAL.
    """
    booked = sandbox_house().ask(_HOST, HOST_LEDGER, LedgerQuery(after, limit))
    columns = (
        "NO", "TERMINAL", "STAN", "DAY", "KIND", "AMOUNT", "NET", "RESPONSE", "APPROVAL", "CARD", "DETAIL", "ORIGINAL",
        "VOIDED", "REVERSED",
    )  # fmt: skip

    def tell() -> None:
        output.table(columns, [_row(entry) for entry in booked.entries])
        if len(booked.entries) == limit:
            output.line(f"there may be more: tpayd sandbox ledger --after {booked.entries[-1].number}")

    output.result(as_json(booked), tell)
    return Exit.OK


def _show_host(output: Output, status: HostStatus) -> None:
    behaviour = status.behaviour
    extra = [f"code {behaviour.code}"] if behaviour.mode is HostMode.DECLINE else []
    extra += [f"after {behaviour.delay_ms} ms"] if behaviour.delay_ms else []
    extra += [f"for {behaviour.times} requests"] if behaviour.times else []
    extra += [f"only for {behaviour.only.value}"] if behaviour.only is not None else []
    output.line(f"virtual host on {status.address}: {', '.join([behaviour.mode.value, *extra])}")
    output.line(
        f"connections {status.connections}, approvals {status.approvals}, reversals {status.reversals},"
        f" opened terminals {status.opened_terminals}"
    )


def _show_readers(output: Output, readers: ReaderList) -> None:
    rows = [
        (
            each.name,
            "in" if each.plugged else "out",
            each.state,
            "yes" if each.key_loaded else "no",
            _manner(each),
            each.auto_card or "-",
            each.firmware or "-",
            each.port,
        )
        for each in readers.readers
    ]
    output.table(("READER", "PLUG", "STATE", "KEY", "CUSTOMER", "AUTO CARD", "FIRMWARE", "PORT"), rows)


def _manner(reader: VirtualReaderStatus) -> str:
    if reader.mute:
        return "mute"
    if reader.faulty:
        return "faulty"
    if reader.line is not LineFault.NONE:
        return f"line: {reader.line}"
    return f"{reader.signing}, {reader.keying}"


def _row(entry: LedgerEntry) -> tuple[str, ...]:
    return (
        str(entry.number),
        entry.terminal_id,
        entry.stan,
        entry.business_day,
        entry.kind.value,
        won(entry.amount_minor),
        won(entry.net_minor),
        entry.response_code,
        entry.approval_code or "-",
        entry.masked_pan,
        entry.detail or "-",
        str(entry.original or "-"),
        won(entry.voided_minor) if entry.voided_minor else "-",
        "yes" if entry.reversed else "no",
    )

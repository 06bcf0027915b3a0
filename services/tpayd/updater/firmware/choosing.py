"""What fits which reader, what must be asked, and what is refused and why. Pure.

| asked in this order                                              | otherwise                                    |
|------------------------------------------------------------------|----------------------------------------------|
| can its driver update it?                                        | refused                                      |
| is its model one of a vendor that the settings name?             | refused                                      |
| is anything offered for its model?                               | newest; refused where only a boot loader is left |
| is anything offered newer than it has, in whatever mode?         | newest: nothing is asked                     |
| does its vendor have several communication modes (SCSpro)?       | the one for `any` mode; nothing is asked     |
| does the mode remembered agree with its own report?              | refused: tell it anew                        |
| is a mode remembered?                                            | ask                                          |
| is anything offered for that mode?                               | refused                                      |
| is there one that this tpayd may bring?                          | refused: update tpayd first                  |

A boot loader that is left of a cut-off update takes what is newest, also what it had. A version by name may be any that
is offered but an older one; the same again only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from tpayd.updater.firmware.description import ANY_MODE, FirmwareDescription, version_key
from tpayd_contracts.firmware import FirmwareVerdict

__all__ = [
    "FAMILIES",
    "Choice",
    "ModeRefusedError",
    "ReaderFamily",
    "ReaderFacts",
    "check_mode",
    "choose",
    "is_too_old",
]


class ReaderFamily(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The readers of one vendor."""

    vendor: Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,64}$(?!\n)")]
    """As in the repository: firmware/<vendor>/."""
    models: Annotated[str, Meta(min_length=1, max_length=16)]
    """How the certified models of its readers begin."""
    asks_mode: bool = False
    """Its readers have several communication modes, and the wrong firmware ends them."""


FAMILIES = (
    ReaderFamily(vendor="scspro", models="SCSPRO", asks_mode=True),
    ReaderFamily(vendor="duali", models="DUALI"),
    ReaderFamily(vendor="titeng", models="TITENG"),
)


class ReaderFacts(Struct, frozen=True, kw_only=True):
    """A reader by its own word, and what is remembered of it."""

    name: str
    """For people: the device, or the port."""
    model: str
    firmware: str = ""
    boot_loader: bool = False
    reported_mode: str = ""
    remembered_mode: str = ""
    able: bool = True


class Choice(Struct, frozen=True):
    """What is to be done."""

    verdict: FirmwareVerdict
    text: str
    offer: FirmwareDescription | None = None
    """With UPDATE: this one. With ASK_MODE: the newest of any mode."""
    vendor: str = ""
    mode: str = ""
    modes: tuple[str, ...] = ()


class ModeRefusedError(Exception):
    """A communication mode that cannot be this reader's; the text says why."""


def choose(
    reader: ReaderFacts,
    offers: Iterable[FirmwareDescription],
    families: Sequence[ReaderFamily],
    daemon: str,
    *,
    wanted: str = "",
    again: bool = False,
) -> Choice:
    """See the module. `daemon`: the version of tpayd that runs; `wanted`: a version by name."""
    if not reader.able:
        return _refused(f"the driver of {reader.name} offers no firmware updates: use its vendor's own tool")
    family = _family(reader.model, families)
    if family is None:
        known = ", ".join(f"{each.models}… ({each.vendor})" for each in families) or "none"
        model = reader.model or "(it tells none)"
        return _refused(f"no vendor is known for the model {model}; config/updater.toml has: {known}")
    mine = [each for each in offers if each.vendor == family.vendor and each.model == reader.model]
    modes = tuple(sorted({each.mode for each in mine} - {ANY_MODE})) if family.asks_mode else ()
    choice = _among(reader, family, mine, modes, daemon, wanted, again=again)
    return Choice(choice.verdict, choice.text, choice.offer, family.vendor, choice.mode, modes)


def _among(
    reader: ReaderFacts,
    family: ReaderFamily,
    mine: Sequence[FirmwareDescription],
    modes: Sequence[str],
    daemon: str,
    wanted: str,
    *,
    again: bool,
) -> Choice:
    fitting = [each for each in mine if _is_wanted(each, reader, wanted, again=again)]
    if not fitting:
        return _nothing(reader, mine, wanted)
    newest = max(fitting, key=lambda each: version_key(each.version))
    if not family.asks_mode:
        return _bring(reader, [each for each in fitting if each.mode == ANY_MODE], ANY_MODE, daemon)
    told, remembered = reader.reported_mode, reader.remembered_mode
    if told and remembered and told != remembered:
        return _refused(
            f"{reader.name} says that it is in mode {told}, and {remembered} was told before: firmware for the wrong "
            f"one ends it. Look at the reader, then: `tpayd firmware mode {reader.name} {told}`"
        )
    if not remembered:
        hint = f"; it says {told} itself" if told else ""
        text = (
            f"{newest.version} is offered; tell first which communication mode it has ({', '.join(modes)}){hint}: "
            f"`tpayd firmware mode {reader.name} MODE`"
        )
        return Choice(FirmwareVerdict.ASK_MODE, text, newest)
    return _bring(reader, [each for each in fitting if each.mode == remembered], remembered, daemon)


def _is_wanted(offer: FirmwareDescription, reader: ReaderFacts, wanted: str, *, again: bool) -> bool:
    if wanted and offer.version != wanted:
        return False
    if reader.boot_loader:
        return True
    has, offered = version_key(reader.firmware), version_key(offer.version)
    return offered > has or (again and offered == has)


def _nothing(reader: ReaderFacts, mine: Sequence[FirmwareDescription], wanted: str) -> Choice:
    if wanted:
        known = ", ".join(sorted({each.version for each in mine}, key=version_key)) or "nothing"
        if not any(each.version == wanted for each in mine):
            return _refused(f"{wanted} is not offered for {reader.model}; offered: {known}")
        if wanted == reader.firmware:
            return Choice(FirmwareVerdict.NEWEST, f"{reader.name} has {wanted} already; `--again` brings it once more")
        return _refused(f"{reader.name} has {reader.firmware}, and takes no older firmware; offered: {known}")
    if reader.boot_loader:
        return _refused(
            f"{reader.name} has but its boot loader, and no firmware is offered for {reader.model}: ask its vendor"
        )
    if not mine:
        return Choice(FirmwareVerdict.NEWEST, f"no firmware is offered for {reader.model}")
    return Choice(FirmwareVerdict.NEWEST, f"{reader.name} has the newest firmware, {reader.firmware}")


def _bring(reader: ReaderFacts, fitting: Sequence[FirmwareDescription], mode: str, daemon: str) -> Choice:
    if not fitting:
        return _refused(f"no newer firmware is offered for {reader.model} in mode {mode}", mode)
    usable = [each for each in fitting if not is_too_old(daemon, each.min_daemon)]
    if not usable:
        oldest = min(fitting, key=lambda each: version_key(each.min_daemon))
        return _refused(
            f"{oldest.version} needs tpayd {oldest.min_daemon}, and {daemon} runs here: first `tpayd update apply`",
            mode,
        )
    offer = max(usable, key=lambda each: version_key(each.version))
    had = "only its boot loader" if reader.boot_loader else reader.firmware
    return Choice(FirmwareVerdict.UPDATE, f"{reader.name} has {had}; {offer.version} is offered", offer, mode=mode)


def check_mode(reader: ReaderFacts, families: Sequence[ReaderFamily], modes: Sequence[str], mode: str) -> None:
    """Whether that mode may be remembered. Raises ModeRefusedError."""
    family = _family(reader.model, families)
    if family is None or not family.asks_mode:
        raise ModeRefusedError(
            f"{reader.name} ({reader.model}) has but one communication mode: there is nothing to tell"
        )
    if reader.reported_mode and reader.reported_mode != mode:
        raise ModeRefusedError(
            f"{reader.name} says that it is in mode {reader.reported_mode}: firmware for {mode} would end it. Look at "
            "the reader and its cable; a mode is changed at the reader itself, and told here afterwards"
        )
    if modes and mode not in modes:
        raise ModeRefusedError(f"no firmware for {reader.model} is made for mode {mode}; there is: {', '.join(modes)}")


def is_too_old(daemon: str, needed: str) -> bool:
    """Whether the daemon is older than what an image needs; what follows the three numbers does not count."""
    return version_key(daemon)[0][:3] < version_key(needed)[0][:3]


def _family(model: str, families: Sequence[ReaderFamily]) -> ReaderFamily | None:
    fitting = [each for each in families if model.upper().startswith(each.models.upper())]
    return max(fitting, key=lambda each: len(each.models), default=None)


def _refused(text: str, mode: str = "") -> Choice:
    return Choice(FirmwareVerdict.REFUSED, text, mode=mode)

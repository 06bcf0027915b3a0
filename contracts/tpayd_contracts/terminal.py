"""Operations on terminals: opening them with the host, whose they are, and what an unopened one may do.

A terminal is opened with the host under the store's business number [개시거래]. What is opened or deleted is staged:
nothing counts before `terminal.commit` [확인], and `terminal.discard` [취소] undoes all of it. While fraud-cancel
prevention [부정취소 방지] is on, credit sales and voids of a terminal that is not open are refused before they begin.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.secret import HidesSecrets, Password
from tpayd_contracts.shapes import END, Count, Name, TerminalId, UnixMs

__all__ = [
    "MERCHANT_DOWNLOAD",
    "MERCHANT_LIST",
    "PASSWORD_SET",
    "PREVENTION_SET",
    "TERMINAL_OPS",
    "TERMINALS_MAX",
    "TERMINAL_COMMIT",
    "TERMINAL_DISCARD",
    "TERMINAL_LIST",
    "TERMINAL_OPEN",
    "TERMINAL_STAGE_DELETE",
    "BusinessNumber",
    "DeleteTerminals",
    "DownloadMerchant",
    "DownloadedMerchant",
    "Merchant",
    "MerchantList",
    "OpenTerminals",
    "OpenedTerminals",
    "Opening",
    "SetPassword",
    "SetPrevention",
    "StagedTerminals",
    "Terminal",
    "TerminalList",
]

TERMINALS_MAX = 25
"""Terminals that one instance may have open under a host profile."""

BusinessNumber = Annotated[
    str, Meta(pattern=rf"^[0-9]{{10}}{END}", description="business registration number [사업자번호], without dashes")
]
_TerminalIds = Annotated[tuple[TerminalId, ...], Meta(min_length=1, max_length=TERMINALS_MAX)]


class OpenTerminals(Struct, frozen=True, forbid_unknown_fields=True):
    """Register terminals with the host [개시요청], and stage those that it opened. 25 in all: the rest is refused."""

    business_number: BusinessNumber
    terminal_ids: _TerminalIds

    def __post_init__(self) -> None:
        if len(set(self.terminal_ids)) < len(self.terminal_ids):
            raise ValueError("terminal_ids names a terminal twice")


class DeleteTerminals(Struct, frozen=True, forbid_unknown_fields=True):
    """Stage the deletion of open terminals [선택항목 삭제]; one that is only staged yet is dropped at once."""

    terminal_ids: _TerminalIds


class Terminal(Struct, frozen=True, omit_defaults=True):
    """A terminal that the host has opened."""

    terminal_id: TerminalId
    business_number: BusinessNumber
    opened_at_ms: UnixMs
    sandbox: bool = False
    """Put on the list when the sandbox was made, without asking its host."""


class StagedTerminals(Struct, frozen=True):
    """Changes that count only after `terminal.commit`; a restart drops them."""

    opened: tuple[Terminal, ...]
    deleted: tuple[TerminalId, ...]
    by: str
    """The client whose changes these are; others wait until it has committed or discarded them."""
    ends_in_ms: Count
    """They are dropped after this time without a further change."""


class TerminalList(Struct, frozen=True, omit_defaults=True):
    """The terminals of the host profile in use."""

    profile: Name
    terminals: tuple[Terminal, ...]
    terminals_max: int
    fraud_cancel_prevention: bool
    """On: credit sales and voids of other terminals are refused."""
    refused: tuple[TerminalId, ...] = ()
    """Terminals of this store's lanes whose credit sales and voids are refused now."""
    staged: StagedTerminals | None = None


class Opening(Struct, frozen=True, omit_defaults=True):
    """What became of one opening."""

    terminal_id: TerminalId
    opened: bool
    text: str
    code: str | None = None
    """The host's response code, or the daemon's error code where the host did not answer."""


class OpenedTerminals(Struct, frozen=True, omit_defaults=True):
    """Each opening's end, and the list with what is staged now."""

    openings: tuple[Opening, ...]
    list: TerminalList
    warnings: tuple[str, ...] = ()
    """What looks wrong and was done all the same, such as a check digit that does not fit."""


class DownloadMerchant(Struct, frozen=True, forbid_unknown_fields=True):
    """Fetch what the host knows of the merchant behind a terminal [가맹점정보 다운로드], and keep it."""

    business_number: BusinessNumber
    terminal_id: TerminalId


class Merchant(Struct, frozen=True, omit_defaults=True):
    """A merchant as the host knows it; receipts of this terminal show it."""

    terminal_id: TerminalId
    business_number: BusinessNumber
    name: str
    downloaded_at_ms: UnixMs
    representative: str = ""
    address: str = ""
    tel: str = ""


class DownloadedMerchant(Struct, frozen=True, omit_defaults=True):
    """The merchant, and what looks wrong about the request."""

    merchant: Merchant
    warnings: tuple[str, ...] = ()


class MerchantList(Struct, frozen=True):
    """Merchants that were downloaded under the host profile in use."""

    merchants: tuple[Merchant, ...]
    standalone: bool
    """Whether payments without a POS are enabled."""


class SetPrevention(HidesSecrets, frozen=True, forbid_unknown_fields=True):
    """Switch fraud-cancel prevention [부정취소 방지]. Wrong passwords are counted, and lock it for growing times."""

    on: bool
    password: Password


class SetPassword(HidesSecrets, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Set the settings password; the first one needs no old one."""

    new: Password
    old: Password | None = None


TERMINAL_OPEN = Op("terminal.open", OpenTerminals, OpenedTerminals, right=Right.ADMIN)
TERMINAL_LIST = Op("terminal.list", Empty, TerminalList, right=Right.READ_ONLY)
TERMINAL_STAGE_DELETE = Op("terminal.stage_delete", DeleteTerminals, TerminalList, right=Right.ADMIN)
TERMINAL_COMMIT = Op("terminal.commit", Empty, TerminalList, right=Right.ADMIN)
"""Make all that is staged count [확인]. It is on disk when this is answered."""
TERMINAL_DISCARD = Op("terminal.discard", Empty, TerminalList, right=Right.ADMIN)
"""Drop all that is staged [취소]. Where nothing is, nothing happens."""
MERCHANT_DOWNLOAD = Op("merchant.download", DownloadMerchant, DownloadedMerchant, right=Right.ADMIN)
MERCHANT_LIST = Op("merchant.list", Empty, MerchantList, right=Right.READ_ONLY)
PREVENTION_SET = Op("prevention.set", SetPrevention, TerminalList, right=Right.ADMIN)
PASSWORD_SET = Op("password.set", SetPassword, Empty, right=Right.ADMIN)

TERMINAL_OPS: tuple[Op[Any, Any], ...] = (
    TERMINAL_OPEN, TERMINAL_LIST, TERMINAL_STAGE_DELETE, TERMINAL_COMMIT, TERMINAL_DISCARD, MERCHANT_DOWNLOAD,
    MERCHANT_LIST, PREVENTION_SET, PASSWORD_SET,
)  # fmt: skip

"""The messages of one contactless sale, in order, with their sizes: what any implementation has to move.

Sizes are those of the contract's example messages and of a request of the host adapter. The order is that of
`tpayd.transaction.flow`; a message that is no part of the cashier's wait (the lease's release) comes after the reply.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from tpayd.hosts import Financial, load
from tpayd_contracts.examples import EXAMPLES
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import EntryMode
from tpayd_contracts.schema.golden import golden_frames

__all__ = ["ROOT", "Call", "Step", "Sync", "Tell", "Work", "sale"]

ROOT = "gateway.sale"
"""The piece of work that the client asks for."""

_STX_OVERHEAD = 6
"""STX, length, command, ETX, LRC."""
_CARD_REQUEST = 87 + _STX_OVERHEAD
_CARD_SEEN = 2 + _STX_OVERHEAD
_EMV = b"".join(
    bytes.fromhex(f"{tag}{size:02X}") + bytes(size)
    for tag, size in (
        ("9F26", 8), ("9F27", 1), ("9F10", 18), ("9F37", 4), ("9F36", 2), ("95", 5), ("9A", 3), ("9C", 1), ("9F02", 6),
        ("5F2A", 2), ("82", 2), ("9F1A", 2), ("9F03", 6), ("9F34", 3), ("9F33", 3), ("9F35", 1), ("84", 7), ("9F09", 2),
    )
)  # fmt: skip
"""The chip data of a contactless card, as long as a real one."""
_CARD_ANSWER = 137 + len(_EMV) + _STX_OVERHEAD + _CARD_SEEN
"""Fixed fields, chip data, frame; 'card seen' comes in the same breath."""
_LENGTH_PREFIX = 2
_HOST_ANSWER_SHARE = 0.6
"""An answer repeats most of the request's fields and carries no card data."""
_KSN_AND_MAC = 20


@dataclass(frozen=True)
class Tell:
    """Send progress to the caller."""

    size: int


@dataclass(frozen=True)
class Call:
    """Have another process do a piece of work, and wait for it; `relay` hands its progress on."""

    work: str
    relay: bool = False


@dataclass(frozen=True)
class Sync:
    """Append so many bytes to a file and wait for the disk."""

    size: int


Step = Tell | Call | Sync


@dataclass(frozen=True)
class Work:
    """One message in, `steps`, one message out; then `after`, when the caller has its answer."""

    service: str
    request: int
    reply: int
    steps: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()


def sale() -> dict[str, Work]:
    """Every piece of work that a sale consists of, by name."""
    frames = {stem: len(frame) for stem, frame in golden_frames().items()}
    sealed = _host_request()
    answer = int(sealed * _HOST_ANSWER_SHARE)

    def bus(op: str, service: str, *steps: Step, more: int = 0, more_back: int = 0) -> Work:
        return Work(service, frames[f"{op}.request"] + more, frames[f"{op}.reply"] + more_back, steps)

    progress = frames["payment.sale.progress"]
    asked, answered = frames["payment.sale.request"], frames["payment.sale.reply"]
    maced, exchanged = EXAMPLES["mac.exchange"], EXAMPLES["host.exchange"]
    return {
        ROOT: Work("gateway", asked, answered, (Call("payment.sale", relay=True),)),
        "payment.sale": Work(
            "transaction",
            asked,
            answered,
            (
                Call("card.take"),
                Tell(progress),
                Sync(4096),
                Tell(progress),
                Call("mac.exchange"),
                Sync(4096),
            ),
            after=(Call("lease.release"),),
        ),
        "card.take": bus("card.take", "device_broker", Call("reader.card"), more_back=len(_EMV)),
        "lease.release": bus("lease.release", "device_broker"),
        "reader.card": Work("reader", _CARD_REQUEST, _CARD_ANSWER),
        "mac.exchange": bus(
            "mac.exchange",
            "key_manager",
            Call("host.exchange"),
            more=sealed - _KSN_AND_MAC - _bytes_in(maced.request, "head", "tail"),
            more_back=answer - _bytes_in(maced.reply, "message"),
        ),
        "host.exchange": bus(
            "host.exchange",
            "host_link",
            Call("host.request"),
            more=sealed - _bytes_in(exchanged.request, "message"),
            more_back=answer - _bytes_in(exchanged.reply, "message"),
        ),
        "host.request": Work("host", sealed + _LENGTH_PREFIX, answer + _LENGTH_PREFIX, (Sync(4096),)),
    }


def _bytes_in(example: Struct, *fields: str) -> int:
    return sum(len(getattr(example, field)) for field in fields)


def _host_request() -> int:
    adapter = load("iso8583")
    unsealed = adapter.encode(
        Financial(
            terminal_id="TPAY0001",
            merchant_id="TPAYDSANDBOX001",
            stan="000042",
            local="20260302101530",
            business_day="20260302",
            amount=Amount(total_minor=11_000, vat_minor=1_000),
            entry_mode=EntryMode.CONTACTLESS,
            ksn=bytes(12),
            cipher=bytes(48),
            emv=_EMV,
        )
    )
    return len(adapter.seal(unsealed, bytes(12), bytes(8)))

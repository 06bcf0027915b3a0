"""Card transactions inside NEO frames: 02-40 and 60-12. docs/neo-protocol.md has the tables."""

from __future__ import annotations

from msgspec import Struct

from tpayd.device_broker.drivers.commands import FinishCard, ReadCard
from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import CardFinished, CardRead, CardRefused
from tpayd.device_broker.drivers.frames import Frame
from tpayd.device_broker.drivers.neo_codes import OFFERS, REFUSALS, UNUSABLE, Cmd, Interface, Status, Tag
from tpayd.device_broker.drivers.neo_frame import frame
from tpayd.device_broker.drivers.neo_tlv import chosen, tlvs, unpacked
from tpayd.device_broker.drivers.talk import LayoutError
from tpayd_contracts.device import TransactionType
from tpayd_contracts.payment import EntryMode

__all__ = [
    "WITH_WORD",
    "CardAnswer",
    "activate_frame",
    "apply_frame",
    "parse_card",
    "parse_finished",
    "sequence_of",
    "stripe_frame",
]

_TYPES = frozenset({TransactionType.CREDIT, TransactionType.UNIONPAY, TransactionType.CASH_RECEIPT})
WITH_WORD = frozenset({TransactionType.CREDIT, TransactionType.UNIONPAY})
"""The types whose chip cards get the host's word."""
_SECONDS_MAX = 255
_NEXT_COMMAND_S = 120
"""How long the reader keeps a chip card ready for the host's word."""
_KRW = bytes.fromhex("0410")
_PURCHASE = b"\0"

_ENTRY_MODES = {
    0x05: EntryMode.IC,
    0x07: EntryMode.CONTACTLESS,
    0x91: EntryMode.CONTACTLESS,
    0x90: EntryMode.STRIPE,
    0x80: EntryMode.FALLBACK,
}
"""By tag 9F39."""
_DE_55 = (
    0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A, 0x9F03, 0x9F34, 0x9F33,
    0x9F35, 0x9F1E, 0x9F53, 0x84, 0x9F09, 0x9F41, 0x5F34,
)  # fmt: skip
"""What of an answer goes to the host. A list of what may, so that no other tag can carry a card number past it."""
_OUTPUT = (
    *_DE_55, Tag.LABEL, Tag.TRACK_2, Tag.ENTRY_MODE, Tag.KSN, Tag.RESULT, Tag.CAPTURE, Tag.MASKED_PAN, Tag.ERROR,
)  # fmt: skip
_OUTPUT_TAGS = b"".join(tag.to_bytes((tag.bit_length() + 7) // 8, "big") for tag in _OUTPUT)

_CONTACT_BITS = 0b11001
"""Of the attribution byte: bits 4, 3 and 0 are clear for a contact card."""
_MODE_BITS, _AES = 0b110, 0b010
_ENCRYPTED = 0b1100_0000
"""Stripe and chip data are both encrypted."""
_NO_KEY = "90"
_KSN_BYTES = 12
_CIPHER_BYTES = 48
_SHORTEST_PAN, _LONGEST_PAN = 10, 19
_SHOWN_HEAD, _SHOWN_TAIL = 6, 4
_MASK = "C"

_APPROVED = 0x0002
"""Of tag DFEE25."""
_ISSUER_DATA_MAX = 16
_SCRIPTS_MAX = 256


def sequence_of(nonce: str) -> bytes:
    """The transaction's number, tag 9F41: eight decimal digits made of the nonce."""
    return bytes.fromhex(f"{int(nonce, 16) % 10**8:08d}")


def activate_frame(command: ReadCard) -> bytes:
    """Activate transaction. Raises CommandInvalidError for a type that this driver does not know."""
    if command.type not in _TYPES:
        raise CommandInvalidError("type", f"NEO readers read no card for {command.type.value}")
    return _activate(command, OFFERS, command.nonce)


def stripe_frame(command: ReadCard) -> bytes | None:
    """The same for the stripe of a card whose chip has failed; None where the type allows none."""
    if command.type not in WITH_WORD or not command.nonce_again:
        return None
    return _activate(command, Interface.STRIPE, command.nonce_again)


def _activate(command: ReadCard, interfaces: Interface, nonce: str) -> bytes:
    # The reader gives up after the driver has: it has no say in how long a customer may take.
    wait_s = min(_SECONDS_MAX, command.wait_us // 1_000_000 + 2)
    goes_online = command.type in WITH_WORD
    return frame(
        Cmd.ACTIVATE,
        bytes([wait_s])
        + tlvs(
            (Tag.TYPE, _PURCHASE),
            (Tag.CURRENCY, _KRW),
            (Tag.AMOUNT, bytes.fromhex(f"{command.amount_minor:012d}")),
            (Tag.SEQUENCE, sequence_of(nonce)),
            (Tag.INTERFACES, bytes([interfaces])),
            (Tag.FALLBACK, b"\0" + _NEXT_COMMAND_S.to_bytes(2, "big")),
            (Tag.AUTO_AUTHENTICATE, b"\1\1" if goes_online else b"\0\0"),
            (Tag.OUTPUT_TAGS, _OUTPUT_TAGS),
        ),
    )


def apply_frame(command: FinishCard, sequence: bytes) -> bytes:
    """Apply host response. Raises CommandInvalidError for issuer data or scripts that do not fit."""
    for name, size, limit in (
        ("issuer_data", len(command.issuer_data), _ISSUER_DATA_MAX), ("scripts", len(command.scripts), _SCRIPTS_MAX),
    ):  # fmt: skip
        if size > limit:
            raise CommandInvalidError(name, f"the reader takes {limit} bytes, not {size}")
    # What a host has declined must not be taken for an approval, whatever code it came with.
    arc = command.arc if command.approved or command.arc != "00" else "05"
    issuer = ((Tag.ISSUER_DATA, command.issuer_data),) if command.issuer_data else ()
    return frame(
        Cmd.APPLY_HOST,
        tlvs((Tag.ARC, arc.encode("ascii")), *issuer)
        + command.scripts
        + tlvs((Tag.SEQUENCE, sequence), (Tag.OUTPUT_TAGS, _OUTPUT_TAGS)),
    )


class CardAnswer(Struct, frozen=True):
    """The answer to 02-40."""

    sequence: bytes
    contact: bool
    card: CardRead | CardRefused


def parse_card(answer: Frame, *, with_emv: bool) -> CardAnswer:
    """The answer to 02-40. Raises LayoutError."""
    if not answer.data:
        raise LayoutError("02-40: no data")
    attribution, values = answer.data[0], unpacked("02-40", answer.data[1:])
    contact = not attribution & _CONTACT_BITS
    if answer.status not in (Status.OK, Status.ONLINE):
        error = values.get(Tag.ERROR, b"\0")
        refused = CardRefused(REFUSALS.get(error[0] if error else 0, UNUSABLE))
        return CardAnswer(_sequence("02-40", values), contact, refused)
    if attribution & _ENCRYPTED != _ENCRYPTED or attribution & _MODE_BITS != _AES:
        # What came is in clear, or under a key that the host does not know: it ends here.
        return CardAnswer(_sequence("02-40", values), contact, CardRefused(_NO_KEY))
    entry = _needed("02-40", values, Tag.ENTRY_MODE)
    if len(entry) != 1 or entry[0] not in _ENTRY_MODES:
        raise LayoutError("02-40: tag 9F39 is no entry mode that is known here")
    ksn, cipher = _needed("02-40", values, Tag.KSN), _needed("02-40", values, Tag.TRACK_2)
    if len(ksn) != _KSN_BYTES or len(cipher) != _CIPHER_BYTES:
        raise LayoutError(f"02-40: a KSN of {len(ksn)} bytes and a track of {len(cipher)}: see docs/neo-protocol.md")
    entry_mode = _ENTRY_MODES[entry[0]]
    card = CardRead(
        entry_mode=entry_mode,
        masked_pan=_masked(_needed("02-40", values, Tag.MASKED_PAN)),
        ksn=ksn,
        cipher=cipher,
        emv=chosen(values, _DE_55) if with_emv and entry_mode in (EntryMode.IC, EntryMode.CONTACTLESS) else b"",
        label=values.get(Tag.LABEL, b"").decode("ascii", "replace").strip() or None,
        fallback_code=None,
    )
    return CardAnswer(_sequence("02-40", values), contact, card)


def parse_finished(answer: Frame, *, approved: bool) -> tuple[CardFinished, bytes]:
    """The answer to 60-12 after the host's word, and the number of its transaction. Raises LayoutError."""
    values = unpacked("60-12", answer.data)
    result = _needed("60-12", values, Tag.RESULT)
    word = values.get(Tag.CRYPTOGRAM, b"").hex().upper() or None
    did_approve = answer.status == Status.OK and int.from_bytes(result, "big") == _APPROVED
    return CardFinished(did_approve is approved, "", word), _sequence("60-12", values)


def _needed(message: str, values: dict[int, bytes], tag: Tag) -> bytes:
    if tag not in values:
        raise LayoutError(f"{message}: tag {tag:X} is missing")
    return values[tag]


def _sequence(message: str, values: dict[int, bytes]) -> bytes:
    return _needed(message, values, Tag.SEQUENCE)


def _masked(data: bytes) -> str:
    """The number as the reader masked it. One that shows more than BIN6 and last 4 is masked here (PCI DSS 3.4.1)."""
    text = data.hex().upper().rstrip("F")
    if not _SHORTEST_PAN <= len(text) <= _LONGEST_PAN:
        raise LayoutError("02-40: tag DFEF5B is no masked card number")
    head, tail = text[:_SHOWN_HEAD].replace(_MASK, "*"), text[-_SHOWN_TAIL:]
    if not (tail.isdigit() and head.replace("*", "0").isdigit()):
        raise LayoutError("02-40: tag DFEF5B is no masked card number")
    return f"{head}{'*' * (len(text) - _SHOWN_HEAD - _SHOWN_TAIL)}{tail}"

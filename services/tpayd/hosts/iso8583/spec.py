"""The host's format as a table: ISO 8583:1987 fields, ASCII with binary bitmaps, and the private ones given a use.

docs/host-protocol.md says which message carries which field. Up to DE 41 every field is fixed, so that the two that
answers are matched by (DE 11, DE 41) are found without reading the rest.
"""

from __future__ import annotations

import enum

from msgspec import Struct

__all__ = [
    "FIELDS",
    "KSN_BYTES",
    "MAC_BYTES",
    "MAX_MESSAGE_BYTES",
    "Field",
    "Item",
    "Kind",
    "Mti",
    "Network",
]

KSN_BYTES = 12
MAC_BYTES = 8
MAX_MESSAGE_BYTES = 4096
"""Longer than the longest message of this format, of either side."""


class Mti(enum.StrEnum):
    """Message types."""

    FINANCIAL = "0200"
    FINANCIAL_ANSWER = "0210"
    REVERSAL = "0420"
    REVERSAL_REPEAT = "0421"
    REVERSAL_ANSWER = "0430"
    RECONCILIATION = "0500"
    RECONCILIATION_ANSWER = "0510"
    INQUIRY = "0600"
    INQUIRY_ANSWER = "0610"
    NETWORK = "0800"
    NETWORK_ANSWER = "0810"


class Network(enum.StrEnum):
    """DE 70: what a network message is about."""

    SIGN_ON = "001"
    SIGN_OFF = "002"
    TERMINAL_KEY = "161"
    READER_KEY = "162"
    ECHO = "301"
    OPEN_TERMINAL = "901"
    MERCHANT = "902"


class Item(enum.StrEnum):
    """What DE 48 is made of: id (2 digits), length of the value in bytes (3 digits), value."""

    INSTALLMENTS = "01"
    SUPPLY = "02"
    VAT = "03"
    SERVICE_CHARGE = "04"
    TAX_FREE = "05"
    FALLBACK_CODE = "06"
    REFERENCE = "07"
    REVERSAL_REASON = "08"
    CARD_NETWORK = "09"
    KEY_OWNER = "10"
    ISSUER = "11"
    ACQUIRER = "12"
    MESSAGE = "13"
    PURPOSE = "14"
    VOID_REASON = "15"
    PROVIDER = "16"
    HOST_TIME = "17"
    ORIGINAL_TERMINAL = "20"
    ORIGINAL_DAY = "21"
    ORIGINAL_AMOUNT = "22"
    VOIDED = "23"
    BUSINESS_NUMBER = "30"
    MERCHANT_NAME = "31"
    REPRESENTATIVE = "32"
    ADDRESS = "33"
    TEL = "34"
    RECEIPTS_COUNT = "41"
    RECEIPTS_AMOUNT = "42"
    RECEIPT_VOIDS_COUNT = "43"
    RECEIPT_VOIDS_AMOUNT = "44"


class Kind(enum.Enum):
    """What a field's characters may be."""

    DIGITS = "n"
    TEXT = "ans"
    BINARY = "b"


class Field(Struct, frozen=True):
    """One data element. `length_digits` 0 means: always `size` bytes long."""

    number: int
    name: str
    kind: Kind
    length_digits: int
    size: int


N, ANS, B = Kind.DIGITS, Kind.TEXT, Kind.BINARY

FIELDS: tuple[Field, ...] = (
    # number, name,                            kind, length digits, size
    Field(3, "processing code", N, 0, 6),
    Field(4, "amount, transaction", N, 0, 12),
    Field(7, "transmission date and time", N, 0, 10),
    Field(11, "system trace audit number", N, 0, 6),
    Field(12, "time, local transaction", N, 0, 6),
    Field(13, "date, local transaction", N, 0, 4),
    Field(15, "date, settlement (business day)", N, 0, 4),
    Field(22, "point of service entry mode", N, 0, 3),
    Field(25, "point of service condition code", N, 0, 2),
    Field(37, "retrieval reference number", ANS, 0, 12),
    Field(38, "authorization identification response", ANS, 0, 6),
    Field(39, "response code", ANS, 0, 2),
    Field(41, "card acceptor terminal identification", ANS, 0, 8),
    Field(42, "card acceptor identification code", ANS, 0, 15),
    Field(48, "additional data, private: items", B, 3, 512),
    Field(49, "currency code, transaction", N, 0, 3),
    Field(53, "KSN of the MAC key", B, 0, KSN_BYTES),
    Field(54, "additional amounts", ANS, 3, 120),
    Field(55, "integrated circuit card data", B, 3, 255),
    Field(59, "private: signature", B, 3, 999),
    Field(60, "private: KSN of a data key, encrypted track or number", B, 3, 640),
    Field(61, "private: KSN of the PIN key, PIN block", B, 3, 64),
    Field(62, "private: key exchange blob", B, 3, 256),
    Field(63, "private: identity and check value of a new key", B, 3, 24),
    Field(70, "network management information code", N, 0, 3),
    Field(74, "credits, number", N, 0, 10),
    Field(76, "debits, number", N, 0, 10),
    Field(77, "debits, reversal number", N, 0, 10),
    Field(86, "credits, amount", N, 0, 16),
    Field(88, "debits, amount", N, 0, 16),
    Field(89, "debits, reversal amount", N, 0, 16),
    Field(90, "original data elements", N, 0, 42),
    Field(97, "amount, net settlement", ANS, 0, 17),
    Field(128, "message authentication code", B, 0, MAC_BYTES),
)

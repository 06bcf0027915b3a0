"""Errors of the cryptography, by what the caller can do about them. No text ever holds a key or card data."""

from __future__ import annotations

__all__ = [
    "CardDataError",
    "CounterExhaustedError",
    "CounterInvalidError",
    "CryptoError",
    "ExchangeError",
    "ExchangeFormatError",
    "InitialKeyIdMismatchError",
    "KeySizeError",
    "NotGenuineError",
    "ReplayedError",
    "WrongOwnerError",
]


class CryptoError(Exception):
    """The root of all errors in `tpayd.crypto`."""


class KeySizeError(CryptoError, ValueError):
    """A key, or a key's identity, is not of the length that its algorithm asks for."""


class CounterInvalidError(CryptoError, ValueError):
    """A DUKPT counter that no device may use: 0, above the last one, or with more than 16 one bits."""


class CounterExhaustedError(CryptoError):
    """The last DUKPT counter has been used: the key must be replaced."""


class CardDataError(CryptoError, ValueError):
    """Track data that does not fit its frame, or a cipher text that is not one of ours (most often: another key)."""


class ExchangeError(CryptoError):
    """A key exchange that must not be trusted. Begin a new one."""


class ExchangeFormatError(ExchangeError, ValueError):
    """A request or an answer of the wrong length, or not of this format."""


class NotGenuineError(ExchangeError):
    """The sender does not hold the transport key, the message was altered, or it answers another request."""


class ReplayedError(ExchangeError):
    """The request's sequence number is not above the last one accepted: it was sent before."""


class WrongOwnerError(ExchangeError):
    """The request belongs to another reader or terminal than the one expected."""


class InitialKeyIdMismatchError(ExchangeError):
    """The key's identity told beside the answer is not the one that is sealed into it."""

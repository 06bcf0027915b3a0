"""Card data, keys and MACs do not show in what a program prints about them."""

from __future__ import annotations

import traceback

import msgspec
import pytest

from tests.unit.hosts.examples import KSN, MAC, SALE, TODAY
from tpayd.hosts import HostFormatError, ReaderKeyExchange, load
from tpayd.hosts.iso8583 import host_side

ADAPTER = load("iso8583")
SECRET = b"CIPHERCIPHERCIPHERCIPHERCIPHERCIPHERCIPHERCIPHER"


def test_no_repr_shows_binary_fields() -> None:
    """Bytes appear by their length only."""
    sale = msgspec.structs.replace(SALE, cipher=SECRET, emv=SECRET)
    unsealed = ADAPTER.encode(sale)
    raw = ADAPTER.seal(unsealed, KSN, MAC)
    exchange = ReaderKeyExchange(terminal_id="TPAY0001", stan="000001", local=SALE.local, blob=SECRET)
    shown = repr([sale, unsealed, host_side.read(raw, TODAY), exchange])
    assert "cipher=<48 bytes>" in shown
    assert "CIPHER" not in shown


def test_no_error_shows_the_message() -> None:
    """An error carries field, position and reason, and no other error behind it."""
    raw = ADAPTER.seal(ADAPTER.encode(msgspec.structs.replace(SALE, cipher=SECRET)), KSN, MAC)
    with pytest.raises(HostFormatError) as caught:
        ADAPTER.open(raw + b"extra")
    text = "".join(traceback.format_exception(caught.value))
    assert "CIPHER" not in text
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)

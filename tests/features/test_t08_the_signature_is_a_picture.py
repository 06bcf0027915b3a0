"""T8: a signature is kept as a 1-bit BMP at a path of the store's choice, from a pad or a screen; never logged."""

from __future__ import annotations

import struct

import pytest

from tests.features.counters import ON_ITS_PAD, ON_ITS_READER, ON_ITS_SCREEN, Counter
from tests.harness import eventually
from tpayd_client import PaymentProgress

DIAGONAL = (0, 0, 511, 255)
"""From corner to corner of a canvas of 512 x 256."""


def picture(counter: Counter) -> tuple[int, int, int, bytes]:
    """Width, height, bits per pixel and the rows, lowest first, of the lane's last signature."""
    eventually(counter.signature().exists, timeout_s=10, what="the signature's file")
    data = counter.signature().read_bytes()
    offset, width, height, bits = struct.unpack_from("<10xI4xii2xH", data)
    return width, height, bits, data[offset:]


def sale_on_screen(counter: Counter, *, reuse_signature: bool = False) -> str:
    """Where the signature came from."""

    def step(progress: PaymentProgress) -> None:
        if progress.prompt is not None:
            counter.pos.sign_on_screen("2", progress.prompt.token, [DIAGONAL], width=512, height=256)

    paid = counter.sale(step=step, reuse_signature=reuse_signature)
    assert "PAID" == paid.verdict
    return counter.signed_on(paid)


@pytest.mark.parametrize("counter", [ON_ITS_PAD], indirect=True)
def test_a_pads_strokes_become_a_picture(counter: Counter) -> None:
    """128 x 64 pixels, 1 bit each, at `device_broker.signature_file`; the sandbox's customer draws a zigzag."""
    assert "PAID" == counter.sale().verdict
    width, height, bits, rows = picture(counter)
    assert (128, 64, 1, 1024) == (width, height, bits, len(rows))
    assert 50 < sum((byte ^ 0xFF).bit_count() for byte in rows)


@pytest.mark.parametrize("counter", [ON_ITS_SCREEN], indirect=True)
def test_a_screens_strokes_become_the_same_kind_of_picture(counter: Counter) -> None:
    """A larger canvas is scaled down: its diagonal is the picture's."""
    sale_on_screen(counter)
    width, height, bits, rows = picture(counter)
    assert (128, 64, 1) == (width, height, bits)
    for x in (0, 40, 80, 127):
        row = rows[(63 - x // 2) * 16 : (63 - x // 2) * 16 + 16]
        assert not row[x // 8] & (0x80 >> x % 8), f"no line at {x}"


@pytest.mark.parametrize("counter", [ON_ITS_SCREEN], indirect=True)
def test_no_line_of_a_log_has_a_signature(counter: Counter) -> None:
    """Its points stand nowhere."""
    sale_on_screen(counter)
    services = ("gateway", "transaction", "device_broker")
    logs = [str(line) for service in services for line in counter.store.logs(service)]
    assert [] == [line for line in logs if "511, 255" in line]


@pytest.mark.parametrize("counter", [ON_ITS_SCREEN], indirect=True)
def test_a_signature_counts_again_for_the_same_card(counter: Counter) -> None:
    """A sale that asks for it [서명 재사용] is not signed for again; one that does not ask, or of another card, is."""
    counter.reset("jcb-stripe")
    assert "screen" in sale_on_screen(counter)
    assert "used again" in sale_on_screen(counter, reuse_signature=True)
    assert "screen" in sale_on_screen(counter)
    counter.reset("master-ic")
    assert "screen" in sale_on_screen(counter, reuse_signature=True)


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_no_lane_uses_anothers_signature(counter: Counter) -> None:
    """The same card, at a lane where it has not been signed for."""
    counter.reset("amex-tap")
    with Counter(counter.store, ON_ITS_PAD) as other:
        other.reset("amex-tap")
        assert "reader-2" in other.signed_on(other.sale())
        other.reset()
    assert "reader-4" in counter.signed_on(counter.sale(reuse_signature=True))

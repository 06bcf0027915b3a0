"""Every frame printed in docs/reader-protocol.md is one, and reads as the document says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.readers.answers import READER_ID
from tests.unit.readers.test_a_command_is_asked_by_its_rule import AT, READ
from tpayd.device_broker.drivers import stx_card_messages as cards
from tpayd.device_broker.drivers import stx_messages as messages
from tpayd.device_broker.drivers.events import CardRead
from tpayd.device_broker.drivers.frames import Frame, FrameReader
from tpayd.device_broker.drivers.stx_frame import STX_FORM
from tpayd.device_broker.drivers.stx_rules import RULES

TEXT = (Path(__file__).parents[3] / "docs" / "reader-protocol.md").read_text(encoding="utf-8")


def printed() -> list[bytes]:
    """The frames of all hex blocks; a line that is set in goes on with the one before."""
    frames: list[str] = []
    for block in re.findall(r"```hex\n(.*?)```", TEXT, re.DOTALL):
        for line in block.splitlines():
            digits = re.match(r" *((?:[0-9A-F]{2}(?: |$))+)", line)
            assert digits is not None, line
            if line.startswith(" "):
                frames[-1] += digits[1]
            else:
                frames.append(digits[1])
    return [bytes.fromhex(frame) for frame in frames]


def test_every_printed_frame_is_whole() -> None:
    assert len(printed()) > 15
    for frame in printed():
        [found] = FrameReader(STX_FORM).feed(frame, now_us=0)
        assert isinstance(found, Frame), frame.hex(" ")


def test_printed_requests_are_those_that_are_sent() -> None:
    sent = [
        messages.INIT_FRAME, messages.SELF_TEST_FRAME, messages.STATE_FRAME, messages.EJECT_FRAME, messages.NAK_FRAME,
        messages.PREPARE_KEY_FRAME, messages.info_frame(AT), cards.card_frame(READ),
    ]  # fmt: skip
    assert [] == [frame.hex(" ") for frame in sent if frame not in printed()]


def test_printed_answers_read_as_described() -> None:
    data = {frame[3]: frame[4:-2] for frame in printed()}
    assert READER_ID == messages.parse_info(data[0x59]).reader_id
    card = cards.parse_card(data[0x11]).card
    assert isinstance(card, CardRead)
    assert ("411111******1111", 12, 48) == (card.masked_pan, len(card.ksn), len(card.cipher))
    assert cards.parse_finished(data[0x21])[0].accepted
    assert messages.parse_check_value(data[0x06]) == "08D7B4A1C2"


def test_the_table_of_waits_is_the_one_in_force() -> None:
    """Each command's row names its seconds."""
    for command, rule in RULES.items():
        rows = [row for row in TEXT.splitlines() if row.startswith("| ") and f"{command:02X} " in row.split("|")[1]]
        assert any(f"{rule.wait_us // 1_000_000} s" in row for row in rows), f"{command:02X}"

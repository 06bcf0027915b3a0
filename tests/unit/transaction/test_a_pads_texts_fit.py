"""What a pad shows fits on it: at most 4 lines of 16 bytes in EUC-KR, in each language."""

from __future__ import annotations

import pytest

from tpayd.transaction.steps.pads import PAD_LINE_BYTES, PAD_LINES_MAX, PadLanguage, PadText, pad_lines


@pytest.mark.parametrize("language", PadLanguage)
@pytest.mark.parametrize("text", PadText)
def test_every_text_fits(text: PadText, language: PadLanguage) -> None:
    """And can be written in EUC-KR at all."""
    lines = pad_lines(text, language)
    assert 1 <= len(lines) <= PAD_LINES_MAX
    assert [] == [line for line in lines if len(line.encode("euc-kr")) > PAD_LINE_BYTES]


def test_both_languages_stand_below_each_other() -> None:
    """Korean first."""
    both = pad_lines(PadText.SIGN, PadLanguage.BOTH)
    assert (*pad_lines(PadText.SIGN, PadLanguage.KO), *pad_lines(PadText.SIGN, PadLanguage.EN)) == both

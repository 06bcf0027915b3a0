"""The short form of `make fuzz`: no input makes a frame reader or a driver crash, hang, or keep more than one frame."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fuzz.campaign import FuzzError, run
from tests.fuzz.inputs import DIALECTS, Inputs
from tests.fuzz.scenes import scenes_of
from tpayd.device_broker.drivers.stx_frame import StxForm


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_few_thousand_inputs(name: str) -> None:
    findings = run(name, inputs=4000)
    assert findings.inputs == 4000
    assert findings.grown_mib < 16


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_an_input_is_the_same_again(name: str) -> None:
    """A finding can be tried again by its number."""
    scenes = scenes_of(name)
    genuine = [said for scene in scenes for _, said in scene.played]
    source = Inputs(DIALECTS[name], genuine, seed=7)
    first, again = (source.make(11, source.chance(11), scenes[4].genuine) for _ in range(2))
    assert first == again


class Careless(StxForm):
    """Stumbles over a length that no honest frame has."""

    def size(self, buffer: bytes, at: int) -> int:
        if buffer[at + 1 : at + 3] == b"\xff\xff":
            raise IndexError("so much?")
        return super().size(buffer, at)


class Greedy(StxForm):
    """Believes every length."""

    def size(self, buffer: bytes, at: int) -> int:
        return int.from_bytes(buffer[at + 1 : at + 3], "big") + 4


@pytest.mark.parametrize(("form", "what"), [(Careless(), "so much"), (Greedy(), "more is kept")])
def test_a_broken_frame_reader_is_found(monkeypatch: pytest.MonkeyPatch, form: StxForm, what: str) -> None:
    monkeypatch.setitem(DIALECTS, "stx", replace(DIALECTS["stx"], form=form))
    with pytest.raises(FuzzError, match=what):
        run("stx", inputs=8000)

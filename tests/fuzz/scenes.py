"""The moments of a driver's life that inputs are tried on, each with what a real reader would say next.

A scene is recorded once from the driver and its peer, and played again from the record: that is fast, and the same
each time.
"""

from __future__ import annotations

from dataclasses import dataclass

from tpayd.device_broker.drivers import conformance, driver_kind
from tpayd.device_broker.drivers.commands import (
    Check,
    Command,
    EnterNumber,
    EnterPin,
    InjectKey,
    PrepareKey,
    ReadCard,
    ReadCode,
    Recover,
    ShowMessage,
    Sign,
    Start,
)
from tpayd.device_broker.drivers.conformance import Bench
from tpayd.device_broker.drivers.conformance.suite import AT, CARD_WAIT_US, FINISH, read_command
from tpayd.device_broker.drivers.driver import DriverKind

__all__ = ["Scene", "play", "scenes_of"]

NONCE = "0123456789ABCDEF" * 2


@dataclass(frozen=True)
class Scene:
    """Commands, and all that the reader has said to each; then the last command, to which it has said nothing yet."""

    name: str
    kind: DriverKind
    played: tuple[tuple[Command, bytes], ...]
    last: Command | None
    genuine: bytes
    """What the reader says to the last command; empty: nothing, until somebody does something."""


class Mute:
    """A peer that never says anything: what comes is the input's."""

    ways: frozenset[str] = frozenset()
    opening = b""

    def received(self, _: bytes) -> bytes:
        return b""

    def present(self, _: str, *, stays: bool = False) -> bytes:
        return b""

    def take_out(self) -> bytes:
        return b""


def play(scene: Scene) -> Bench:
    """The driver as it is in the scene."""
    bench = Bench(scene.kind.create(), Mute())
    for command, said in scene.played:
        bench.begin(command)
        bench.arrive_only(said)
    if scene.last is not None:
        bench.begin(scene.last)
    return bench


def scenes_of(name: str) -> list[Scene]:
    """The scenes of a driver."""
    kind, peer = driver_kind(name), conformance.peer_factory(name)

    def scene(title: str, before: list[tuple[Command, str]], last: Command | None, way: str = "") -> Scene:
        bench = Bench(kind.create(), peer())
        played: list[tuple[Command, bytes]] = []
        for command, presented in [(Start(AT), ""), *before]:
            played.append((command, _said(bench, command, presented)))
        genuine = b"" if last is None else _said(bench, last, way)
        return Scene(title, kind, tuple(played), last, genuine)

    read: ReadCard = read_command(1)
    chip: list[tuple[Command, str]] = [(read, "ic")]
    return [
        Scene("opened", kind, (), Start(AT), scene("", [], Start(AT)).genuine),
        scene("idle", [], None),
        scene("checked", [], Check()),
        scene("recovering", [], Recover()),
        scene("reading a chip", [], read, "ic"),
        scene("reading a tap", [], read, "contactless"),
        scene("reading a stripe", [], read, "stripe"),
        scene("between card and word", chip, None),
        scene("finishing", chip, FINISH),
        scene("preparing a key", [], PrepareKey()),
        scene("injecting a key", [], InjectKey(AT, bytes(48))),
        scene("signing", [], Sign(1000, ("sign",), NONCE, CARD_WAIT_US)),
        scene("keying a number", [], EnterNumber(("number",), 4, 11, NONCE, CARD_WAIT_US)),
        scene("keying a PIN", chip, EnterPin(("PIN",), 4, 6, NONCE, CARD_WAIT_US)),
        scene("scanning", [], ReadCode(or_card=True, nonce=NONCE, wait_us=CARD_WAIT_US)),
        scene("showing", [], ShowMessage(("hello",))),
    ]


def _said(bench: Bench, command: Command, way: str) -> bytes:
    before = len(bench.said)
    bench.ask(command)
    if way:
        bench.present(way, stays=True)
    return bench.said[before:]

"""What a search asks next follows from what it has heard; what it proposes, from what it has found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tpayd.device_broker.drivers.driver import LineSettings
from tpayd.device_broker.drivers.events import Identity
from tpayd.device_broker.finding.names import machine_ports
from tpayd.device_broker.finding.proposing import propose, scanned
from tpayd.device_broker.finding.scan import Candidate, Heard, Question, Reply, Scan, questions_of
from tpayd.device_broker.settings import DeviceSettings
from tpayd_contracts.device import Ability
from tpayd_contracts.fleet import AssignDevice, PortState

LINES = {
    "stx": LineSettings(baud=38_400, other_bauds=(115_200,)),
    "neo": LineSettings(baud=115_200, other_bauds=(9_600, 19_200)),
}
USUAL = {"stx": 38_400, "neo": 115_200}
SILENCE = Reply(Heard.SILENCE)


def identity(number: str = "A1", abilities: tuple[Ability, ...] | None = None) -> Identity:
    return Identity("R" * 32, number, "1", "M", key_loaded=False, abilities=abilities)


def searched(scan: Scan, answer: Callable[[str, Question], Reply]) -> list[tuple[str, Question]]:
    """Ask to the end, one question after another."""
    asked = []
    while (following := scan.next()) is not None:
        asked.append(following)
        scan.heard(following[0], answer(*following))
    assert scan.complete
    assert scan.done == scan.of
    return asked


def test_usual_speeds_come_first_and_silence_is_asked_to_the_end() -> None:
    asked = searched(Scan([Candidate("/dev/a", "a")], LINES), lambda *_: SILENCE)
    expected = [("stx", 38_400), ("neo", 115_200), ("stx", 115_200), ("neo", 9_600), ("neo", 19_200)]
    assert expected == [(question.driver, question.baud) for _, question in asked]
    assert len(questions_of(LINES)) == len(asked)


def test_noise_brings_the_other_speeds_of_its_driver_forward() -> None:
    heard = {("stx", 38_400): SILENCE, ("neo", 115_200): Reply(Heard.NOISE)}
    scan = Scan([Candidate("/dev/a", "a")], LINES)
    asked = searched(scan, lambda _, q: heard.get((q.driver, q.baud), SILENCE))
    assert ["stx", "neo", "neo", "neo", "stx"] == [question.driver for _, question in asked]
    told = scanned(scan.findings["/dev/a"], [])
    assert PortState.SILENT is told.state
    assert "no driver understands" in (told.text or "")


def test_a_port_in_use_is_never_asked_and_one_of_another_program_once() -> None:
    ports = [Candidate("/dev/a", "a", "reader-1", in_use=True), Candidate("/dev/b", "b")]
    scan = Scan(ports, LINES)
    asked = searched(scan, lambda *_: Reply(Heard.IN_USE, text="in use by another program (x, process 7): close it"))
    assert ["/dev/b"] == [path for path, _ in asked]
    told = [scanned(finding, []) for finding in scan.findings.values()]
    assert [(PortState.KNOWN, "reader-1"), (PortState.IN_USE, None)] == [(each.state, each.device) for each in told]


@given(st.data())
def test_no_port_is_asked_twice_at_once_nor_after_it_answered(data: st.DataObject) -> None:
    """However the answers come in."""
    scan = Scan([Candidate(name, name) for name in "abc"], LINES)
    asking: dict[str, Question] = {}
    ended: set[str] = set()
    while not scan.complete:
        following = scan.next() if len(asking) < data.draw(st.integers(1, 3)) else None
        if following is not None:
            path, question = following
            assert path not in asking
            assert path not in ended
            asking[path] = question
        elif asking:
            path = data.draw(st.sampled_from(sorted(asking)))
            heard = data.draw(st.sampled_from([Heard.SILENCE, Heard.NOISE, Heard.IDENTITY, Heard.FAILED]))
            scan.heard(path, Reply(heard, identity() if heard is Heard.IDENTITY else None))
            del asking[path]
            if heard in (Heard.IDENTITY, Heard.FAILED):
                ended.add(path)
        assert 0 <= scan.done <= scan.of


def found(candidate: Candidate, driver: str, baud: int, who: Identity) -> Scan:
    scan = Scan([candidate], LINES)
    wanted = Question(driver, baud)
    searched(scan, lambda _, q: Reply(Heard.IDENTITY, who) if q == wanted else SILENCE)
    return scan


def proposed(scan: Scan, *devices: DeviceSettings) -> tuple[AssignDevice, ...]:
    return propose(scan.findings.values(), devices, USUAL)


def test_who_is_new_gets_a_free_name_and_is_pinned() -> None:
    reader = found(Candidate("/dev/ttyUSB0", "usb:1-1"), "stx", 38_400, identity())
    there = DeviceSettings(name="reader-1", port="x")
    expected = AssignDevice("reader-2", "usb:1-1", "stx", serial_number="A1")
    assert (expected,) == proposed(reader, there)
    pad = found(Candidate("/dev/ttyUSB0", "usb:1-1"), "stx", 115_200, identity(abilities=(Ability.SIGN,)))
    assert ("pad-1", 115_200) == (proposed(pad, there)[0].name, proposed(pad, there)[0].baud)


def test_who_is_known_is_changed_only_where_it_differs() -> None:
    known = DeviceSettings(name="front", port="usb:1-1", serial_number="A1")
    at_home = Candidate("/dev/ttyUSB0", "usb:1-1", "front")
    assert () == proposed(found(at_home, "stx", 38_400, identity()), known)
    faster = found(at_home, "stx", 115_200, identity())
    assert (AssignDevice("front", baud=115_200),) == proposed(faster, known)
    moved = found(Candidate("/dev/ttyUSB4", "usb:1-2"), "stx", 38_400, identity())
    assert (AssignDevice("front", "usb:1-2"),) == proposed(moved, known)
    assert "it is here now" in (scanned(moved.findings["/dev/ttyUSB4"], [known]).text or "")
    stranger = found(at_home, "stx", 38_400, identity("B2"))
    assert ["reader-1"] == [wish.name for wish in proposed(stranger, known)]
    assert "another reader answers" in (scanned(stranger.findings["/dev/ttyUSB0"], [known]).text or "")


def test_patterns_name_ports_below_the_instance(tmp_path: Path) -> None:
    """A hidden file is none: the sandbox makes its links so before they count."""
    (tmp_path / "readers").mkdir()
    for name in ("a", ".new"):
        (tmp_path / "readers" / name).symlink_to("/dev/null")
    named = [port.name for port in machine_ports(tmp_path, ["readers/*", "none/*", "["])]
    assert "readers/a" in named
    assert "readers/.new" not in named

"""Whatever differs from the signed list is found and named; what does not differ passes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.integrity.conftest import Place
from tpayd.integrity.checking import Stopper, check
from tpayd.integrity.manifest import MANIFEST_NAMES, Kind, Manifest

TILL = "shop/till.py"


def look(place: Place, limit_s: float = 30.0) -> list[tuple[str, str]]:
    checked = check(place.environment, place.trust, limit_s=limit_s)
    assert checked.found == len(checked.faults)
    site = f"{place.environment.site}/"
    return [(fault.kind.value, fault.path.removeprefix(site)) for fault in checked.faults]


def test_nothing_differs(place: Place) -> None:
    """Every file is compared, and the signer named."""
    told: list[tuple[int, int]] = []

    checked = check(place.environment, place.trust, limit_s=30.0, on_progress=lambda *how_far: told.append(how_far))

    assert (True, 3, 1, "1.0") == (checked.passed, checked.files, len(checked.signers), checked.version)
    assert (1, 3) == told[0]


def replace_by_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def beside(source: Path) -> None:
    (source.parent / "__pycache__").mkdir()
    (source.parent / "__pycache__/till.pyc").touch()


def replace(path: Path, put: Callable[[Path], None]) -> None:
    path.unlink()
    put(path)


FAULTS: dict[str, tuple[Callable[[Place], object], list[tuple[str, str]]]] = {
    "other bytes of the same length": (
        lambda place: (place.site / TILL).write_bytes(b"OPEN = Tru3\n"), [("changed", TILL)]
    ),
    "one byte more": (lambda place: (place.site / TILL).write_bytes(b"OPEN = True\n\n"), [("changed", TILL)]),
    "nothing left in it": (lambda place: (place.site / TILL).write_bytes(b""), [("changed", TILL)]),
    "a file that is gone": (lambda place: (place.site / TILL).unlink(), [("missing", TILL)]),
    "an extra .pth": (lambda place: (place.site / "x.pth").write_bytes(b"import os"), [("unlisted", "x.pth")]),
    "an extra module": (lambda place: (place.site / "shop/x.py").touch(), [("unlisted", "shop/x.py")]),
    "bytecode": (
        lambda place: beside(place.site / TILL),
        [("unlisted", "shop/__pycache__/till.pyc")],
    ),
    "pyvenv.cfg": (
        lambda place: (place.root / "pyvenv.cfg").write_bytes(b"home = /tmp/bin\n"), [("changed", "pyvenv.cfg")]
    ),
    "a script": (lambda place: (place.root / "bin/tpayd").touch(), [("unlisted", "bin/tpayd")]),
    "a link in place of a file": (
        lambda place: replace_by_link(place.site / TILL), [("unlisted", "shop/elsewhere"), ("link", TILL)]
    ),
    "a link in place of a directory": (
        lambda place: replace_by_link(place.site / "shop"),
        [
            ("unlisted", "elsewhere/__init__.py"), ("unlisted", "elsewhere/till.py"), ("link", "shop"),
            ("missing", "shop/__init__.py"), ("missing", TILL),
        ],
    ),
    "a link that leads elsewhere now": (
        lambda place: replace(place.root / "bin/python", lambda path: path.symlink_to("/tmp/python")),
        [("changed", "bin/python")],
    ),
    "a link that is gone": (lambda place: (place.root / "lib64").unlink(), [("missing", "lib64")]),
    "a pipe": (lambda place: os.mkfifo(place.site / "pipe.py"), [("special", "pipe.py")]),
    "a pipe in place of a file": (
        lambda place: replace(place.site / TILL, os.mkfifo), [("special", TILL)]
    ),
    "a directory in place of a file": (
        lambda place: replace(place.site / TILL, Path.mkdir), [("missing", TILL)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_differs_is_named(place: Place, name: str) -> None:
    """By its path, and by what is wrong with it."""
    poison, expected = FAULTS[name]
    poison(place)

    assert expected == look(place)


def test_an_empty_directory_is_no_code(place: Place) -> None:
    """Nothing can be run from it."""
    (place.site / "nothing").mkdir()

    assert [] == look(place)


def test_a_flood_of_files_is_counted_and_not_all_named(place: Place) -> None:
    """The answer stays small."""
    for number in range(250):
        (place.site / f"m{number}.py").touch()

    checked = check(place.environment, place.trust, limit_s=30.0)

    assert (250, 100) == (checked.found, len(checked.faults))


def test_a_name_that_no_terminal_should_see(place: Place) -> None:
    """What controls a terminal is left out of the finding."""
    (place.site / "\x1b[2J\udcff.py").touch()

    assert [("unlisted", "?[2J?.py")] == look(place)


def test_time_is_bounded(place: Place) -> None:
    """A check that does not end in time has failed, and says so."""
    assert [("not_checked", "")] == look(place, limit_s=0.0)


def test_a_check_can_be_ended(place: Place) -> None:
    """As when the process stops."""
    stopper = Stopper()
    stopper.stop()

    checked = check(place.environment, place.trust, limit_s=30.0, stopper=stopper)

    assert ["not_checked"] == [fault.kind for fault in checked.faults]


def test_the_list_must_be_there_and_genuine(place: Place) -> None:
    """No key pinned, no list, an altered list, a link in its place, another kind's list, another signer: all fail."""
    path = place.root / MANIFEST_NAMES[Kind.INSTALLATION]
    good = path.read_bytes()

    def problem() -> str:
        (fault,) = check(place.environment, place.trust, limit_s=30.0).faults
        assert "manifest" == fault.kind
        return fault.text

    path.write_bytes(good.replace(b'"payload":"', b'"payload":"AAAA', 1))
    assert "was altered" in problem()
    path.write_bytes(good[: len(good) // 2])
    assert "is damaged" in problem()
    path.unlink()
    assert "is missing" in problem()
    path.symlink_to("/etc/passwd")
    assert "cannot be read" in problem()
    path.unlink()
    path.write_bytes(Manifest(Kind.RELEASE, "1.0", 1, {}).signed(place.keys[Kind.INSTALLATION]))
    assert "is of another kind" in problem()
    path.write_bytes(Manifest(Kind.INSTALLATION, "1.0", 1, {}).signed(place.keys[Kind.RELEASE]))
    assert "does not trust" in problem()
    path.write_bytes(good)
    place.trust.write_text("# nobody\n")
    assert "pins no key" in problem()
    place.trust.write_text("installation ed25519:AAAA\n")
    assert "line 1" in problem()


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../b", "a//b", "./a", ""])
def test_a_list_stays_within_its_environment(path: str) -> None:
    """A signed list cannot speak of what lies outside."""
    with pytest.raises(ValueError, match="no path within an installation"):
        Manifest(Kind.INSTALLATION, "1.0", 1, {}, {path: "x"})

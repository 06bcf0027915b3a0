"""Releases to go over to: quick copies of the tree as environments of their own, good ones and bad ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import tpayd
import tpayd_client
import tpayd_contracts
from ops.release.next_version import rewritten_wheel
from tpayd.integrity.environment import Environment
from tpayd.releases.book import Book
from tpayd.releases.journal import Event
from tpayd.releases.layout import Layout

__all__ = ["dies_at_start", "dies_on_trial", "hangs_at_start", "installed_release", "released_wheel", "staged_release"]

_KILLER = "dies_on_trial"
_KILLER_SOURCE = """
import os, sys, threading, time
from pathlib import Path
from tpayd.releases.book import Book
from tpayd.releases.journal import State
from tpayd.releases.layout import Layout

def watch():
    book = Book(Layout(Path(sys.argv[sys.argv.index("--home") + 1])))
    while book.attempt().state is not State.READY:
        time.sleep(0.05)
    os._exit(70)

threading.Thread(target=watch, daemon=True).start()
"""
_MAIN = 'if __name__ == "__main__":\n'
_PACKAGES = (tpayd, tpayd_contracts, tpayd_client)
_SHIPPED = ("config", "ops/supervisor")
_ROOT = Path(__file__).parents[2]

Change = Callable[[Path], None]
"""Spoils a release; told where its site-packages are."""


def staged_release(home: Path, version: str, change: Change | None = None) -> Path:
    """As the updater leaves one: installed beside the running release, and written down."""
    place = installed_release(home, version, change)
    Book(Layout(home)).write(Event.STAGED, version, by="test")
    return place


def installed_release(home: Path, version: str, change: Change | None = None) -> Path:
    """This tree under another version, in `releases/<version>`; what it depends on comes from where the tests run."""
    place = Layout(home).place(version)
    place.parent.mkdir(exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    environment = Environment.at(place)
    _fill(environment.root / environment.site, version, change)
    return place


def released_wheel(directory: Path, version: str, change: Change | None = None) -> Path:
    """The same as a wheel, which a repository can offer; it needs no other."""
    base = directory / "base"
    _fill(base, tpayd.__version__, change)
    kind = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    (base / f"tpayd-{tpayd.__version__}.dist-info" / "WHEEL").write_text(kind)
    whole = directory / f"tpayd-{tpayd.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(whole, "w") as archive:
        for path in sorted(base.rglob("*")):
            archive.write(path, path.relative_to(base))
    shutil.rmtree(base)
    try:
        return rewritten_wheel(whole, version, directory)
    finally:
        whole.unlink()


def _fill(site: Path, version: str, change: Change | None) -> None:
    for package in _PACKAGES:
        source = Path(package.__path__[0])
        shutil.copytree(source, site / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _SHIPPED:
        shutil.copytree(_ROOT / name, site / "tpayd" / "_shipped" / name)
    main = site / "tpayd" / "__init__.py"
    main.write_text(main.read_text().replace(tpayd.__version__, version))
    notes = site / f"tpayd-{version}.dist-info"
    notes.mkdir()
    told = f"Metadata-Version: 2.4\nName: tpayd\nVersion: {version}\nRequires-Python: >=3.11\n"
    (notes / "METADATA").write_text(told)
    entry_points = next(Path(sysconfig.get_path("purelib")).glob("tpayd-*.dist-info/entry_points.txt"), None)
    shutil.copyfile(entry_points or _entry_points(), notes / "entry_points.txt")
    # After the release's own: what it has itself comes first.
    (site / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    if change is not None:
        change(site)


def dies_at_start(service: str) -> Change:
    """A process that cannot even be imported."""
    return _first_in_main(service, "raise SystemExit(70)")


def hangs_at_start(service: str) -> Change:
    """A process that never says anything."""
    return _first_in_main(service, "import time; time.sleep(600)")


def dies_on_trial(service: str) -> Change:
    """A process that is healthy, and dies all the same as soon as everything was ready."""
    begin = _first_in_main(service, f"import tpayd.{_KILLER}")

    def change(site: Path) -> None:
        (site / "tpayd" / f"{_KILLER}.py").write_text(_KILLER_SOURCE)
        begin(site)

    return change


def _first_in_main(service: str, line: str) -> Change:
    def change(site: Path) -> None:
        path = site / "tpayd" / service.replace(".", "/") / "__main__.py"
        path.write_text(path.read_text().replace(_MAIN, f"{_MAIN}    {line}\n", 1))

    return change


def _entry_points() -> Path:
    import importlib.metadata

    files = importlib.metadata.distribution("tpayd").files or ()
    return next(Path(str(file.locate())) for file in files if file.name == "entry_points.txt")

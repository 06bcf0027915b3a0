"""T11, the integrity check [무결성체크]: files at start, daily and by hand, readers by their self-test; ten results.

The store runs from a real installation, the wheel in an environment of its own, and the files are poisoned there.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import marshal
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.harness import eventually
from tests.harness.installation import Installation, InstalledStore
from tpayd.integrity.environment import Environment
from tpayd.integrity.manifest import MANIFEST_NAMES, Kind, Manifest
from tpayd.integrity.signing import list_files
from tpayd.integrity.trust import make_signing_key
from tpayd.releases.bytecode import ARCHIVE_NAME
from tpayd.supervision.conf import socket_file
from tpayd.supervision.control import Supervisor
from tpayd.supervision.processes import processes_of
from tpayd_client import Pos
from tpayd_client.types import IntegrityReport, IntegrityState, PaymentState, Verdict
from tpayd_contracts.sandbox import HostMode

pytestmark = pytest.mark.timeout(300)

AMOUNT = 11_000
_UNCHECKED_HASH = 1
"""A flag of PEP 552: nobody compares this bytecode with its source."""
INSTALLED = MANIFEST_NAMES[Kind.INSTALLATION]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledStore]:
    """Signed, started, keys exchanged, a card at each reader."""
    place = tmp_path_factory.mktemp("t11")
    store = InstalledStore(place, Installation.make(place), settings={"transaction": {"answer_wait_s": 4.0}})
    store.tpayd("integrity", "sign")
    with store:
        store.open_shop(card="visa-ic")
        yield store


@pytest.fixture
def pos(shop: InstalledStore) -> Iterator[Pos]:
    with shop.client() as client:
        yield client


def checked(pos: Pos) -> IntegrityReport:
    """A check by hand of the files."""
    return IntegrityReport.from_wire(pos.call("integrity.check", {"scope": "files"}, ttl_s=100))


@contextmanager
def put(path: Path, content: bytes) -> Iterator[Path]:
    """A file with this content; as it was before, afterwards."""
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    yield path
    path.unlink() if before is None else path.write_bytes(before)


@contextmanager
def gone(path: Path) -> Iterator[Path]:
    kept = path.read_bytes()
    path.unlink()
    yield path
    path.write_bytes(kept)


@contextmanager
def linked(path: Path, target: Path) -> Iterator[Path]:
    """A link to a file that is the same, byte for byte, as the one that it stands for."""
    kept = path.read_bytes()
    target.write_bytes(kept)
    path.unlink()
    path.symlink_to(target)
    yield path
    path.unlink()
    path.write_bytes(kept)
    target.unlink()


def poison(marker: Path) -> bytes:
    """Bytecode that leaves a trace when it is run, and looks as if it were checked against nothing."""
    code = compile(f"open({str(marker)!r}, 'w').close()", "poison", "exec")
    return importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH.to_bytes(4, "little") + bytes(8) + marshal.dumps(code)


def bytecode_of(source: Path) -> Path:
    return next((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"))


FAULTS: dict[str, Callable[[Path, Path], tuple[AbstractContextManager[Path], str, str]]] = {
    "a changed module": lambda site, _: (
        put(site / "tpayd/gateway/relay.py", b"raise SystemExit\n"), "tpayd/gateway/relay.py", "changed"
    ),
    "poisoned bytecode beside an intact source": lambda site, tmp: (
        put(bytecode_of(site / "tpayd/gateway/relay.py"), poison(tmp / "ran")),
        f"tpayd/gateway/__pycache__/{bytecode_of(site / 'tpayd/gateway/relay.py').name}", "changed",
    ),
    "bytecode without a source": lambda site, tmp: (
        put(site / "colour.pyc", poison(tmp / "ran")), "colour.pyc", "unlisted"
    ),
    "an unlisted module": lambda site, _: (put(site / "colour.py", b"pass\n"), "colour.py", "unlisted"),
    "an unlisted module in a package": lambda site, _: (
        put(site / "sqlalchemy/extra.py", b"pass\n"), "sqlalchemy/extra.py", "unlisted"
    ),
    "an extra .pth": lambda site, _: (put(site / "evil.pth", b"import os\n"), "evil.pth", "unlisted"),
    "a sitecustomize": lambda site, _: (put(site / "sitecustomize.py", b"pass\n"), "sitecustomize.py", "unlisted"),
    "a missing module": lambda site, _: (gone(site / "tpayd/gateway/feed.py"), "tpayd/gateway/feed.py", "missing"),
    "a link to the same bytes elsewhere": lambda site, tmp: (
        linked(site / "tpayd/gateway/feed.py", tmp / "feed.py"), "tpayd/gateway/feed.py", "link"
    ),
}  # fmt: skip


def restart(shop: InstalledStore, service: str) -> None:
    """Kill it, and wait until all is ready again."""
    supervisor = Supervisor(socket_file(shop.instance))

    def pid() -> int:
        return next(each.pid for each in supervisor.processes() if each.name == service)

    before = pid()
    os.kill(before, signal.SIGKILL)
    eventually(lambda: pid() not in (0, before), timeout_s=60, what=f"another {service}")
    shop.wait_ready(timeout_s=60)


def test_a_signed_installation_sells(shop: InstalledStore, pos: Pos) -> None:
    """The files are checked at the start, in time for the first payment, and the result is shown."""
    shown = shop.tpayd("integrity", "show", "--json").json

    assert Verdict.PAID == pos.sale("1", AMOUNT).verdict
    assert "ok" == shown["state"]
    assert ("start", True) == (shown["results"][-1]["by"], shown["results"][-1]["passed"])
    assert shown["results"][-1]["files"] > 500
    assert 1 == len(shown["signers"])
    assert shown["next_check_ms"] is not None


@pytest.mark.parametrize("name", FAULTS)
def test_a_poisoned_file_in_the_installation(shop: InstalledStore, pos: Pos, tmp_path: Path, name: str) -> None:
    """It is named by a check by hand, no new payment starts, and all is well again once it is put right."""
    site = shop.installation.site
    fault, path, kind = FAULTS[name](site, tmp_path)
    with fault:
        failed = checked(pos)
        refused = pos.sale("1", AMOUNT)
    mended = checked(pos)

    place = Environment.at(shop.installation.root).site
    assert [(f"{place}/{path}", kind)] == [(each.path, each.kind.value) for each in failed.results[0].findings]
    assert ("cli", False) == (failed.results[0].by, failed.results[0].passed)
    assert (Verdict.NOT_PAID, "integrity_failed") == (refused.verdict, refused.reason)
    assert IntegrityState.OK == mended.state
    assert Verdict.PAID == pos.sale("1", AMOUNT).verdict
    assert not (tmp_path / "ran").exists()


def test_the_command_line_tells_it(shop: InstalledStore, pos: Pos) -> None:
    """`check` and `show` end with status 1 and name the file, and so does the store's status."""
    with put(shop.installation.site / "colour.py", b"pass\n"):
        said = shop.tpayd("integrity", "check", "--files", status=1)
        shown = shop.tpayd("integrity", "show", status=1)
        status = shop.tpayd("status", "--json", status=1).json
    checked(pos)

    assert "colour.py is not in the signed list" in said.out
    assert "colour.py is not in the signed list" in shown.out
    assert "failed" == status["integrity"]["state"]


def test_a_list_that_was_altered(shop: InstalledStore, pos: Pos, tmp_path: Path) -> None:
    """Neither an altered list counts, nor one that somebody else has signed, nor none at all."""
    path = shop.installation.root / INSTALLED
    envelope = json.loads(path.read_bytes())
    payload = base64.b64decode(envelope["payload"]).replace(b"tpayd/gateway/relay.py", b"tpayd/gateway/other.py")
    altered = json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}).encode()
    files, links = list_files(shop.installation.root)
    foreign = Manifest(Kind.INSTALLATION, "9.9", 1, files, links).signed(make_signing_key(tmp_path / "foreign.pem"))

    with put(path, altered):
        assert "was altered after it had been signed" in checked(pos).detail
    with put(path, foreign):
        assert "whose key this instance does not trust" in checked(pos).detail
    with put(path, b"no list at all"):
        assert "is damaged" in checked(pos).detail
    with gone(path):
        assert "is missing" in checked(pos).detail
    assert IntegrityState.OK == checked(pos).state


def test_what_is_open_is_settled_while_new_payments_are_refused(shop: InstalledStore, pos: Pos) -> None:
    """A reversal is MACed whatever the files are."""
    shop.sandbox.host(HostMode.SILENT)
    unknown = pos.sale("2", AMOUNT)
    with put(shop.installation.site / "evil.pth", b"import os\n"):
        assert IntegrityState.FAILED == checked(pos).state
        shop.sandbox.host(HostMode.APPROVE)
        eventually(
            lambda: pos.status("2", unknown.request_id).state is PaymentState.REVERSED,
            timeout_s=60,
            what="the reversal",
        )
        refused = pos.sale("2", AMOUNT)
    assert IntegrityState.OK == checked(pos).state

    assert (Verdict.NOT_PAID, "integrity_failed") == (refused.verdict, refused.reason)


def test_poisoned_bytecode_is_never_run(shop: InstalledStore, tmp_path: Path) -> None:
    """A process that starts while bytecode beside an intact source is poisoned runs the source."""
    with put(bytecode_of(shop.installation.site / "tpayd/gateway/relay.py"), poison(tmp_path / "ran")):
        restart(shop, "gateway")

    assert not (tmp_path / "ran").exists()


def test_a_poisoned_archive_of_bytecode_is_found(shop: InstalledStore, pos: Pos) -> None:
    """What the launcher starts processes with is one of the signed files."""
    with put(shop.installation.root / ARCHIVE_NAME, poison(Path("/ran"))):
        failed = checked(pos)
        refused = pos.sale("1", AMOUNT)

    assert [(ARCHIVE_NAME, "changed")] == [(each.path, each.kind.value) for each in failed.results[0].findings]
    assert (Verdict.NOT_PAID, "integrity_failed") == (refused.verdict, refused.reason)
    assert IntegrityState.OK == checked(pos).state


def test_results_are_kept(shop: InstalledStore, pos: Pos) -> None:
    """The last ten, newest first; a restart of the key manager adds its own and loses none."""
    for _ in range(11):
        kept = [each.at_ms for each in checked(pos).results]
    restart(shop, "key_manager")
    shown = shop.tpayd("integrity", "show", "--json").json["results"]

    assert 10 == len(kept) == len(shown)
    assert "start" == shown[0]["by"]
    assert kept[:9] == [each["at_ms"] for each in shown[1:]]


def test_a_start_compiles_nothing(shop: InstalledStore) -> None:
    """What the processes import until all is ready was compiled when the installation was signed."""
    shop.tpayd("down")
    shop.tpayd("up", "--wait")
    arguments = Path(f"/proc/{processes_of(shop.instance.home)[0]}/cmdline").read_text(encoding="utf-8").split("\0")
    private = next(Path(text.partition("=")[2]) for text in arguments if text.startswith("pycache_prefix="))
    index, _, _ = (shop.installation.root / ARCHIVE_NAME).read_bytes().partition(b"\n")
    above = {"environment": shop.installation.root.relative_to("/"), "system": Path()}
    packed = {private / above[place] / name for place, name, _ in json.loads(index)}

    assert packed
    assert set() == set(private.rglob("*.pyc")) - packed

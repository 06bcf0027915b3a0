"""A release for a sandbox, to try an update with: the next version, made from the very wheels that are installed.

    python -m ops.release.demo INSTANCE --wheel build/wheel/tpayd-*.whl --dependencies build/wheels

It becomes a repository in INSTANCE/sandbox/updates, which the process sandbox_updates serves; its root of trust is
pinned in INSTANCE/config. All keys are thrown away at the end: nothing else can be signed with them. No network.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import tomlkit
from securesystemslib.signer import CryptoSigner

from ops.release.errors import ReleaseToolError
from ops.release.next_version import rewritten_wheel
from ops.release.publishing import publish
from ops.release.releasing import add_release_files, describe_release
from ops.release.workshop import Workshop
from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import Instance
from tpayd.kit.toml_edit import dumps, put_value
from tpayd.updater.release import Version

__all__ = ["demo_release", "main"]

_CHANGELOG = {
    "en": "* The same tpayd under the next number, to try an update with.\n* It comes from this machine alone.\n",
    "ko": "* 업데이트를 시험하기 위한, 번호만 다른 같은 tpayd입니다.\n* 이 컴퓨터에서만 제공됩니다.\n",
}
_SIGNERS = ("a", "b", "c", "targets", "releases", "online")
_PORT = 7721


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 refused, 2 wrong use."""
    parser = argparse.ArgumentParser(
        prog="demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("instance", type=Path, help="a sandbox that `tpayd init --sandbox` has made")
    parser.add_argument("--wheel", type=Path, required=True, help="of tpayd, as it is installed")
    parser.add_argument("--dependencies", type=Path, required=True, help="a directory with the wheels of all it needs")
    parser.add_argument("--version", help="of the release; left out: the next one")
    told = parser.parse_args(arguments)
    try:
        version = demo_release(told.instance, told.wheel, sorted(told.dependencies.glob("*.whl")), told.version)
    except (ReleaseToolError, OSError, ValueError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"tpayd {version} is offered to {told.instance}: tpayd update check")
    return 0


def demo_release(home: Path, wheel: Path, dependencies: list[Path], version: str | None = None) -> str:
    """Offer a release to a sandbox that does not run yet. Returns its version. Raises ReleaseToolError, OSError."""
    instance = Instance.open(home)
    store = tomlkit.parse((instance.config / "store.toml").read_text(encoding="utf-8")).unwrap()
    if not store.get("sandbox"):
        raise ReleaseToolError(f"{home} is not a sandbox: a live store gets its releases from its vendor")
    version = version or _next(wheel)
    repository = instance.sandbox / "updates"
    shutil.rmtree(repository, ignore_errors=True)
    with tempfile.TemporaryDirectory() as made:
        own = rewritten_wheel(wheel, version, Path(made))
        _publish(repository, [own, *dependencies], Path(made) / "release.json")
    replace_file(instance.config / "updates_root.json", (repository / "metadata" / "1.root.json").read_bytes(), 0o640)
    _tell_updater(instance)
    return version


def _publish(repository: Path, wheels: list[Path], description: Path) -> None:
    keys = {name: CryptoSigner.generate_ed25519() for name in _SIGNERS}
    workshop = Workshop.make(
        repository, root_keys=[keys[name].public_key for name in "abc"], threshold=2,
        targets_key=keys["targets"].public_key, releases_key=keys["releases"].public_key,
        online_key=keys["online"].public_key,
    )  # fmt: skip
    release = describe_release(
        wheels, min_from="0.1.0", changelog=_CHANGELOG, published_at=datetime.now(UTC)
    )  # fmt: skip
    workshop.put("releases", add_release_files(release, wheels, description, None))
    for name in ("a", "b", "targets", "releases"):
        for role in workshop.roles():
            if workshop.may_sign(role, keys[name]):
                workshop.sign(role, keys[name])
    publish(workshop, keys["online"])


def _tell_updater(instance: Instance) -> None:
    served = tomlkit.parse((instance.config / "sandbox_updates.toml").read_text(encoding="utf-8")).unwrap()
    path = instance.config / "updater.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    put_value(document, "repository_url", f"http://127.0.0.1:{served.get('port', _PORT)}")
    replace_file(path, dumps(document).encode(), path.stat().st_mode & 0o777)


def _next(wheel: Path) -> str:
    version = Version.parse(wheel.name.split("-")[1])
    return str(Version(version.major, version.minor, version.patch + 1))


if __name__ == "__main__":
    sys.exit(main())

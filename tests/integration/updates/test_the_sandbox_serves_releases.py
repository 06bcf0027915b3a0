"""The process sandbox_updates: a real server of releases, which fails when it is told to and tells what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.release.demo import demo_release
from ops.release.errors import ReleaseToolError
from tests.harness import Store
from tests.unit.release.conftest import small_wheel
from tpayd.updater.errors import InterruptedDownloadError
from tpayd.updater.machine import supported_tags
from tpayd.updater.patience import Limits
from tpayd.updater.trusted import TrustedRepository
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox_updates import (
    UPDATES_SET,
    UPDATES_STATUS,
    SetUpdatesServer,
    UpdatesBehaviour,
    UpdatesFault,
)


def test_the_demos_release_is_fetched(tmp_path: Path) -> None:
    """As `make demo` offers it: the next version, by the pinned root, cut once and whole after that."""
    with Store(tmp_path, services=("sandbox_updates",)) as store:
        version = demo_release(store.instance.home, small_wheel(tmp_path, "0.1.0"), [])
        store.wait_ready("sandbox_updates")
        status = store.ask("sandbox_updates", UPDATES_STATUS, Empty())
        root = (store.instance.config / "updates_root.json").read_bytes()
        client = TrustedRepository(tmp_path / "updates", status.url, root, Limits(tries=1))
        cut = UpdatesBehaviour(UpdatesFault.CUT, "targets/wheels/*", at_bytes=100)
        store.ask("sandbox_updates", UPDATES_SET, SetUpdatesServer(cut))
        wheels = client.releases()[0].wheels_for(supported_tags())

        with pytest.raises(InterruptedDownloadError):
            client.fetch_wheels(wheels)
        store.ask("sandbox_updates", UPDATES_SET, SetUpdatesServer(UpdatesBehaviour()))
        fetched = client.fetch_wheels(wheels)

        assert "0.1.1" == version
        assert [f"tpayd-{version}-py3-none-any.whl"] == [path.name for path in fetched]
        updater = (store.instance.config / "updater.toml").read_text(encoding="utf-8")
        assert f'repository_url = "{status.url}"' in updater


def test_a_live_store_gets_no_demo(tmp_path: Path) -> None:
    """Its releases come from its vendor."""
    store = Store(tmp_path)
    file = store.instance.config / "store.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("sandbox = true", "sandbox = false"), encoding="utf-8")

    with pytest.raises(ReleaseToolError, match="is not a sandbox"):
        demo_release(store.instance.home, small_wheel(tmp_path, "0.1.0"), [])

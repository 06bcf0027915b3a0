"""config/gateway.toml shows every setting with its default."""

from __future__ import annotations

import tomllib

from tpayd.gateway.settings import GatewaySettings
from tpayd.kit.settings import load
from tpayd.shipped import shipped

FILE = shipped("config") / "gateway.toml"


def test_every_setting_stands_in_it_with_its_default() -> None:
    """But for the port of /metrics, which each service has its own of."""
    shown = load(FILE, GatewaySettings)
    defaults = GatewaySettings()
    assert set(GatewaySettings.__struct_fields__) == set(tomllib.loads(FILE.read_text()))
    assert {"metrics_port"} == {
        name for name in GatewaySettings.__struct_fields__ if getattr(shown, name) != getattr(defaults, name)
    }


def test_every_line_says_its_default_and_its_unit() -> None:
    """`Default …` in the comment."""
    settings = [line for line in FILE.read_text().splitlines() if "=" in line and not line.startswith("#")]
    assert [] == [line for line in settings if "Default" not in line]

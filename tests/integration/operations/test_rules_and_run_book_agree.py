"""Alert rules, their tests, the run book, the dashboards and the list of metrics name the same things."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.harness.prometheus import PROMTOOL, REASON
from tests.integration.operations.documented import documented

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "ops" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
RULE_TESTS = sorted((PROMETHEUS / "tests").glob("*.test.yml"))
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in RULES)
ALERTS = re.findall(r"- alert: (\w+)", TEXT)
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)
DASHBOARDS = sorted((ROOT / "ops" / "grafana" / "dashboards").glob("*.json"))
_SUFFIX = re.compile(r"_(bucket|sum|count)$")

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason=REASON)


def promtool(*arguments: str, cwd: Path) -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


@needs_promtool
def test_the_rules_are_well_formed() -> None:
    """As promtool reads them, with the configuration that names them."""
    promtool("check", "rules", *map(str, RULES), cwd=PROMETHEUS)
    promtool("check", "config", "--syntax-only", "prometheus.yml", cwd=PROMETHEUS)


@needs_promtool
@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda path: path.stem)
def test_each_fault_raises_its_alert_and_no_other(file: Path) -> None:
    """And a healthy store raises nothing."""
    promtool("test", "rules", file.name, cwd=file.parent)


def test_every_alert_has_a_test() -> None:
    """A rule that never fired may never fire."""
    tested = "".join(path.read_text(encoding="utf-8") for path in RULE_TESTS)
    assert [] == [alert for alert in ALERTS if f'alertname="{alert}"' not in tested]


def test_every_alert_has_its_section_in_the_run_book() -> None:
    """In the same order, and linked to from the rule; the links within the run book lead somewhere."""
    assert ALERTS == SECTIONS
    assert [f"docs/runbook.md#{alert.lower()}" for alert in ALERTS] == re.findall(r"runbook_url: (\S+)", TEXT)
    assert set() == set(re.findall(r"\]\(#(\w+)\)", RUNBOOK)) - {section.lower() for section in SECTIONS}


def test_every_alert_says_how_urgent_it_is() -> None:
    """page: somebody gets up; ticket: tomorrow will do."""
    assert len(ALERTS) == len(re.findall(r"labels: \{severity: (?:page|ticket)\}", TEXT))


def test_commands_of_the_run_book_exist() -> None:
    """The first words of each `tpayd …` are a command."""
    from tpayd.cli.main import tpayd

    known = set(tpayd.list_commands(None))  # type: ignore[arg-type]
    named = set(re.findall(r"`tpayd ([a-z-]+)", RUNBOOK))
    assert set() == named - known


@pytest.mark.parametrize("file", [*RULES, *DASHBOARDS], ids=lambda path: path.name)
def test_what_is_asked_for_is_documented(file: Path) -> None:
    """No rule and no panel asks for a metric that is not in docs/metrics.md."""
    text = file.read_text(encoding="utf-8")
    recorded = set(re.findall(r"record: (\S+)", TEXT))
    asked = {name for name in re.findall(r"(?<![\w:])(?:tpayd_\w+)", text) if f"name: {name}" not in text}
    listed = documented()

    missing = {name for name in asked if name not in listed and _SUFFIX.sub("", name) not in listed}
    assert set() == missing
    assert recorded >= set(re.findall(r"\w+:tpayd_\w+:\w+", text))


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_is_whole(file: Path) -> None:
    """Panels have ids of their own, ask the data source that is chosen, and do not lie on each other."""
    dashboard = json.loads(file.read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    places = [
        (x, y)
        for panel in panels
        for grid in (panel["gridPos"],)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert file.stem == dashboard["uid"]
    assert len(panels) == len({panel["id"] for panel in panels})
    assert {"${datasource}"} == {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"}
    assert len(places) == len(set(places))

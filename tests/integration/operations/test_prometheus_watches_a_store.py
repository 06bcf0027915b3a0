"""A real Prometheus reads a real store: metrics are documented, dashboards have data, faults raise their alerts."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from tests.harness.base import ALL_SERVICES
from tests.harness.prometheus import PROMETHEUS, PROMTOOL, REASON, Prometheus, scrape
from tests.harness.store import Store
from tests.harness.waiting import eventually
from tests.integration.operations.documented import described, documented
from tpayd.cli.main import tpayd
from tpayd.cli.output import Output
from tpayd.kit.clock import SystemClock
from tpayd.kit.instance import HOME_VARIABLE
from tpayd.kit.scrape_target import targets_directory
from tpayd.supervision.control import ProcessInfo, ProcessState
from tpayd.supervision.watch_figures import WatchFigures
from tpayd_client import TpaydError
from tpayd_contracts.sandbox import HostMode

pytestmark = pytest.mark.skipif(PROMETHEUS is None or PROMTOOL is None, reason=REASON)

OPS = Path(__file__).parents[3] / "ops"
RULES = sorted((OPS / "prometheus" / "rules").glob("*.yml"))
DASHBOARDS = sorted((OPS / "grafana" / "dashboards").glob("*.json"))
WAIT_S = 60
SERVICES = (*ALL_SERVICES, "updater", "log_shipper")
NOT_OURS = ("process_", "python_")


@dataclass
class Watched:
    store: Store
    prometheus: Prometheus
    watch: WatchFigures
    """The watchdog's, served by the test in its place."""

    def scrapes(self) -> dict[str, str]:
        """What each process serves now."""
        found: dict[str, str] = {}
        for file in targets_directory(self.store.instance.home).glob("*.json"):
            (group,) = json.loads(file.read_text())
            found[file.stem] = scrape(int(group["targets"][0].rpartition(":")[2]))
        return found

    def fires(self, *alerts: str) -> None:
        """Wait until these alerts fire."""
        eventually(
            lambda: set(alerts) <= self.prometheus.firing(),
            timeout_s=WAIT_S,
            what=lambda: f"{alerts}; there fire {self.prometheus.firing()}",
        )


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A store that has sold a little: paid, declined, refused."""
    directory = tmp_path_factory.mktemp("watched")
    with ExitStack() as stack:
        settings = {"transaction": {"reversal_waits_s": [0.2]}}
        store = stack.enter_context(Store(directory, services=SERVICES, settings=settings))
        watch = WatchFigures(store.instance, "0.1.0", SystemClock())
        watch.serve(structlog.get_logger())
        stack.callback(watch.close)
        watch.round(_seen(store))
        quick = [_quick(rules, directory) for rules in RULES]
        targets = targets_directory(store.instance.home)
        prometheus = stack.enter_context(Prometheus(directory / "prometheus", targets, quick))
        store.wait_ready(degraded=True, timeout_s=90)
        store.open_shop(card="visa-ic")
        with store.client() as pos:
            for amount in (11_000, 12_000, 10_051):
                pos.sale(lane="1", amount=amount)
            with pytest.raises(TpaydError):
                pos.sale(lane="no such lane", amount=11_000)
        yield Watched(store, prometheus, watch)


def _seen(store: Store) -> list[ProcessInfo]:
    """The processes as supervisor would see them."""
    return [ProcessInfo(name, ProcessState.RUNNING, store[name].pid, 1, "") for name in store.running()]


def _quick(rules: Path, directory: Path) -> Path:
    """The same rules, without the time for which a fault must last."""
    copy = directory / rules.name
    copy.write_text(re.sub(r"\bfor: \S+", "for: 1s", rules.read_text(encoding="utf-8")), encoding="utf-8")
    return copy


def test_each_process_is_found_by_the_file_that_it_writes(watched: Watched) -> None:
    """Nobody lists targets by hand, and the ports are those that the system chose."""
    services = {*watched.store.running(), "watchdog"}
    eventually(
        lambda: services == {labels["service"] for labels, up in watched.prometheus.query("up") if up == 1},
        timeout_s=WAIT_S,
        what="all targets up",
    )


def test_the_documented_list_is_what_processes_serve(watched: Watched) -> None:
    """docs/metrics.md: type, labels and meaning of each, none too many. A failure shows the rows as they should be."""
    listed = documented()
    served = {
        name: found
        for text in watched.scrapes().values()
        for name, found in sorted(described(text).items(), key=lambda each: each[1][1])
        if not name.startswith(NOT_OURS)
    }
    wrong = [
        one.row
        for name, (one, sampled) in served.items()
        if name not in listed
        or (one.type, one.text) != (listed[name].type, listed[name].text)
        or (sampled and one.labels != listed[name].labels)
    ]

    assert [] == wrong
    assert set() == listed.keys() - served.keys()


def test_every_scrape_passes_promtools_rules(watched: Watched) -> None:
    """Names, units and types as Prometheus wants them."""
    assert PROMTOOL is not None
    for service, text in watched.scrapes().items():
        check = subprocess.run(
            [PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
        )
        assert (0, "", "") == (check.returncode, check.stdout, check.stderr), service


def test_no_label_holds_a_card_an_id_or_an_amount(watched: Watched) -> None:
    """Labels are words of the code and names of the settings."""
    texts = "".join(watched.scrapes().values())
    values = set(re.findall(r'="([^"]*)"', texts))

    assert [] == [value for value in values if re.search(r"[0-9]{6}|[0-9a-f]{8}-[0-9a-f]{4}", value)]
    assert [] == [number for number in watched.store.card_numbers() if number in texts]


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_loads_with_data(watched: Watched, file: Path) -> None:
    """Each query of each panel gives something in a store that has sold."""
    expressions = [
        target["expr"].replace("$store", ".*")
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", ())
    ]
    empty = set(expressions)

    def all_have_data() -> bool:
        empty.difference_update({each for each in empty if watched.prometheus.query(each)})
        return not empty

    assert expressions
    eventually(all_have_data, timeout_s=WAIT_S, what=lambda: f"data for {sorted(empty)}")


def test_metrics_at_the_command_line(watched: Watched, tmp_path: Path) -> None:
    """Where they are, what they say, and a configuration that Prometheus takes as it is."""
    home = str(watched.store.instance.home)

    def run(*arguments: str) -> Result:
        return CliRunner(env={HOME_VARIABLE: home}).invoke(tpayd, ["metrics", *arguments], obj=Output())

    targets = json.loads(run("targets", "--json").stdout)["targets"]
    shown = json.loads(run("show", "transaction", "--match", "needs_human", "--json").stdout)["samples"]
    written = json.loads(run("setup", str(tmp_path), "--runbook-base", "https://wiki.example/", "--json").stdout)
    unknown = run("show", "nobody")

    assert {*watched.store.running(), "watchdog"} == {each["process"] for each in targets}
    assert {True} == {each["answers"] for each in targets}
    assert {"tpayd_transaction_needs_human"} == {each["name"] for each in shown}
    assert (True, True) == (unknown.exit_code != 0, "transaction" in unknown.output)
    rules = (tmp_path / "prometheus" / "rules" / "tpayd-alerts.yml").read_text()
    assert "runbook_url: https://wiki.example/docs/runbook.md#tpaydstoredown" in rules
    assert str(tmp_path / "grafana" / "dashboards" / "tpayd-store.json") in written["written"]
    assert PROMTOOL is not None
    check = subprocess.run(
        [PROMTOOL, "check", "config", str(tmp_path / "prometheus" / "prometheus.yml")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (0, False) == (check.returncode, "WARNING" in check.stdout), check.stdout + check.stderr


def test_alerts_fire_when_their_fault_is_made(watched: Watched) -> None:
    """One fault after the other, up to the death of the whole store; none of these alerts fires before."""
    store, prometheus = watched.store, watched.prometheus
    made = {
        "TpaydBadMac", "TpaydNeedsHuman", "TpaydReaderDown", "TpaydProcessGivenUp", "TpaydHostLineDown",
        "TpaydHostLineLost", "TpaydProcessDown", "TpaydProcessMissing", "TpaydStoreDown",
    }  # fmt: skip
    eventually(lambda: not made & prometheus.firing(), timeout_s=WAIT_S, what=lambda: f"quiet: {prometheus.firing()}")

    store.sandbox.host(HostMode.BAD_MAC)
    with store.client() as pos:
        pos.sale(lane="1", amount=13_000)
    store.sandbox.unplug("reader-2")
    watched.watch.given_up("host_link")
    watched.fires("TpaydBadMac", "TpaydNeedsHuman", "TpaydReaderDown", "TpaydProcessGivenUp", "TpaydLauncherDown")

    store.kill("sandbox_host")
    store.kill("gateway")
    (targets_directory(store.instance.home) / "watchdog.json").unlink()
    watched.fires("TpaydHostLineDown", "TpaydHostLineLost", "TpaydProcessDown", "TpaydProcessMissing")
    assert "TpaydStoreDown" not in prometheus.firing()

    for service in store.running():
        store.kill(service)
    watched.fires("TpaydStoreDown")

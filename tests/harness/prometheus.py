"""A real Prometheus (Debian package) that scrapes a store of a test by the files that the store itself writes."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.harness.ports import free_ports
from tests.harness.waiting import eventually

PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
REASON = "needs the Debian package prometheus"

_END_WAIT_S = 15.0


class Prometheus:
    """Scrapes and evaluates every second, so that a test need not wait; started by `with`."""

    def __init__(self, directory: Path, targets: Path, rules: Sequence[Path] = ()) -> None:
        """`targets` is the directory of target files, `rules` are rule files."""
        directory.mkdir(exist_ok=True)
        self._directory = directory
        (self._port,) = free_ports(1)
        self._config = directory / "prometheus.yml"
        listed = "".join(f'\n  - "{path}"' for path in rules)
        self._config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            + (f"rule_files:{listed}\n" if rules else "")
            + "scrape_configs:\n"
            "  - job_name: tpayd\n"
            "    honor_labels: true\n"
            "    file_sd_configs:\n"
            f'      - files: ["{targets}/*.json"]\n'
            "        refresh_interval: 1s\n",
            encoding="utf-8",
        )
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        assert PROMETHEUS is not None
        with (self._directory / "prometheus.log").open("wb") as log:
            self._child = subprocess.Popen(
                [
                    PROMETHEUS,
                    f"--config.file={self._config}",
                    f"--storage.tsdb.path={self._directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually(self._ready, timeout_s=60, what="Prometheus ready")
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.terminate()
            try:
                self._child.wait(_END_WAIT_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """What an expression gives now: labels and value of each series. Raises ValueError for a wrong one."""
        answer = self._get("query", query=expression)
        result = answer["result"]
        if answer["resultType"] == "scalar":
            return [({}, float(result[1]))]
        return [(each["metric"], float(each["value"][1])) for each in result]

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        return {each["labels"]["alertname"] for each in self._get("alerts")["alerts"] if each["state"] == "firing"}

    def rules(self) -> list[dict[str, Any]]:
        """All rules as Prometheus has understood them."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, what: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/{what}?{query}", timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(f"{parameters}: {error.read().decode(errors='replace')}") from None

    def _ready(self) -> bool:
        assert self._child is not None
        assert self._child.poll() is None, (self._directory / "prometheus.log").read_text(errors="replace")[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:  # 503 while it starts; the answer holds a socket
            error.close()
            return False
        except OSError:
            return False


def scrape(port: int) -> str:
    """The metrics of one process as text."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        return answer.read().decode()  # type: ignore[no-any-return]

"""`tpayd metrics`: where the metrics are, what they say, and all that Prometheus and Grafana need."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.kit.scrape_target import targets_directory
from tpayd.shipped import shipped

__all__ = ["metrics"]

_ANSWER_WAIT_S = 3.0
_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?P<labels>\{.*\})? (?P<value>\S+)$")
_INSTANCE_PATH = "/var/lib/tpayd/metrics"
_RUNBOOK_PATH = "docs/runbook.md"


@dataclass(frozen=True)
class _Target:
    service: str
    address: str
    group: dict[str, object]

    def read(self) -> str | None:
        """Its metrics as text; None where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=_ANSWER_WAIT_S) as answer:
                return answer.read().decode()  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            error.close()
            return None
        except OSError:
            return None


@click.group()
def metrics() -> None:
    """Metrics of all processes, for Prometheus and for people.

    \b
    Examples:
      tpayd metrics targets
      tpayd metrics show --match reversals
      tpayd metrics setup ~/monitoring
    """


@metrics.command("targets")
@click.option("--file-sd", is_flag=True, help="Print them as Prometheus' file_sd_configs reads them, in one file.")
@json_option
@pass_output
def targets(output: Output, file_sd: bool) -> int:
    """List where each process's metrics are, and whether it answers.

    \b
    Examples:
      tpayd metrics targets
      tpayd metrics targets --file-sd > /etc/prometheus/targets/tpayd.json
    """
    found = _targets()
    if file_sd:
        output.text(json.dumps([target.group for target in found], indent=1))
        return Exit.OK
    texts = _read(found)
    rows = [
        (target.service, target.address, "answers" if text is not None else "does not answer")
        for target, text in zip(found, texts, strict=True)
    ]
    data = {
        "targets": [
            {"process": target.service, "address": target.address, "answers": text is not None}
            for target, text in zip(found, texts, strict=True)
        ]
    }
    output.result(data, lambda: output.table(("PROCESS", "ADDRESS", "STATE"), rows))
    return Exit.OK if None not in texts else Exit.NO


@metrics.command("show")
@click.argument("services", nargs=-1)
@click.option("--match", default="", help="Only metrics whose name has this in it.")
@json_option
@pass_output
def show(output: Output, services: tuple[str, ...], match: str) -> int:
    """Show the metrics of SERVICES, else of all, as they are now; without the buckets of histograms.

    \b
    Examples:
      tpayd metrics show transaction
      tpayd metrics show --match reversals
    """
    found = _targets()
    unknown = set(services) - {target.service for target in found}
    if unknown:
        known = ", ".join(target.service for target in found)
        raise CommandError(f"no metrics of {', '.join(sorted(unknown))}; there are: {known}", Exit.USAGE)
    chosen = [target for target in found if not services or target.service in services]
    samples = [
        {"process": target.service, "name": each["name"], "labels": each["labels"] or "", "value": each["value"]}
        for target, text in zip(chosen, _read(chosen), strict=True)
        for line in (text or "").splitlines()
        if (each := _SAMPLE.match(line)) and match in each["name"] and not each["name"].endswith("_bucket")
    ]
    rows = [(each["process"], each["name"] + each["labels"], each["value"]) for each in samples]
    output.result({"samples": samples}, lambda: output.table(("PROCESS", "METRIC", "VALUE"), rows))
    return Exit.OK if samples else Exit.NO


@metrics.command("setup")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--runbook-base", default="", help="Your own address of the documentation, put before docs/runbook.md.")
@json_option
@pass_output
def setup(output: Output, directory: Path, runbook_base: str) -> int:
    """Write into DIRECTORY what Prometheus and Grafana need for this instance: configuration, rules, dashboards.

    Files that are there already are replaced.

    \b
    Examples:
      tpayd metrics setup ~/monitoring
      prometheus --config.file ~/monitoring/prometheus/prometheus.yml
    """
    home = open_house().instance.home
    written: list[str] = []
    try:
        for part in ("prometheus", "grafana"):
            source = shipped(f"ops/{part}")
            for path in sorted(source.rglob("*")):
                relative = path.relative_to(source)
                if not path.is_file() or relative.parts[0] == "tests":
                    continue
                text = path.read_text(encoding="utf-8").replace(_INSTANCE_PATH, str(targets_directory(home)))
                if runbook_base:
                    text = text.replace(_RUNBOOK_PATH, f"{runbook_base.rstrip('/')}/{_RUNBOOK_PATH}")
                target = directory / part / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
                written.append(str(target))
    except OSError as error:
        raise CommandError(f"{directory} cannot be written: {error.strerror}", Exit.FAILED) from error
    output.result({"written": written}, lambda: output.line("\n".join(written)))
    return Exit.OK


def _targets() -> list[_Target]:
    """Of this instance, by name. Raises CommandError where none has ever been served."""
    directory = targets_directory(open_house().instance.home)
    found: list[_Target] = []
    for path in sorted(directory.glob("*.json")):
        try:
            (group,) = json.loads(path.read_text(encoding="utf-8"))
            found.append(_Target(path.stem, group["targets"][0], group))
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            raise CommandError(
                f"{path} is not readable: {error}; delete it and restart {path.stem}", Exit.FAILED, code="damaged"
            ) from error
    if not found:
        raise CommandError(
            f"no process has served metrics yet ({directory}); start the daemon: tpayd up", Exit.NOT_RUNNING
        )
    return found


def _read(found: list[_Target]) -> list[str | None]:
    with ThreadPoolExecutor(max(1, len(found))) as pool:
        return list(pool.map(_Target.read, found))

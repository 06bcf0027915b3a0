"""What a process counts, read as Prometheus would."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from tests.harness import Store


def counted(store: Store, service: str, name: str, **labels: str) -> float:
    """A sample's value; 0 where there is none."""
    port = store.instance.run_file(service, "metrics").read_text().strip()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def dropped(store: Store, kind: str) -> float:
    return counted(store, "host_link", "tpayd_host_link_dropped_messages_total", kind=kind)


def ended(store: Store, outcome: str) -> float:
    return counted(store, "host_link", "tpayd_host_link_exchanges_total", outcome=outcome)

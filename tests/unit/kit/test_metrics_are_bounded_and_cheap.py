"""Metrics: on loopback only, with labels that cannot grow, and cheap where payments pass."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tpayd.kit.bus import BusStats
from tpayd.kit.metrics import Metrics
from tpayd.kit.noted import AT_ONCE


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    metrics = Metrics("gateway", "1.2.3")
    yield metrics
    metrics.close()


def scrape(metrics: Metrics, tmp_path: Path) -> dict[str, float]:
    port = metrics.serve(0, tmp_path / "gateway.metrics")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_requests_are_counted_by_operation_and_code(metrics: Metrics, tmp_path: Path) -> None:
    """Rate, errors and duration of every operation, by the names that dashboards use."""
    stats: BusStats = metrics.requests
    stats.served("payment.sale", "ok", 0.002)
    stats.served("payment.sale", "ok", 70.0)
    stats.served("payment.sale", "busy", 0.0001)
    stats.called("transaction", "payment.sale", "timeout", 1.0)
    stats.dropped("late_answer")
    stats.open_requests("ipc", 1)
    stats.open_requests("tcp", 2)
    seen = scrape(metrics, tmp_path)

    labels = 'op="payment.sale",service="gateway"'
    assert 2 == seen[f'tpayd_requests_total{{code="ok",{labels}}}']
    assert 1 == seen[f'tpayd_requests_total{{code="busy",{labels}}}']
    assert 3 == seen[f"tpayd_requests_seconds_count{{{labels}}}"]
    assert 1 == seen[f'tpayd_requests_seconds_bucket{{le="0.0001",{labels}}}']
    assert 2 == seen[f'tpayd_requests_seconds_bucket{{le="0.0025",{labels}}}']
    assert 2 == seen[f'tpayd_requests_seconds_bucket{{le="60.0",{labels}}}']
    assert 3 == seen[f'tpayd_requests_seconds_bucket{{le="+Inf",{labels}}}']
    assert 1 == seen['tpayd_calls_total{code="timeout",op="payment.sale",peer="transaction",service="gateway"}']
    assert 1 == seen['tpayd_bus_dropped_total{service="gateway",what="late_answer"}']
    assert 3 == seen['tpayd_bus_open_requests{service="gateway"}']


def test_nothing_is_lost_between_scrapes(metrics: Metrics, tmp_path: Path) -> None:
    """Requests are noted, and counted many at once: one that was just noted is in the next scrape, and once."""
    first, second = 3, 2 * AT_ONCE
    for _ in range(first):
        metrics.requests.served("payment.sale", "ok", 0.002)
    before = scrape(metrics, tmp_path)
    metrics.close()
    for _ in range(second):
        metrics.requests.served("payment.sale", "ok", 0.002)
    after = scrape(metrics, tmp_path)

    name = 'tpayd_requests_total{code="ok",op="payment.sale",service="gateway"}'
    assert (first, first + second) == (before[name], after[name])


def test_unknown_names_make_no_new_series(metrics: Metrics, tmp_path: Path) -> None:
    """Nobody can fill the memory with made-up operations."""
    for number in range(10_000):
        metrics.requests.served(f"made.up.{number}", f"code {number}", 0.1)
        metrics.requests.called(f"peer {number}", f"op {number}", "ok", 0.1)
        metrics.requests.dropped(f"reason {number}")
    seen = scrape(metrics, tmp_path)

    assert 10_000 == seen['tpayd_requests_total{code="other",op="other",service="gateway"}']
    assert 10_000 == seen['tpayd_calls_total{code="ok",op="other",peer="other",service="gateway"}']
    assert len([name for name in seen if name.startswith("tpayd_")]) < 120


def test_a_request_costs_a_few_microseconds_at_most(metrics: Metrics) -> None:
    """Counting must not show in a hop of some 16 µs; the bound leaves room for a busy machine."""
    rounds = 20_000
    best_us = min(_time_us(metrics, rounds) for _ in range(3))

    assert best_us < 8


def _time_us(metrics: Metrics, rounds: int) -> float:
    started = time.perf_counter()
    for _ in range(rounds):
        metrics.requests.served("payment.sale", "ok", 0.002)
    return (time.perf_counter() - started) / rounds * 1e6


def test_a_services_own_metrics_carry_its_name(metrics: Metrics, tmp_path: Path) -> None:
    """`tpayd_<service>_<what>_<unit>`."""
    metrics.counter("refused", "Clients refused", ["why"]).labels("no_key").inc()
    metrics.gauge("clients", "Clients connected").set(4)
    metrics.histogram("relay_seconds", "Time to relay").observe(0.1)
    metrics.watch("loop_lag_seconds", "Longest delay", lambda: 0.5)
    seen = scrape(metrics, tmp_path)

    assert 1 == seen['tpayd_gateway_refused_total{why="no_key"}']
    assert 4 == seen["tpayd_gateway_clients"]
    assert 1 == seen["tpayd_gateway_relay_seconds_count"]
    assert 0.5 == seen['tpayd_loop_lag_seconds{service="gateway"}']
    assert any(name.startswith("tpayd_build_info{") and 'version="1.2.3"' in name for name in seen)
    assert "process_resident_memory_bytes" in seen


def test_metrics_are_served_on_loopback_only(metrics: Metrics, tmp_path: Path) -> None:
    """Figures of a store are nobody's business on the network; the port stands in the port file."""
    port = metrics.serve(0, tmp_path / "gateway.metrics")

    assert f"{port}\n" == (tmp_path / "gateway.metrics").read_text()
    bound = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [f"0100007F:{port:04X}"] == [address for address in bound if address.endswith(f":{port:04X}")]


def test_closing_frees_the_port_and_removes_the_file(metrics: Metrics, tmp_path: Path) -> None:
    """A restarted process finds its port free, and nobody reads a port that is gone."""
    port = metrics.serve(0, tmp_path / "gateway.metrics")
    metrics.close()

    assert not (tmp_path / "gateway.metrics").exists()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))

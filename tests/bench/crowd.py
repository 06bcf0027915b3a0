"""`python -m tests.bench.crowd [--clients 10000] [--lanes 200] [--readers 64]`: one store at its largest.

How long it takes to start, how much memory its processes take, how long a client waits for its HELLO, what the commands
on the list of clients take, and what sales notice while that list is changed under them, ten times in five seconds.

The last line of the output is for scripts: `bench-crowd: start_s=… memory_mib=… gateway_mib=… hello_p50_ms=…
curve_p50_ms=… list_s=… add_s=… remove_s=… sale_p99_ms=… sale_p99_changing_ms=…`
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench.overload.__main__ import play, started
from tests.bench.overload.tally import percentile_ms
from tests.harness import Store
from tests.harness.command_line import tpayd
from tpayd.gateway.client_list import Client, with_client
from tpayd.gateway.clients import ClientRegistry
from tpayd.kit.bus.curve import new_keys
from tpayd_client import Pos, connect
from tpayd_contracts.operation import Right

_OVER_CURVE = 40
_HELLOS = 200
_PER_S = 100
_SECONDS = 5.0
_CHANGES = 10
_CHANGE_EVERY_S = 0.4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.crowd", description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--lanes", type=int, default=200)
    parser.add_argument("--readers", type=int, default=64)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tpayd-bench-") as name,
        started(Path(name), options.lanes, options.readers, {"gateway": {"max_sessions": 1024}}) as store,
    ):
        told = measure(store, options.lanes, options.clients)
    for figure, value in told.items():
        print(f"{figure:22} {value:,.3f}")
    print("bench-crowd: " + " ".join(f"{figure}={value:.3g}" for figure, value in told.items()))


def measure(store: Store, lanes: int, clients: int) -> dict[str, float]:
    """Every figure by name."""
    _register(store, clients)
    told = {"start_s": _start_s(store)}
    memory = {name: _memory_mib(store[name].pid) for name in store.running()}
    told["memory_mib"] = sum(memory.values())
    told |= {f"{name}_mib": mebibytes for name, mebibytes in memory.items() if name in ("gateway", "transaction")}
    registry = ClientRegistry.open(store.instance)
    hellos = [_timed_s(lambda: _enter(store.client("till-1"))) * 1000 for _ in range(_HELLOS)]
    told |= {"hello_p50_ms": percentile_ms(hellos, 50), "hello_p99_ms": percentile_ms(hellos, 99)}
    keys = [registry.add(f"over-curve-{number}", ("1",), Right.POS) for number in range(_OVER_CURVE)]
    curve = [_timed_s(partial(_enter, connect(key_file=key))) * 1000 for key in keys]
    told["curve_p50_ms"] = percentile_ms(curve, 50)
    told["list_s"] = _command_s(store, "list")
    told["add_s"] = _command_s(store, "add", "newcomer", "--lane", "1")
    told["remove_s"] = _command_s(store, "remove", "newcomer")
    play(store, lanes, f"open:200:{lanes / 100}")
    sales = f"open:{_PER_S}:{_SECONDS}"
    quiet = play(store, lanes, sales).tallies
    changing = threading.Thread(target=_change, args=(registry,))
    changing.start()
    changed = play(store, lanes, sales).tallies
    changing.join()
    for when, tallies in (("", quiet), ("_changing", changed)):
        told |= {f"sale_p50{when}_ms": tallies[0].paid_ms(50), f"sale_p99{when}_ms": tallies[0].paid_ms(99)}
    wrong = [finding for tally in (*quiet, *changed) for finding in tally.findings()]
    if wrong:
        raise RuntimeError(f"sales that were not paid: {wrong}")
    return told


def _register(store: Store, clients: int) -> None:
    """So many more, as if each had been added by the command."""
    path = store.instance.home / "clients.toml"
    blocks = (
        with_client("", f"pos-{number}", Client(lanes=("1",), right=Right.POS, public_key=new_keys().public))
        for number in range(clients)
    )
    path.write_text(path.read_text() + "\n" + "\n".join(blocks))


def _start_s(store: Store) -> float:
    """From nothing that runs to a store that can sell: readers asked who they are, the line to the host signed on."""
    services = store.running()
    for service in services:
        store.kill(service)
    began_s = time.monotonic()
    store.start(*services)
    store.wait_ready()
    ready_s = time.monotonic() - began_s
    store.hold_cards("visa-tap")
    return ready_s


def _change(registry: ClientRegistry) -> None:
    for number in range(_CHANGES):
        registry.add(f"changing-{number}", ("1",), Right.POS, local_uid=os.getuid())
        time.sleep(_CHANGE_EVERY_S)


def _command_s(store: Store, *arguments: str) -> float:
    """`tpayd client …`, from the start of its process to the end."""
    began_s = time.monotonic()
    said = tpayd("client", *arguments, home=store.instance.home)
    if said.status:
        raise RuntimeError(f"tpayd client {' '.join(arguments)}: {said.err}")
    return time.monotonic() - began_s


def _enter(pos: Pos) -> None:
    """Connect, say HELLO, hear the answer."""
    with pos:
        pos.connect()


def _timed_s(do: Callable[[], object]) -> float:
    began_s = time.monotonic()
    do()
    return time.monotonic() - began_s


def _memory_mib(pid: int) -> float:
    """Memory of its own and shared, as the kernel counts what is there (VmRSS)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()

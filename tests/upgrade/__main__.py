"""Install a wheel, sell on eight lanes, go over to the next wheel, and count: `make upgrade-test`.

The installation is the one of the demo (`build/store`), signed; the next version comes from a TUF repository that the
sandbox serves, is fetched, verified, installed, signed, examined and gone over to, all by `tpayd update apply`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from ops.release.demo import demo_release
from tests.harness.ports import free_ports
from tests.harness.sandbox import Sandbox
from tests.harness.selling import SellingTill
from tpayd.kit.bus import ask
from tpayd.kit.instance import OWNER_CLIENT, Instance
from tpayd_client import Pos, connect
from tpayd_contracts.operation import Op

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)

_LANES = 8
_CARD = "visa-tap"
_LIMIT_S = 600


class Run:
    """One instance, by its installation's command line."""

    def __init__(self, home: Path, tpayd: Path) -> None:
        self.home = home
        self._tpayd = tpayd

    def tpayd(self, *arguments: str, check: bool = True) -> str:
        """What it says; fails where it fails."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TPAYD_")}
        done = subprocess.run(
            [str(self._tpayd), *arguments], capture_output=True, text=True, check=False, timeout=_LIMIT_S,
            env={**kept, "TPAYD_HOME": str(self.home)}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if check and done.returncode:
            raise SystemExit(f"tpayd {' '.join(arguments)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


def main() -> int:
    """Exit status 1 where a payment was lost, or the new version does not run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--installation", type=Path, required=True, help="with bin/tpayd")
    parser.add_argument("--wheel", type=Path, required=True, help="of what is installed there")
    parser.add_argument("--dependencies", type=Path, required=True, help="wheels")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tpayd-upgrade-") as directory:
        run = Run(Path(directory) / "store", told.installation / "bin" / "tpayd")
        try:
            return upgrade(run, told.wheel, sorted(told.dependencies.glob("*.whl")))
        finally:
            run.tpayd("down", "--limit", "60", check=False)


def upgrade(run: Run, wheel: Path, dependencies: list[Path]) -> int:
    base = free_ports(1)[0]
    run.tpayd("init", "--sandbox", "--lanes", str(_LANES), "--readers", str(_LANES), "--auto-card", _CARD,
              "--port-base", str(min(base, 60_000)))  # fmt: skip
    version = demo_release(run.home, wheel, dependencies)
    settings = run.home / "config" / "transaction.toml"
    text = settings.read_text(encoding="utf-8").splitlines()
    settings.write_text("\n".join("duplicate_window_s = 0" if line.startswith("duplicate_window_s") else line
                                  for line in text) + "\n", encoding="utf-8")  # fmt: skip
    run.tpayd("integrity", "sign")
    run.tpayd("up")
    run.tpayd("keys", "exchange", "--all")
    run.tpayd("wait-ready", "--timeout", "120")
    instance = Instance.open(run.home, create=False)

    def client(lane: int) -> Pos:
        log = instance.data / "requests" / f"upgrade-{lane}.jsonl"
        return connect(instance.public(), OWNER_CLIENT, request_log=log, connect_timeout_s=10.0)

    tills = [SellingTill(lambda lane=lane: client(lane), str(lane)) for lane in range(1, _LANES + 1)]  # type: ignore[misc]
    for till in tills:
        till.start()
    began_s = time.monotonic()
    said = run.tpayd("update", "apply", "--now")
    for till in tills:
        till.wait_sold_since(time.monotonic())
    took_s = time.monotonic() - began_s
    for till in tills:
        till.end()
    charged = charged_minor(instance)
    paid = sum(till.paid_minor for till in tills)
    faults = [fault for till in tills for fault in till.faults]
    pause_s = max(till.longest_pause_s for till in tills)
    print(said.strip())
    print(
        f"lanes {_LANES}, sales {sum(till.sales for till in tills)}, in {took_s:.0f} s; longest pause {pause_s:.1f} s"
    )
    print(f"told paid {paid}, charged {charged}, without a verdict {len(faults)}; runs {version}")
    return 0 if paid == charged and not faults else 1


def charged_minor(instance: Instance) -> int:
    """What all customers have paid in the end, by the host's book: all of it, page by page."""

    def asked(service: str, op: Op[Q, A], body: Q) -> A:
        return ask(instance.rpc(service), op, body, timeout_s=30.0)

    return sum(entry.net_minor for entry in Sandbox(asked).ledger())


if __name__ == "__main__":
    sys.exit(main())

"""Compile what the processes of an instance import, once, before they start all at once and each compile the same.

    python -I -X pycache_prefix=<the launcher's directory> -m tpayd.supervision.warm_up

The launcher runs it in a directory for bytecode that is new. Nothing depends on it but time.
"""

from __future__ import annotations

import importlib

from tpayd.supervision.programs import programs

__all__ = ["main"]

_AT_A_START = (
    "supervisor.process",
    "supervisor.rpcinterface",
    "supervisor.web",
    "tpayd.device_broker.drivers.neo",
    "tpayd.device_broker.drivers.stx",
    "tpayd.key_manager.providers.passphrase",
    "sqlalchemy.dialects.sqlite",
    "cryptography.hazmat.backends.openssl",
    "encodings.ascii",
    "encodings.idna",
)
"""What supervisord and the processes import once they run, by settings and configuration: each start would compile it
again, half a second of CPU while the store waits."""


def main() -> None:
    for name in (
        "supervisor.supervisord",
        "tpayd.supervision.watchdog",
        "tpayd.supervision.watching",
        *(each.module for each in programs(sandbox=True)),
        *_AT_A_START,
    ):
        module = importlib.import_module(name)
        if name.startswith("tpayd.") and hasattr(module, "__path__"):
            importlib.import_module(f"{name}.__main__")


if __name__ == "__main__":
    main()

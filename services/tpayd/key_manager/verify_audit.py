"""Check the audit chain of the key store, beside the running key manager or without it.

    python -m tpayd.key_manager.verify_audit [--home DIR] [--list]

Exit codes: 0 the chain holds, 1 it does not, 2 it could not be checked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tpayd.key_manager.audit import AuditEntry, AuditReport
from tpayd.key_manager.errors import KeyManagerError
from tpayd.key_manager.places import store_file
from tpayd.key_manager.secret_files import read_secret
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.key_manager.store import KeyStore
from tpayd.kit.instance import Instance, InstanceError
from tpayd.kit.settings import SettingsError, load

__all__ = ["main", "verify_instance"]


def verify_instance(instance: Instance) -> tuple[AuditReport, tuple[AuditEntry, ...]]:
    """Check an instance's chain: the verdict, and all entries that are there.

    Raises:
        SettingsError, SecretFileError, PassphraseError, StoreError: it could not be checked.
    """
    settings = load(instance.settings_file("key_manager"), KeyManagerSettings)
    passphrase = read_secret(instance.secrets / settings.passphrase_file)
    store = KeyStore.open(store_file(instance.data), passphrase, read_only=True)
    try:
        return store.verify(), store.entries()
    finally:
        store.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="verify_audit", description="Check the audit chain of the key store.")
    parser.add_argument("--home", type=Path, help="the instance directory")
    parser.add_argument("--list", action="store_true", help="print every entry")
    options = parser.parse_args(arguments)
    try:
        report, entries = verify_instance(Instance.open(options.home, create=False))
    except (KeyManagerError, InstanceError, SettingsError) as error:
        print(f"not checked: {error}", file=sys.stderr)
        return 2
    if options.list:
        for entry in entries:
            print(_line(entry))
    if report.holds:
        print(f"the audit chain holds: {report.count} entries")
        return 0
    print(f"the audit chain is broken after {report.count} entries: {report.problem}", file=sys.stderr)
    return 1


def _line(entry: AuditEntry) -> str:
    at = datetime.fromtimestamp(entry.at_ms / 1000, UTC).isoformat(timespec="seconds")
    return f"{entry.number:6d}  {at}  {entry.event:<16} {entry.key_id} {entry.detail}".rstrip()


if __name__ == "__main__":
    sys.exit(main())

"""Write supervisor's configuration for the processes of this very release: `python -m tpayd.supervision.prepare`.

The launcher runs it with the interpreter of the release that it is about to start. The updater runs it before, with
`--try`: then nothing is written but settings files that the instance has not yet, and every process's modules are
imported, which finds what cannot start and makes the bytecode that the start needs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import Instance, InstanceError
from tpayd.kit.settings import SettingsError
from tpayd.kit.store_settings import load_store
from tpayd.shipped import shipped
from tpayd.supervision import warm_up
from tpayd.supervision.conf import write_conf
from tpayd.supervision.programs import programs

__all__ = ["main"]

_CARDS = "sandbox_cards"
"""No settings, and made for a sandbox alone."""
_SETTINGS_MODE = 0o640


def main() -> int:
    """Exit status 1, with a sentence on stderr, where the release cannot run this instance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="the instance directory")
    parser.add_argument("--try", dest="only_try", action="store_true", help="start nothing of it")
    told = parser.parse_args()
    try:
        instance = Instance.open(told.home, create=False)
        store = load_store(instance.settings_file("store"))
        _add_settings(instance)
        if told.only_try:
            warm_up.main()
        else:
            if instance.users is not None:
                # Seldom needed, heavy, and the store stands still meanwhile.
                from tpayd.supervision.separation import settle  # noqa: PLC0415

                # A process that is new with this release has places of its own by the time it starts.
                settle(instance)
            write_conf(instance, programs(sandbox=store.sandbox))
    except (InstanceError, SettingsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _add_settings(instance: Instance) -> None:
    """A release may bring a process that the instance has no settings for: its model has every default."""
    for model in shipped("config").glob("*.toml"):
        path = instance.settings_file(model.stem)
        if model.stem != _CARDS and not path.exists():
            replace_file(path, model.read_bytes(), _SETTINGS_MODE)


if __name__ == "__main__":
    sys.exit(main())

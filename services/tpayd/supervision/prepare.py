"""Write supervisor's configuration for the processes of this very release: `python -m tpayd.supervision.prepare`.

The launcher runs it with the interpreter of the release that it is about to start.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tpayd.kit.instance import Instance, InstanceError
from tpayd.kit.settings import SettingsError
from tpayd.kit.store_settings import load_store
from tpayd.supervision.conf import write_conf
from tpayd.supervision.programs import programs

__all__ = ["main"]


def main() -> int:
    """Exit status 1, with a sentence on stderr, where the release cannot run this instance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    try:
        instance = Instance.open(parser.parse_args().home, create=False)
        store = load_store(instance.settings_file("store"))
        write_conf(instance, programs(sandbox=store.sandbox))
    except (InstanceError, SettingsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

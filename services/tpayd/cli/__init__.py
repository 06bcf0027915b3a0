"""The command line: `tpayd`. One file per group of commands, in `commands/`.

`pip install tpayd` is enough for a lane's PC (`sale`, `payment`); the store's machine has `tpayd[store]`.
"""

from tpayd.cli.main import main

__all__ = ["main"]

"""`python -m tpayd`: the command line, where its script is not in the path."""

from __future__ import annotations

from tpayd.cli import main

if __name__ == "__main__":
    main()

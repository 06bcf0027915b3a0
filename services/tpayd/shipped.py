"""Files that are shipped beside the code: the configuration's models, supervisor's templates."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped"]

_PACKAGE = Path(__file__).parent


def shipped(path: str) -> Path:
    """A folder of the source tree, such as `config`, wherever this installation keeps it.

    The wheel holds them inside the package, below `_shipped`; a source tree has them at its top.
    """
    packaged = _PACKAGE / "_shipped" / path
    return packaged if packaged.exists() else _PACKAGE.parents[1] / path

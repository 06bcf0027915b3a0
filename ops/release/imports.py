"""Which files a module needs of its own package, by what its source imports: for programs that take them elsewhere."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from ops.release.errors import ReleaseToolError

__all__ = ["files_needed"]


def files_needed(entry: str, source: Path, allowed: Collection[str] = ()) -> tuple[str, ...]:
    """The files below `source` that module `entry` is made of: each after those that it imports, itself the last.

    Imports for type checkers alone do not count, those inside functions do. Raises ReleaseToolError for what is neither
    in the same package as `entry`, nor in the standard library or `allowed` (top-level names); OSError.
    """
    needed: dict[str, None] = {}
    begun = set()

    def need(module: str) -> None:
        path = _file_of(module, source)
        if path is None or path in begun:
            return
        begun.add(path)
        # To import a module is to import the packages around it.
        need(module.rpartition(".")[0])
        for line, imported in _imports(path, module, source):
            top = imported.partition(".")[0]
            if top == entry.partition(".")[0]:
                need(imported)
            elif top not in sys.stdlib_module_names and top not in allowed:
                known = ", ".join(("the standard library", *sorted(allowed)))
                text = f"{path}, line {line}: imports {imported}; what {entry} is made of may import {known} alone"
                raise ReleaseToolError(text)
        needed[path] = None

    if _file_of(entry, source) is None:
        raise ReleaseToolError(f"there is no module {entry} below {source}")
    need(entry)
    return tuple(needed)


def _file_of(module: str, source: Path) -> str | None:
    """None where that is no module: `from package import name` may mean either."""
    path = PurePosixPath(*module.split("."))
    for each in (f"{path}.py", f"{path}/__init__.py"):
        if module and (source / each).is_file():
            return each
    return None


def _imports(path: str, module: str, source: Path) -> Iterator[tuple[int, str]]:
    package = module.split(".") if path.endswith("/__init__.py") else module.split(".")[:-1]
    for node in _run(ast.parse((source / path).read_bytes(), path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            around = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*around, *([node.module] if node.module else [])])
            yield node.lineno, origin
            yield from ((node.lineno, f"{origin}.{each.name}") for each in node.names)


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            yield from (each for other in node.orelse for each in (other, *_run(other)))
        else:
            yield node
            yield from _run(node)

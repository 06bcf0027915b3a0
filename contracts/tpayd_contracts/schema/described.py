"""Docstrings of fields and enum members.

Python drops a string that follows an assignment, so they are read from the source. What a field means is then written
once, beside the field, and reaches the schema from there.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import sys
from collections.abc import Iterator

__all__ = ["member_docs"]


def member_docs(owner: type) -> dict[str, str]:
    """The docstring of each field of a Struct, or member of an enum, that has one; one line each."""
    return dict(_docs_in(owner.__module__).get(owner.__qualname__, {}))


@functools.cache
def _docs_in(module: str) -> dict[str, dict[str, str]]:
    """Those of all classes of a module. A contract's module has dozens, and is parsed once, not for each of them."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {name: _docs_of(found) for name, found in _classes(tree.body, "")}


def _classes(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """By qualified name, also those that stand in a class, a function or a condition."""
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield f"{prefix}{statement.name}", statement
            yield from _classes(statement.body, f"{prefix}{statement.name}.")
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _classes(statement.body, f"{prefix}{statement.name}.<locals>.")
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _classes(statement.body, prefix)


def _docs_of(owner: ast.ClassDef) -> dict[str, str]:
    docs: dict[str, str] = {}
    for statement, follower in itertools.pairwise(owner.body):
        name = _assigned_name(statement)
        if name is None or not isinstance(follower, ast.Expr) or not isinstance(follower.value, ast.Constant):
            continue
        if isinstance(follower.value.value, str):
            docs[name] = " ".join(follower.value.value.split())
    return docs


def _assigned_name(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None

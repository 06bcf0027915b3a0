"""Docstrings of fields and enum members.

Python drops a string that follows an assignment, so they are read from the source. What a field means is then written
once, beside the field, and reaches the schema from there.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap

__all__ = ["member_docs"]


def member_docs(owner: type) -> dict[str, str]:
    """The docstring of each field of a Struct, or member of an enum, that has one; one line each."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    docs: dict[str, str] = {}
    for statement, follower in itertools.pairwise(body):
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

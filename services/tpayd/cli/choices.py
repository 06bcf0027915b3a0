"""Words of the contract at the command line: `mis-issue` there is `mis_issue` in the contract. Both are taken."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import click

from tpayd_client.wire import OpenEnum

__all__ = ["Word"]

E = TypeVar("E", bound=OpenEnum)


class Word(click.Choice, Generic[E]):  # type: ignore[type-arg]
    """One of an enum's values; gives the enum's member."""

    def __init__(self, words: type[E]) -> None:
        super().__init__([word.value.replace("_", "-") for word in words])
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> E:
        chosen = super().convert(str(value).replace("_", "-"), param, ctx)
        return self._words(str(chosen).replace("-", "_"))

"""What a command prints: for a person, for a pipe, or as JSON.

* In a terminal: rich tables, colours, live progress.
* Piped: plain lines, one fact each, without colours or boxes.
* With --json: one JSON document on standard output, and nothing else there; progress goes to standard error.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tpayd.cli.errors import OutputLostError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from rich.text import Text

__all__ = ["Output", "Steps", "json_option", "pass_output"]

F = TypeVar("F", bound=Callable[..., Any])


class Output:
    """One command's output."""

    def __init__(self) -> None:
        self.as_json = False

    @cached_property
    def console(self) -> Console:
        """Standard output."""
        return _console(sys.stdout)

    @cached_property
    def _aside(self) -> Console:
        return _console(sys.stderr)

    @property
    def live(self) -> bool:
        """Whether a person looks on while it happens."""
        return self.console.is_terminal and not self.as_json

    def result(self, data: Mapping[str, Any], show: Callable[[], None]) -> None:
        """The command's result: `data` with --json, else what `show` prints. Raises OutputLostError, as all here."""
        if self.as_json:
            self.text(json.dumps(data, ensure_ascii=False, indent=2))
        else:
            show()

    def text(self, text: str) -> None:
        """These characters and a line's end, as they are."""
        with _told():
            click.echo(text)

    def line(self, text: str | Text = "", *, style: str | None = None) -> None:
        """One line for a person; not part of the JSON."""
        if not self.as_json:
            with _told():
                self.console.print(text, style=style, highlight=False, soft_wrap=True)

    def progress(self, text: str) -> None:
        """A step of something under way. With --json it goes to standard error, if somebody looks there.

        It may be lost: what is under way goes on, and its result tells that the output is.
        """
        with contextlib.suppress(OSError):
            if not self.as_json:
                self.console.print(text, highlight=False, soft_wrap=True)
            elif self._aside.is_terminal:
                self._aside.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def waiting(self, text: str) -> Iterator[Callable[[str], None]]:
        """While something is waited for: a spinner with a text that can change; piped, one line per new text."""
        if self.live:
            with self.console.status(text) as status:
                yield status.update
            return
        last = text
        self.progress(text)

        def update(new: str) -> None:
            nonlocal last
            if new != last:
                last = new
                self.progress(new)

        yield update

    @contextmanager
    def steps(self) -> Iterator[Steps]:
        """While something goes on step by step: each step stays as a line; the present one turns, for a person."""
        if not self.live:
            yield Steps(self, None)
            return
        with self.console.status("") as status:
            steps = Steps(self, status)
            yield steps
            steps.finish()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
        """Rows under headings; piped, in columns that two spaces part. A person is spared columns without a word."""
        if not self.console.is_terminal:
            from rich.cells import cell_len  # noqa: PLC0415

            plain = [[str(cell) for cell in row] for row in (columns, *rows)]
            widths = [max(map(cell_len, column)) for column in zip(*plain, strict=True)]
            for line in plain:
                cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True))
                self.line("  ".join(cells).rstrip())
            return
        from rich.table import Table  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        shown = [index for index in range(len(columns)) if any(str(row[index]) for row in rows)]
        for index in shown:
            table.add_column(columns[index], overflow="fold")
        for row in rows:
            table.add_row(*(row[index] for index in shown))
        with _told():
            self.console.print(table)


class Steps:
    """What goes on step by step. Call it with each step."""

    def __init__(self, output: Output, status: Status | None) -> None:
        self._output = output
        self._status = status
        self._present = ""

    def __call__(self, step: str) -> None:
        if step == self._present:
            return
        if self._status is None:
            self._output.progress(f"· {step}")
        else:
            self.finish()
            self._status.update(step)
        self._present = step

    def finish(self) -> None:
        """The present step is over."""
        if self._status is not None and self._present:
            self._output.progress(f"· {self._present}")
        self._present = ""

    def ask(self, question: str) -> bool:
        """Yes or no, from whoever looks on; no where nobody does, and for Ctrl-C. Nothing turns meanwhile."""
        if self._status is None:
            return False
        self.finish()
        self._status.stop()
        try:
            return click.confirm(question, default=False)
        except click.Abort:
            return False
        finally:
            self._status.update("")
            self._status.start()


def _console(stream: Any) -> Console:
    # A fifth of what a command imports, and `tpayd up` starts the daemon before it says anything.
    from rich.console import Console  # noqa: PLC0415

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            # Rich's own ends the program with status 1, which is that of NOT PAID.
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    return Plain(file=stream, highlight=False, emoji=False, markup=False)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputLostError(error) from error


pass_output = click.make_pass_decorator(Output, ensure=True)


def json_option(command: F) -> F:
    """Adds --json to a command."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.ensure_object(Output).as_json = True

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=remember, is_eager=True, help="Print one JSON document."
    )(command)

"""Tables for people, JSON for programs, progress on the error stream."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")

Told = Callable[[str, int, int], None]


def print_json(value: Any) -> None:
    """One JSON object on the standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as wide as the terminal, its cells folded; whole lines with tabs between where there is no terminal."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            click.echo("\t".join(one_line(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Bold letters are no colour, but come by the same escapes, which is what people mean who switch it off.
    header_style = "" if os.environ.get("NO_COLOR") else "bold"
    table = Table(box=None, pad_edge=False, header_style=header_style)
    for number, column in enumerate(columns):
        # The first column, by which things are asked for, is shown whole while there is room for it.
        table.add_column(Text(column), overflow="fold", min_width=8 if number == 0 else None)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console(highlight=False).print(table)


@contextlib.contextmanager
def progress_bar(*, hidden: bool) -> Iterator[Told | None]:
    """Something that tells what is being done, and how much is; None where nobody looks."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*shown, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def told(what: str, done: int, total: int) -> None:
            progress.update(task, description=escape(printable(what)[:40]), completed=done, total=total)

        yield told


def printable(text: str) -> str:
    """The text without what would move the cursor, ring or colour: names come from anybody."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


def one_line(text: str) -> str:
    """As `printable`, in one line without tabs."""
    return printable(" ".join(text.split()))


def moment(millis: int | None) -> str:
    """A time as people here read it; empty for none."""
    if not millis:
        return ""
    try:
        return datetime.fromtimestamp(millis / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return str(millis)


def duration(millis: int | None) -> str:
    """How long, as `1:02:03`; empty for none."""
    if millis is None:
        return ""
    seconds = round(millis / 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"

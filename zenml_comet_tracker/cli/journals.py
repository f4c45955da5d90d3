"""What the commands about journals have in common: which folder, and how they speak of what lies in it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.journal.survey import Broken, Stock, Survey

folder_argument = click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def places(folder: Path | None) -> list[Path]:
    """The folders that are meant: when none is given the user's own, and the one for offline runs, if there is one."""
    from zenml_comet_tracker.comet.journal.place import find_place
    from zenml_comet_tracker.comet.settings import offline_directory

    if folder is not None:
        return [folder]
    offline = offline_directory()
    found = [find_place().folder, *([find_place(offline).folder] if offline else [])]
    # Nowhere to write is nowhere to have written.
    return list({place.resolve(): place for place in found if place is not None}.values())


def look(folder: Path | None) -> tuple[list[Path], Survey]:
    """The folders that are meant, and the journals in them, oldest first."""
    from zenml_comet_tracker.comet.journal.survey import Survey, age, survey

    meant = places(folder)
    surveys = [survey(place) for place in meant]
    found = [journal for each in surveys for journal in each.journals]
    broken = [journal for each in surveys for journal in each.broken]
    return meant, Survey(sorted(found, key=lambda journal: age(journal.folder, journal.header)), broken)


def named(meant: list[Path]) -> str:
    """`in A and B`."""
    return f"in {' and '.join(map(str, meant))}" if meant else "anywhere: no folder for journals can be written"


def unreadable(broken: list[Broken]) -> list[dict[str, str]]:
    """The journals that cannot be read, for JSON."""
    return [{"journal": str(journal.folder), "reason": journal.reason} for journal in broken]


def counted(number: int, noun: str) -> str:
    """`1 value`, `2 values`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def contents(stock: Stock) -> str:
    """What a journal holds, in words."""
    lanes = ", ".join(f"{lane} {count:,}" for lane, count in stock.waiting.items())
    waiting = f"{counted(stock.values, 'value')} waiting" + (f" ({lanes})" if lanes else "")
    refused = f", {counted(stock.refused.total(), 'value')} refused" if stock.refused else ""
    return f"{waiting}{refused}, {size(stock.size)}"


def size(count: int) -> str:
    """Bytes in a unit that people read."""
    from rich.filesize import decimal

    return decimal(count)


def age(millis: int) -> str:
    """How long ago a moment was, in the largest unit that fits."""
    seconds = max(0, round(time.time() - millis / 1000))
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return f"{counted(seconds // length, unit)} ago"
    return f"{counted(seconds, 'second')} ago"


def say_unreadable(broken: list[Broken]) -> None:
    """One line to the error stream for each journal that cannot be read."""
    for journal in broken:
        click.echo(journal.reason, err=True)


def label(row: dict[str, Any]) -> str:
    """The experiment of a row: its key and, when it is known, its name."""
    return f"{row['experiment']}  {row['name']}" if row.get("name") else str(row["experiment"])

"""`zenml-comet pending`: what waits to be delivered."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenml_comet_tracker.cli import journals, left_artifacts
from zenml_comet_tracker.cli.program import typed

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.journal.survey import Broken, Found, Stock


@click.command()
@journals.folder_argument
@journals.json_option
def pending(folder: Path | None, as_json: bool) -> None:
    """Say what was logged and is not delivered yet, journal by journal.

    FOLDER is a journal or a folder of journals; the user's journal folder, and that of offline runs, when left out.
    """
    meant, survey = journals.look(folder)
    counted, broken = _count(survey.journals)
    broken = [*survey.broken, *broken]
    rows = [_row(found, stock) for found, stock in counted]
    artifacts = left_artifacts.waiting(folder)
    if as_json:
        told = {
            "folders": [str(place) for place in meant],
            "journals": rows,
            "unreadable": journals.unreadable(broken),
            "artifacts": [asdict(row) for row in artifacts],
            "total": _total(rows),
        }
        click.echo(json.dumps(told, indent=2))
        return
    for row, (_, stock) in zip(rows, counted, strict=True):
        _print(row, journals.contents(stock))
    left_artifacts.say(artifacts, "waits")
    journals.say_unreadable(broken)
    if rows or not artifacts:
        _print_total(rows, meant)


def _count(found: list[Found]) -> tuple[list[tuple[Found, Stock]], list[Broken]]:
    from zenml_comet_tracker.comet.errors import JournalError
    from zenml_comet_tracker.comet.journal.survey import Broken, take_stock

    counted, broken = [], []
    for journal in found:
        try:
            counted.append((journal, take_stock(journal)))
        except JournalError as error:
            if journal.folder.exists():
                broken.append(Broken(journal.folder, str(error)))
    return counted, broken


def _row(found: Found, stock: Stock) -> dict[str, Any]:
    from zenml_comet_tracker.comet.journal.record import END_SENT
    from zenml_comet_tracker.comet.journal.survey import being_delivered

    header = found.header
    return {
        "experiment": header.experiment_key,
        "name": stock.name,
        "server": header.root,
        "workspace": header.workspace,
        "project": header.project_name,
        "journal": str(found.folder),
        "writer_alive": found.alive,
        "being_delivered": being_delivered(found),
        "offline": header.offline,
        "ended": stock.ended,
        "end_told": (found.folder / END_SENT).exists(),
        "values": stock.values,
        "waiting": stock.waiting,
        "bytes": stock.size,
        "refused": dict(stock.refused),
        "started_millis": header.started_millis,
        "last_millis": stock.last_millis,
        "age_seconds": max(0, round(time.time() - stock.last_millis / 1000)),
    }


def _total(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "journals": len(rows),
        "values": sum(row["values"] for row in rows),
        "refused": sum(sum(row["refused"].values()) for row in rows),
        "bytes": sum(row["bytes"] for row in rows),
    }


def _print(row: dict[str, Any], contents: str) -> None:
    target = "/".join(part or "(default)" for part in (row["workspace"], row["project"]))
    click.echo(journals.label(row))
    click.echo(f"    to       {row['server']}  {target}")
    untold = ", its end is not told yet" if _only_the_end_waits(row) else ""
    click.echo(f"    holds    {contents}{untold}")
    click.echo(f"    writer   {_writer(row)}; last record {journals.age(row['last_millis'])}")
    for reason, count in row["refused"].items():
        click.echo(f"    refused  {journals.counted(count, 'value')}: {reason}")


def _only_the_end_waits(row: dict[str, Any]) -> bool:
    return not (row["values"] or row["writer_alive"] or row["end_told"])


def _writer(row: dict[str, Any]) -> str:
    if row["writer_alive"]:
        state = "runs offline" if row["offline"] else "runs and delivers it"
    else:
        state = "ended" if row["ended"] else "died"
    return f"{state}, somebody delivers it now" if row["being_delivered"] and "delivers" not in state else state


def _print_total(rows: list[dict[str, Any]], meant: list[Path]) -> None:
    if not rows:
        click.echo(f"Nothing waits {journals.named(meant)}.")
        return
    total = _total(rows)
    refused = f", {journals.counted(total['refused'], 'value')} refused" if total["refused"] else ""
    click.echo(
        f"{journals.counted(total['journals'], 'journal')} {journals.named(meant)}: "
        f"{journals.counted(total['values'], 'value')} waiting{refused}, {journals.size(total['bytes'])}"
    )
    if any((row["values"] and not row["writer_alive"]) or _only_the_end_waits(row) for row in rows):
        click.echo(f"Deliver them: {typed('sync')}")

"""`zenml-comet discard`: give up what waits, or what the server refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenml_comet_tracker.cli import journals

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.journal.survey import Found, Survey


@click.command()
@journals.folder_argument
@click.option("--experiment", metavar="KEY", help="Only the journals of this experiment.")
@click.option("--refused", is_flag=True, help="Only the records that the server refused; what waits stays.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@journals.json_option
def discard(folder: Path | None, experiment: str | None, refused: bool, yes: bool, as_json: bool) -> None:
    """Delete journals for good, after saying what is lost.

    FOLDER is a journal or a folder of journals; the user's journal folder, and that of offline runs, when left out.
    A journal whose process runs, or that is being delivered, is never deleted. One that cannot be read is deleted only
    when FOLDER names it. Exit code 1 when something could not be deleted.
    """
    meant, survey = journals.look(folder)
    chosen, skipped = _choose(survey, experiment, refused)
    named = [broken.folder for broken in survey.broken if broken.folder == folder and not refused]
    if chosen or named:
        _ask(chosen, named, refused, yes)
    else:
        click.echo(f"Nothing to discard {journals.named(meant)}.", err=True)
    rows = [_discard(found, refused) for found in chosen] + [_discard_broken(path) for path in named]
    left = [broken for broken in survey.broken if broken.folder not in named]
    if as_json:
        told = {"discarded": rows, "skipped": skipped, "unreadable": journals.unreadable(left)}
        click.echo(json.dumps(told, indent=2))
    else:
        _print(rows, skipped, refused)
        journals.say_unreadable(left)
    if any(row["reason"] for row in rows):
        raise click.exceptions.Exit(1)


def _choose(survey: Survey, experiment: str | None, refused: bool) -> tuple[list[Found], list[dict[str, Any]]]:
    """The journals that may be deleted, and those of the same choice that may not, with the reason."""
    from zenml_comet_tracker.comet.journal.record import REFUSED_SUFFIX
    from zenml_comet_tracker.comet.journal.survey import being_delivered

    chosen, skipped = [], []
    for found in survey.journals:
        if experiment not in (None, found.header.experiment_key):
            continue
        if refused and not any(found.folder.glob(f"*{REFUSED_SUFFIX}")):
            continue
        if found.alive or being_delivered(found):
            reason = "its process is running" if found.alive else "it is being delivered"
            skipped.append(_row(found.folder, found.header.experiment_key) | {"reason": reason})
        else:
            chosen.append(found)
    return chosen, skipped


def _ask(chosen: list[Found], broken: list[Path], refused: bool, yes: bool) -> None:
    from zenml_comet_tracker.comet.errors import JournalError
    from zenml_comet_tracker.comet.journal.survey import take_stock

    if yes:
        return
    for found in chosen:
        try:
            click.echo(f"{found.header.experiment_key}  {journals.contents(take_stock(found))}", err=True)
        except JournalError as error:
            click.echo(f"{found.header.experiment_key}  {error}", err=True)
    for path in broken:
        click.echo(f"{path}  cannot be read", err=True)
    number = journals.counted(len(chosen) + len(broken), "journal")
    what = f"what the server refused of {number}" if refused else number
    click.confirm(f"Delete {what} for good?", abort=True, err=True)


def _discard(found: Found, refused: bool) -> dict[str, Any]:
    from zenml_comet_tracker.comet.errors import CometError
    from zenml_comet_tracker.comet.journal.discard import discard, discard_refused

    row = _row(found.folder, found.header.experiment_key)
    try:
        stock = discard_refused(found) if refused else discard(found)
    except (CometError, OSError) as error:
        return row | {"reason": str(error)}
    lost = 0 if refused else stock.values
    return row | {"values": lost, "refused": stock.refused.total(), "bytes": stock.size}


def _discard_broken(folder: Path) -> dict[str, Any]:
    from zenml_comet_tracker.comet.errors import CometError
    from zenml_comet_tracker.comet.journal.discard import discard_broken

    row = _row(folder, folder.name.partition(".")[0])
    try:
        discard_broken(folder)
    except (CometError, OSError) as error:
        return row | {"reason": str(error)}
    return row


def _row(folder: Path, experiment: str) -> dict[str, Any]:
    return {
        "experiment": experiment,
        "journal": str(folder),
        "values": 0,
        "refused": 0,
        "bytes": 0,
        "reason": None,
    }


def _print(rows: list[dict[str, Any]], skipped: list[dict[str, Any]], only_refused: bool) -> None:
    for row in [*rows, *skipped]:
        if row["reason"]:
            click.echo(f"{row['experiment']}  kept: {row['reason']}", err=True)
    done = [row for row in rows if not row["reason"]]
    if not done:
        return
    number = journals.counted(len(done), "journal")
    refused = f"{journals.counted(sum(row['refused'] for row in done), 'value')} that the server had refused"
    if only_refused:
        click.echo(f"Discarded from {number}: {refused}.")
    else:
        waited = f"{journals.counted(sum(row['values'] for row in done), 'value')} that waited"
        click.echo(f"Discarded {number}: {waited}, {refused}.")

"""`zenml-comet sync`: deliver the journals that no process of their own delivers."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zenml_comet_tracker.cli import journals, left_artifacts
from zenml_comet_tracker.cli.credentials import Keys

if TYPE_CHECKING:
    from zenml_comet_tracker.cli.left_artifacts import ArtifactRow
    from zenml_comet_tracker.cli.rounds import Bar, Round, Rounds, Row


@click.command()
@journals.folder_argument
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C, delivering what running processes log meanwhile.")
@click.option(
    "--api-key",
    help="The key to deliver with. [default: the ZenML component's, the local Comet's, or as configured]",
)
@journals.json_option
def sync(folder: Path | None, watch: bool, api_key: str | None, as_json: bool) -> None:
    """Deliver what was logged offline, while a server was away, or before a process died.

    FOLDER is a journal or a folder of journals; the user's journal folder, and that of offline runs, when left out.
    What is delivered is deleted, the rest stays. It can be repeated, also while an offline run goes on: only what is
    new is sent. Artifacts come last, and without --watch only. Exit code 1 when something is left; 0 when --watch is
    ended with Ctrl-C.
    """
    from zenml_comet_tracker.cli.rounds import Rounds

    keys = Keys(api_key)
    with (
        _bar(hidden=as_json) as bar,
        contextlib.closing(Rounds(folder, keys, bar)) as rounds,
        _stopped_gently(rounds),
    ):
        if watch:
            for outcome in rounds.watch():
                _tell(outcome, as_json, indent=None)
            return
        outcome = rounds.once()
        # Behind the journals: an experiment has to be there before its artifacts.
        artifacts = left_artifacts.bring(folder, keys, lambda: rounds.stopped)
        _tell(outcome, as_json, indent=2, artifacts=artifacts)
        if not (outcome.rows or outcome.broken or artifacts or as_json):
            click.echo(f"Nothing waits to be delivered {journals.named(journals.places(folder))}.")
    if outcome.left or rounds.stopped or any(row.left for row in artifacts):
        raise click.exceptions.Exit(1)


@contextlib.contextmanager
def _stopped_gently(rounds: Rounds) -> Iterator[None]:
    """Within, Ctrl-C lets the request under way come to its end, so that it is not repeated; a second one does not."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        rounds.stop()
        click.echo("Stopping after the request under way; Ctrl-C again stops at once.", err=True)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _bar(*, hidden: bool) -> Iterator[Bar | None]:
    """A progress bar on the error stream, where that is a terminal."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from zenml_comet_tracker.cli.rounds import Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress)


def _tell(outcome: Round, as_json: bool, indent: int | None, artifacts: Sequence[ArtifactRow] = ()) -> None:
    if as_json:
        rows = [asdict(row) for row in outcome.rows]
        told = {"journals": rows, "unreadable": journals.unreadable(outcome.broken)}
        told["artifacts"] = [asdict(row) for row in artifacts]
        click.echo(json.dumps(told, indent=indent))
        return
    for row in outcome.rows:
        _print(row)
    left_artifacts.say(artifacts, "is uploaded")
    journals.say_unreadable(outcome.broken)


def _print(row: Row) -> None:
    state = "left" if row.left else "done" if row.complete else "so far"
    reason = f" ({row.reason})" if row.reason else ""
    verb = "is" if row.set_aside == 1 else "are"
    refused = f"{journals.counted(row.set_aside, 'value')} that the server refused {verb} kept in {row.journal}"
    kept = f", {refused}" if row.set_aside else ""
    click.echo(f"{row.experiment}  {state}: {journals.counted(row.sent, 'value')} sent{kept}{reason}")
    if row.url:
        click.echo(f"    {row.url}")

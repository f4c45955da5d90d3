"""Artifacts whose upload waits: said by `pending`, brought by `sync`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zenml_comet_tracker.cli import journals

if TYPE_CHECKING:
    from zenml_comet_tracker.cli.credentials import Keys
    from zenml_comet_tracker.comet.artifacts.leftovers import Leftover


@dataclass(frozen=True)
class ArtifactRow:
    """What is known of one upload, or became of it; `reason` says why it is `left`."""

    artifact: str
    experiment: str
    server: str
    files: int
    left: bool
    reason: str | None = None


def waiting(folder: Path | None) -> list[ArtifactRow]:
    """The uploads that wait in the folders that are meant, the user's own when none is."""
    from zenml_comet_tracker.comet.artifacts.leftovers import leftovers

    rows = []
    for place in journals.places(folder):
        with leftovers(place) as found:
            rows += [_row(each, each.files_left, left=True) for each in found]
    return rows


def bring(folder: Path | None, keys: Keys, stopped: Callable[[], bool]) -> list[ArtifactRow]:
    """Brings the uploads that wait to their servers; what became of each."""
    from zenml_comet_tracker.comet.artifacts.leftovers import leftovers

    rows = []
    for place in journals.places(folder):
        with leftovers(place) as found:
            rows += [_bring(each, keys, stopped) for each in found if not stopped()]
    return rows


def say(rows: Sequence[ArtifactRow], done: str) -> None:
    """A line for each."""
    for row in rows:
        state = "waits" if row.left else done
        reason = f" ({row.reason})" if row.reason else ""
        click.echo(f"{row.experiment}  artifact {row.artifact} {state}: {journals.counted(row.files, 'file')}{reason}")


def _bring(found: Leftover, keys: Keys, stopped: Callable[[], bool]) -> ArtifactRow:
    from zenml_comet_tracker.comet.errors import CometError

    files = found.files_left
    try:
        upload = found.bring(keys.settings_for(found.header), stopped)
    except CometError as error:
        return _row(found, files, left=True, reason=str(error))
    return _row(found, files, left=not upload.closed, reason=None if upload.closed else upload.describe())


def _row(found: Leftover, files: int, *, left: bool, reason: str | None = None) -> ArtifactRow:
    return ArtifactRow(found.contents.new.name, found.header.experiment_key, found.header.root, files, left, reason)

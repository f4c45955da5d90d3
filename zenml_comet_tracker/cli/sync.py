"""`zenml-comet sync`: deliver the journals that were left behind."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.delivery.leftovers import Leftover
    from zenml_comet_tracker.comet.settings import ResolvedSettings


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--api-key",
    help="The key to deliver with. [default: the local Comet's, or as configured]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def sync(folder: Path | None, api_key: str | None, as_json: bool) -> None:
    """Deliver what was logged while a server was away or before a process died.

    FOLDER is a journal or a folder of journals; the user's journal folder when left out. What is delivered is deleted,
    the rest stays. Exit code 1 when something is left.
    """
    from zenml_comet_tracker.comet.delivery.leftovers import find_leftovers
    from zenml_comet_tracker.comet.errors import JournalError
    from zenml_comet_tracker.comet.journal.place import find_place

    try:
        leftovers, problems = find_leftovers(folder or find_place().folder)
    except JournalError as error:
        raise click.ClickException(str(error)) from None
    rows = [_deliver(leftover, api_key) for leftover in leftovers]
    if as_json:
        click.echo(json.dumps({"journals": rows, "unreadable": problems}, indent=2))
    else:
        _print(rows, problems)
    if problems or any(row["left"] for row in rows):
        raise click.exceptions.Exit(1)


def _deliver(leftover: Leftover, api_key: str | None) -> dict[str, Any]:
    from zenml_comet_tracker.comet.delivery.leftovers import deliver_leftover
    from zenml_comet_tracker.comet.errors import CometError
    from zenml_comet_tracker.comet.transport import open_transport

    row: dict[str, Any] = {
        "experiment": leftover.header.experiment_key,
        "server": leftover.header.root,
        "journal": str(leftover.folder),
        "sent": 0,
        "set_aside": 0,
        "left": True,
        "reason": None,
    }
    if leftover.alive:
        return row | {"left": False, "reason": "its process is running and delivers it"}
    try:
        settings = _settings_for(leftover, api_key)
        done = deliver_leftover(leftover, settings.api_key, functools.partial(open_transport, settings))
    except (CometError, OSError) as error:
        # One journal that cannot be delivered must not keep the others.
        return row | {"reason": str(error)}
    left = done.waiting or done.set_aside > 0
    return row | {"sent": done.sent, "set_aside": done.set_aside, "left": left, "reason": done.reason}


def _settings_for(leftover: Leftover, api_key: str | None) -> ResolvedSettings:
    """The settings for the journal's own server. Raises `ConfigurationError` when no key at hand is the journal's.

    A key that was typed for the purpose is believed: the journal's may have been mistyped, or rotated since.
    """
    from zenml_comet_tracker.comet.errors import ConfigurationError
    from zenml_comet_tracker.comet.journal.record import fingerprint
    from zenml_comet_tracker.comet.settings import resolve

    settings = resolve(api_key=api_key or _local_key(leftover.header.root), url=leftover.header.root)
    if api_key is None and fingerprint(settings.api_key) != leftover.header.key_fingerprint:
        raise ConfigurationError(
            "the journal was written with another API key than the one found here, perhaps for another account; "
            "say with --api-key which key to use"
        )
    return settings


def _local_key(root: str) -> str | None:
    from zenml_comet_tracker.local import launch

    address = launch.address()
    return address.api_key if address is not None and address.url.rstrip("/") == root else None


def _print(rows: list[dict[str, Any]], problems: list[str]) -> None:
    for row in rows:
        state = "left" if row["left"] else "done"
        reason = f" ({row['reason']})" if row["reason"] else ""
        kept = (
            f", {row['set_aside']} records the server refused are kept in {row['journal']}" if row["set_aside"] else ""
        )
        click.echo(f"{row['experiment']}  {state}: {row['sent']} values sent{kept}{reason}")
    for problem in problems:
        click.echo(problem, err=True)
    if not rows and not problems:
        click.echo("Nothing waits to be delivered.")

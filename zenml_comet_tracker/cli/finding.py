"""The one experiment that a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zenml_comet_tracker.cli import connecting
from zenml_comet_tracker.cli.failures import NOT_FOUND, Failure

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.connection import Connection

argument = click.argument("experiment")


def experiment(connection: Connection, named: str, workspace: str | None, project: str | None) -> dict[str, Any]:
    """The metadata of the experiment with this key, else of the one of the project that is called so."""
    from zenml_comet_tracker.comet import errors
    from zenml_comet_tracker.comet.resources import experiments

    if experiments.may_be_key(named):
        try:
            return experiments.metadata(connection.transport, named)
        except errors.StatusError as error:
            if error.status not in (400, 404):
                raise
    if not (project or connection.settings.project_name):
        raise Failure(
            f"There is no experiment with the key {named}. To find one by its name, say in which --project.", NOT_FOUND
        )
    return _named(connection, named, connecting.place(connection, workspace, project))


def state(metadata: dict[str, Any]) -> str:
    """`running`, `finished` or `crashed`; `stopped` and `retrying` where the server tells them from these."""
    if metadata.get("status") in ("stopped", "retrying"):
        return str(metadata["status"])
    return "running" if metadata.get("running") else "crashed" if metadata.get("hasCrashed") else "finished"


def _named(connection: Connection, named: str, place: connecting.Place) -> dict[str, Any]:
    from zenml_comet_tracker.comet.api import listing
    from zenml_comet_tracker.comet.resources import experiments, projects

    where = projects.named(place.workspace, place.project)

    def pages(archived: bool) -> Any:
        def page(number: int) -> list[dict[str, Any]]:
            return experiments.of_project(
                connection.transport, where, archived=archived, page=number, size=listing.PAGE_SIZE
            )

        return listing.every(page, lambda: connection.requests)

    found = listing.only((row for archived in (False, True) for row in pages(archived)), named)
    if found is None:
        raise Failure(
            f"Project {place.workspace}/{place.project} has no experiment with the key or the name {named!r}.",
            NOT_FOUND,
        )
    return found

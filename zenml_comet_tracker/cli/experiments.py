"""`zenml-comet experiments` and `zenml-comet query`: which experiments a project has."""

from __future__ import annotations

import click

from zenml_comet_tracker.cli import connecting, listing, printing


@click.command("experiments")
@connecting.place_options
@listing.options
@connecting.server_options
@printing.json_option
def experiments(
    workspace: str | None,
    project: str | None,
    columns: str | None,
    sort: str,
    limit: int,
    archived: bool,
    api_key: str | None,
    url: str | None,
    local: bool,
    as_json: bool,
) -> None:
    """List the experiments of a project, the newest first."""
    what = listing.wanted(columns, sort, limit, archived)
    with connecting.connected(api_key, url, local) as connection:
        place = connecting.place(connection, workspace, project)
        rows = listing.experiments(connection, place, what)
    _tell(place, rows, what, as_json, f"Project {place.workspace}/{place.project} has no experiments of this kind.")


@click.command("query")
@click.argument("expression")
@connecting.place_options
@listing.options
@connecting.server_options
@printing.json_option
def query(
    expression: str,
    workspace: str | None,
    project: str | None,
    columns: str | None,
    sort: str,
    limit: int,
    archived: bool,
    api_key: str | None,
    url: str | None,
    local: bool,
    as_json: bool,
) -> None:
    """List the experiments of a project for which EXPRESSION holds.

    EXPRESSION is written as in Python: "(Metric('loss') < 0.1) & ~Tag('broken')". It is read, never run.
    """
    from zenml_comet_tracker.comet.api import API
    from zenml_comet_tracker.comet.query_text import parse

    what, wanted = listing.wanted(columns, sort, limit, archived), parse(expression)
    with connecting.connected(api_key, url, local) as connection:
        place = connecting.place(connection, workspace, project)
        found = API.over(connection).query(place.workspace, place.project, wanted, archived)
        keys = {str(one.key) for one in found}
        rows = listing.experiments(connection, place, what, keys) if keys else []
    _tell(place, rows, what, as_json, f"No experiment of {place.workspace}/{place.project} is like that.")


def _tell(place: connecting.Place, rows: list[listing.Row], what: listing.Wanted, as_json: bool, nothing: str) -> None:
    if as_json:
        printing.print_json(listing.as_json(place, rows))
    elif rows:
        listing.show(rows, what)
    else:
        click.echo(nothing, err=True)

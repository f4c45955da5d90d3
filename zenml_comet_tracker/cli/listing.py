"""Experiments of a project, with the columns that were asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from zenml_comet_tracker.cli import finding, printing

if TYPE_CHECKING:
    from zenml_comet_tracker.cli.connecting import Place
    from zenml_comet_tracker.comet.connection import Connection

Row = dict[str, Any]

# What the metadata of an experiment says, by the name of the column.
_OWN = {
    "key": "experimentKey",
    "name": "experimentName",
    "start": "startTimeMillis",
    "end": "endTimeMillis",
    "duration": "durationMillis",
    "archived": "archived",
    "user": "userName",
    "file": "filePath",
    "state": None,
    "url": None,
}
_SHOWN = ("key", "name", "state", "start", "duration")
# What was logged, by what stands before the colon of a column.
KINDS = ("metric", "param", "other")
_CHART_AT_ONCE = 100
_PAGE = 100


@dataclass(frozen=True)
class Wanted:
    """What to list: `columns` beside the usual ones, sorted by one of them or a usual one, `-` before it for the
    greatest first; `limit` 0 for all."""

    columns: Sequence[str] = field(default_factory=tuple)
    sort: str = "-start"
    limit: int = 50
    archived: bool = False

    @property
    def asked(self) -> list[str]:
        """All columns that have to be read."""
        return list(dict.fromkeys([*(self.columns or _SHOWN), self.sort.removeprefix("-")]))


def options(command: Any) -> Any:
    """`--columns`, `--sort`, `--limit`, `--archived`."""
    for option in reversed(
        (
            click.option(
                "--columns",
                help="Columns, with commas between: key, name, state, start, end, duration, archived, user, file, url, "
                "tags, and metric:NAME, param:NAME, other:NAME. [default: key,name,state,start,duration]",
            ),
            click.option("--sort", default="-start", show_default=True, help="Column to sort by; - for last first."),
            click.option(
                "--limit", type=click.IntRange(0), default=50, show_default=True, help="How many at most; 0 for all."
            ),
            click.option("--archived", is_flag=True, help="List the archived experiments instead."),
        )
    ):
        command = option(command)
    return command


def wanted(columns: str | None, sort: str, limit: int, archived: bool) -> Wanted:
    """What the options say; `UsageError` for a column that is none."""
    names = [name.strip() for name in (columns or "").split(",") if name.strip()]
    for name in (*names, sort.removeprefix("-")):
        kind, colon, rest = name.partition(":")
        if name not in _OWN and name != "tags" and not (colon and rest and kind in KINDS):
            known = ", ".join([*_OWN, "tags", *(f"{kind}:NAME" for kind in KINDS)])
            raise click.UsageError(f"There is no column {name!r}; expected some of {known}.")
    return Wanted(tuple(names), sort, limit, archived)


def experiments(connection: Connection, place: Place, what: Wanted, keys: set[str] | None = None) -> list[Row]:
    """The experiments as rows of all columns that are wanted, those of `keys` only where given."""
    rows = _metadata(connection, place, what, keys)
    found = [_described(connection, row) for row in rows]
    by, descending = what.sort.removeprefix("-"), what.sort.startswith("-")
    for_sorting = [by] if by not in _OWN else []
    _add_values(connection, found, for_sorting)
    found.sort(key=lambda row: str(row["key"]))
    found.sort(key=lambda row: _order(row[by]), reverse=descending)
    # What is not there comes last, whichever way it is sorted.
    found.sort(key=lambda row: row[by] is None)
    found = found[: what.limit] if what.limit else found
    _add_values(connection, found, [name for name in what.asked if name not in _OWN and name not in for_sorting])
    return found


def show(rows: Sequence[Row], what: Wanted) -> None:
    """The rows as a table."""
    columns = list(what.columns or _SHOWN)
    printing.print_table(columns, [[_cell(column, row.get(column)) for column in columns] for row in rows])


def as_json(place: Place, rows: Iterable[Row]) -> dict[str, Any]:
    """The rows as programs get them."""
    return {"workspace": place.workspace, "project": place.project, "experiments": [_plain(row) for row in rows]}


def _plain(row: Row) -> dict[str, Any]:
    """Times and durations say their unit, logged values stand apart."""
    own = {name: row[name] for name in _OWN}
    times = {f"{name}_millis": own.pop(name) for name in ("start", "end", "duration")}
    logged = {name: value for name, value in row.items() if name not in _OWN and name != "tags"}
    return {**own, **times, **({"tags": row["tags"]} if "tags" in row else {}), "values": logged}


def _metadata(connection: Connection, place: Place, what: Wanted, keys: set[str] | None) -> list[Row]:
    from zenml_comet_tracker.comet.api import listing
    from zenml_comet_tracker.comet.resources import experiments, projects

    # Only the order in which the server gives them spares the rest.
    enough = what.limit if what.sort in ("-start", "start") and what.limit and keys is None else None
    size = min(enough, _PAGE) if enough else listing.PAGE_SIZE
    named, order = projects.named(place.workspace, place.project), "asc" if what.sort == "start" else "desc"

    def page(number: int) -> list[Row]:
        return experiments.of_project(
            connection.transport,
            named,
            archived=what.archived,
            page=number,
            size=size,
            sort_by="startTime",
            sort_order=order,
        )

    if enough and enough <= _PAGE:
        return page(1)
    found = []
    for row in listing.every(page, lambda: connection.requests):
        if keys is None or row["experimentKey"] in keys:
            found.append(row)
        if enough and len(found) >= enough:
            break
    return found


def _described(connection: Connection, row: Row) -> Row:
    from zenml_comet_tracker.comet.resources.experiments import page

    own = {name: row.get(member) for name, member in _OWN.items() if member is not None}
    url = page(connection.root, row.get("workspaceName"), row.get("projectName"), str(row["experimentKey"]))
    return {**own, "state": finding.state(row), "url": url}


def _add_values(connection: Connection, rows: list[Row], columns: Sequence[str]) -> None:
    from zenml_comet_tracker.comet.resources import others, tags

    kinds: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for column in columns:
        kind, colon, name = column.partition(":")
        if colon:
            kinds[kind].append(name)
    if kinds["metric"] or kinds["param"]:
        _add_charted(connection, rows, kinds["metric"], kinds["param"])
    for row in rows:
        if kinds["other"]:
            said = {one["name"]: one["valueCurrent"] for one in others.summary(connection.transport, row["key"])}
            row.update({f"other:{name}": said.get(name) for name in kinds["other"]})
        if "tags" in columns:
            row["tags"] = tags.of_experiment(connection.transport, row["key"])


def _add_charted(connection: Connection, rows: list[Row], metrics: list[str], parameters: list[str]) -> None:
    """Last values of metrics and parameters, of a hundred experiments a request."""
    from zenml_comet_tracker.comet.resources import charts

    for start in range(0, len(rows), _CHART_AT_ONCE):
        some = rows[start : start + _CHART_AT_ONCE]
        found = charts.multi_metric_chart(
            connection.transport,
            [row["key"] for row in some],
            metrics,
            parameters or None,
            independent=True,
            full=False,
        )
        for row in some:
            chart = found.get(row["key"]) or {}
            series = {one["metricName"]: one["values"] for one in chart.get("metrics") or ()}
            row.update({f"metric:{name}": (series.get(name) or [None])[-1] for name in metrics})
            row.update({f"param:{name}": (chart.get("params") or {}).get(name) for name in parameters})


def _order(value: Any) -> tuple[int, float, str]:
    """Numbers by size, before texts by letter; texts that are numbers count as such, and NaN, which has no size, as a
    text."""
    if isinstance(value, list):
        value = ",".join(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    return (1, 0.0, str(value)) if math.isnan(number) else (0, number, "")


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in ("start", "end"):
        return printing.moment(value)
    if column == "duration":
        return printing.duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)

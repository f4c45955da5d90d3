"""`zenml-comet show`: what one experiment holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zenml_comet_tracker.cli import connecting, finding, printing

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.connection import Connection


@click.command("show")
@finding.argument
@connecting.place_options
@connecting.server_options
@printing.json_option
def show(
    experiment: str,
    workspace: str | None,
    project: str | None,
    api_key: str | None,
    url: str | None,
    local: bool,
    as_json: bool,
) -> None:
    """Show what EXPERIMENT holds: its key, or its name with --project.

    Metrics with their last, least and greatest value, parameters, others, tags, assets, models, git, machine. Of what
    lies elsewhere, such as a step's inputs and outputs, the address, and the artifact in ZenML.
    """
    with connecting.connected(api_key, url, local) as connection:
        metadata = finding.experiment(connection, experiment, workspace, project)
        found = _gathered(connection, metadata)
    if as_json:
        printing.print_json(found)
    else:
        _print(found)


def _gathered(connection: Connection, metadata: dict[str, Any]) -> dict[str, Any]:
    from zenml_comet_tracker.comet.resources import (
        assets,
        experiments,
        git,
        metrics,
        models,
        others,
        parameters,
        system_details,
        tags,
    )

    transport, key = connection.transport, str(metadata["experimentKey"])
    workspace, project = metadata.get("workspaceName"), metadata.get("projectName")
    details = system_details.read(transport, key)
    return {
        "key": key,
        "name": metadata.get("experimentName"),
        "workspace": workspace,
        "project": project,
        "state": finding.state(metadata),
        "error": metadata.get("error"),
        "archived": bool(metadata.get("archived")),
        "start_millis": metadata.get("startTimeMillis"),
        "end_millis": metadata.get("endTimeMillis"),
        "duration_millis": metadata.get("durationMillis"),
        "user": metadata.get("userName"),
        "file": metadata.get("filePath"),
        "url": experiments.page(connection.root, workspace, project, key),
        "tags": tags.of_experiment(transport, key),
        "metrics": [_metric(row) for row in metrics.summary(transport, key)],
        "parameters": {str(row["name"]): row["valueCurrent"] for row in parameters.summary(transport, key)},
        "others": {str(row["name"]): row["valueCurrent"] for row in others.summary(transport, key)},
        "assets": [_asset(row) for row in assets.of_experiment(transport, key)],
        "models": [str(row["modelName"]) for row in models.of_experiment(transport, key)],
        "git": {name: value for name, value in git.read_metadata(transport, key).items() if value is not None},
        "machine": {name: details.get(name) for name in ("hostname", "os", "user", "pid", "command", "pythonVersion")},
    }


def _metric(row: dict[str, Any]) -> dict[str, Any]:
    """Values are texts, as the server gives them: JSON knows no NaN."""
    return {
        "name": row["name"],
        "last": row.get("valueCurrent"),
        "min": row.get("valueMin"),
        "max": row.get("valueMax"),
        "last_step": row.get("stepCurrent"),
    }


def _asset(row: dict[str, Any]) -> dict[str, Any]:
    # Only here: it takes the time that the client takes.
    from zenml_comet_tracker.cli import elsewhere

    about = elsewhere.described(row)
    return {
        "id": row["assetId"],
        "name": row.get("fileName"),
        "type": row.get("type"),
        # Servers say 0 of what they do not have.
        "bytes": row.get("fileSize") if about["link"] is None else None,
        "step": row.get("step"),
        "context": row.get("runContext"),
        **about,
    }


def _print(found: dict[str, Any]) -> None:
    said = [
        ("key", found["key"]),
        ("name", found["name"]),
        ("project", f"{found['workspace']}/{found['project']}"),
        ("state", found["state"] + (", archived" if found["archived"] else "")),
        ("error", found["error"]),
        ("start", printing.moment(found["start_millis"])),
        ("end", "" if found["state"] in ("running", "retrying") else printing.moment(found["end_millis"])),
        ("duration", printing.duration(found["duration_millis"])),
        ("file", found["file"]),
        ("tags", ", ".join(found["tags"])),
        ("models", ", ".join(found["models"])),
        *((f"git {name}", value) for name, value in found["git"].items()),
        *((name, _words(value)) for name, value in found["machine"].items()),
        ("url", found["url"]),
    ]
    printing.print_table(("what", "value"), [(name, str(value)) for name, value in said if value])
    _section("metric", ("last", "min", "max", "last_step"), found["metrics"])
    _pairs("parameter", found["parameters"])
    _pairs("other", found["others"])
    here = [asset for asset in found["assets"] if asset["link"] is None]
    remote = [asset for asset in found["assets"] if asset["link"] is not None]
    _section("asset", ("type", "bytes", "step", "id"), here)
    _section("remote asset", ("link", "artifact", "artifact_version", "step", "id"), remote)


def _section(what: str, members: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    if rows:
        click.echo()
        columns = (what, *(member.replace("_", " ") for member in members))
        printing.print_table(columns, [[_words(row[name]) for name in ("name", *members)] for row in rows])


def _pairs(what: str, values: dict[str, Any]) -> None:
    if values:
        click.echo()
        printing.print_table((what, "value"), [(name, _words(value)) for name, value in values.items()])


def _words(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)

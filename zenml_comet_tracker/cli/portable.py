"""`zenml-comet export` and `zenml-comet import`: a whole project as open files."""

from __future__ import annotations

from pathlib import Path

import click

from zenml_comet_tracker.cli import connecting, printing


@click.command("export")
@click.argument("project")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--workspace", help="Workspace. [default: COMET_WORKSPACE, else the account's default]")
@connecting.server_options
@printing.json_option
def export(
    project: str,
    folder: Path,
    workspace: str | None,
    api_key: str | None,
    url: str | None,
    local: bool,
    as_json: bool,
) -> None:
    """Write PROJECT, or WORKSPACE/PROJECT, with all it holds into FOLDER, as open files.

    FOLDER is new or empty, or holds what an interrupted export left: then it is finished. Experiments that run are
    exported as they stand.
    """
    from zenml_comet_tracker.comet.portable import export_project

    with connecting.connected(api_key, url, local) as connection:
        place = connecting.place(connection, workspace, project)
        with printing.progress_bar(hidden=as_json) as told:
            report = export_project(connection, place.workspace, place.project, folder, progress=told)
    if as_json:
        printing.print_json(
            {
                "workspace": place.workspace,
                "project": place.project,
                "folder": str(folder),
                "experiments": report.experiments,
                "reused": report.reused,
                "files": report.files,
                "notes": report.notes,
            }
        )
        return
    click.echo(
        f"{report.experiments} experiments of {place.workspace}/{place.project} in {folder}: {report.files} files"
    )
    _say(report.notes)


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--workspace", help="Workspace to import into. [default: the exported one]")
@click.option("--project", help="Project to import into, or WORKSPACE/PROJECT. [default: the exported one]")
@connecting.server_options
@printing.json_option
def import_(
    folder: Path,
    workspace: str | None,
    project: str | None,
    api_key: str | None,
    url: str | None,
    local: bool,
    as_json: bool,
) -> None:
    """Write the export in FOLDER to a server.

    Every file is checked first; a damaged export is refused, and nothing is sent. What the server has already is not
    sent again: an import that was interrupted is finished by repeating it.
    """
    from zenml_comet_tracker.comet.portable import import_project

    workspace, project = connecting.split(workspace, project)
    with connecting.connected(api_key, url, local) as connection, printing.progress_bar(hidden=as_json) as told:
        report = import_project(connection, folder, workspace=workspace, project_name=project, progress=told)
    if as_json:
        printing.print_json(
            {
                "workspace": report.workspace,
                "project": report.project,
                "experiments": report.experiments,
                "keys": report.keys,
                "notes": report.notes,
            }
        )
        return
    click.echo(f"{report.experiments} experiments are in {report.workspace}/{report.project}")
    for old, new in report.keys.items():
        click.echo(f"{old} is {new} there")
    _say(report.notes)


def _say(notes: list[str]) -> None:
    for note in notes:
        click.echo(f"note: {printing.one_line(note)}", err=True)

"""`zenml-comet download`: the files of one experiment."""

from __future__ import annotations

from pathlib import Path

import click

from zenml_comet_tracker.cli import connecting, finding, printing

_KINDS = ("assets", "models", "artifacts")


@click.command("download")
@finding.argument
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--only", type=click.Choice(_KINDS), multiple=True, help="Only files of this kind; can be repeated. [default: all]"
)
@click.option("--name", help="Only files whose name matches this pattern, such as '*.png'.")
@click.option("--overwrite", is_flag=True, help="Replace files that are in the way.")
@connecting.place_options
@connecting.server_options
@printing.json_option
def download(
    experiment: str,
    folder: Path,
    only: tuple[str, ...],
    name: str | None,
    overwrite: bool,
    workspace: str | None,
    project: str | None,
    api_key: str | None,
    url: str | None,
    local: bool,
    as_json: bool,
) -> None:
    """Download the assets, models and artifacts of EXPERIMENT to FOLDER.

    They come to FOLDER/assets, FOLDER/models/MODEL and FOLDER/artifacts/ARTIFACT/VERSION, each under its own name.
    Files that are there already are not fetched again, and one that was cut off is gone on with. Links to files that
    lie elsewhere are named, not opened. Exit code 1 when something could not be fetched.
    """
    from zenml_comet_tracker.cli import gathering

    with connecting.connected(api_key, url, local) as connection:
        metadata = finding.experiment(connection, experiment, workspace, project)
        with printing.progress_bar(hidden=as_json) as told:
            report = gathering.gather(
                connection, metadata, folder, gathering.Choice(only or _KINDS, name, overwrite), told
            )
    if as_json:
        printing.print_json(report.as_json())
    else:
        _tell(report)
    if report.missing:
        raise click.exceptions.Exit(1)


def _tell(report: object) -> None:
    from zenml_comet_tracker.cli.gathering import Gathered

    assert isinstance(report, Gathered)  # noqa: S101
    fetched, kept = len(report.files) - report.kept, report.kept
    click.echo(f"{fetched} files fetched, {kept} there already, {report.bytes:,} bytes in {report.folder}")
    for link in report.links:
        said = (link["name"], link["link"], link["artifact"], link["artifact_version"])
        click.echo(f"elsewhere: {'  '.join(printing.one_line(text) for text in said if text)}")
    for problem in report.missing:
        click.echo(f"missing: {printing.one_line(problem)}", err=True)

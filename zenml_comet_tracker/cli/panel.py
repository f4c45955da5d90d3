"""`zenml-comet panel run`: what a Python panel shows, as one HTML file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from zenml_comet_tracker.cli.connecting import connected, place_options, server_options
from zenml_comet_tracker.comet.panel_page import script as scripts
from zenml_comet_tracker.comet.panel_page.page import Page
from zenml_comet_tracker.comet.panels import PanelContext


@click.group()
def panel() -> None:
    """Run Comet's Python panels."""


@panel.command()
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@place_options
@click.option(
    "--experiment", "experiments", multiple=True, help="The key of an experiment; all of the project if none."
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="One of the panel's options.")
@click.option("--set", "chosen", multiple=True, metavar="LABEL=VALUE", help="What a widget is to return, by its label.")
@click.option("--width", type=click.IntRange(1), default=1120, show_default=True, help="The panel's width in pixels.")
@click.option("--height", type=click.IntRange(1), default=630, show_default=True, help="The panel's height in pixels.")
@server_options
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The file. [default: SCRIPT.html]"
)
def run(
    script: Path,
    workspace: str | None,
    project: str | None,
    experiments: tuple[str, ...],
    options: tuple[str, ...],
    chosen: tuple[str, ...],
    width: int,
    height: int,
    api_key: str | None,
    url: str | None,
    local: bool,
    output: Path | None,
) -> None:
    """Run SCRIPT inside a panel, where `API` only reads, and write what it shows to one HTML file.

    A script for Comet runs as it is: `import comet_ml` finds this package while it runs. Nobody clicks: a widget
    returns its default or what --set says. Exit code 1 when the script fails; the page then shows where.
    """
    # Where it is does not change with the script's working directory.
    target = (output or Path(f"{script.stem}.html")).absolute()
    if target.exists() and target.samefile(script):
        raise click.BadParameter(f"{target} is the script, which the page would replace", param_hint="--output")
    if not target.parent.is_dir():
        raise click.BadParameter(f"there is no folder {target.parent}", param_hint="--output")
    if local or api_key or url:
        settings = connected(api_key, url, local).settings
        api_key, url = settings.api_key, settings.root
    if project and not workspace and "/" in project:
        workspace, _, project = project.partition("/")
    context = PanelContext(
        options={name: _value(text) for name, text in _pairs("--option", options)},
        workspace=workspace,
        project_name=project,
        experiment_keys=list(experiments) or None,
        width=width,
        height=height,
        api_key=api_key,
        url=url,
    )
    page = Page(script.stem, _facts(context), dict(_pairs("--set", chosen)), width)
    code = scripts.run(script, context, page)
    # A name may hold half a character, which no file does: it costs that character, not the page.
    target.write_bytes(page.html().encode("utf-8", "replace"))
    click.echo(f"{output or target.name}{': the script failed' if code else ''}", err=True)
    for label in page.widgets.unknown:
        there = ", ".join(map(repr, page.widgets.labels)) or "none"
        click.echo(f"No widget is labelled {label!r}; there are: {there}.", err=True)
    if code or page.widgets.unknown:
        raise click.exceptions.Exit(code or 2)


def _pairs(option: str, given: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values. A label may hold an equals sign, a value after it too: the first one divides."""
    pairs = []
    for text in given:
        name, divided, value = text.partition("=")
        if not divided or not name.strip():
            raise click.BadParameter(f"{text!r} has no '='; expected NAME=VALUE", param_hint=option)
        pairs.append((name.strip(), value))
    return pairs


def _value(text: str) -> Any:
    """A panel option: JSON where it is, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _facts(context: PanelContext) -> dict[str, str]:
    keys = context.experiment_keys
    facts = {
        "Workspace": context.workspace,
        "Project": context.project_name,
        "Experiments": str(len(keys)) if keys else None,
        "Options": ", ".join(f"{name} = {value}" for name, value in context.options.items()),
    }
    return {name: value for name, value in facts.items() if value}

"""`zenml-comet env`: the environment by which any Comet client reaches the local Comet."""

from __future__ import annotations

import json
import shlex

import click

from zenml_comet_tracker.local import launch


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def env(as_json: bool) -> None:
    """Print what a shell must export so that Comet clients log to the local Comet, which is started when needed.

    Made for `eval "$(zenml-comet env)"`. What it prints holds the API key.
    """
    server = launch.ensure()
    variables = {"COMET_URL_OVERRIDE": f"{server.url}/clientlib/", "COMET_API_KEY": server.api_key}
    if as_json:
        click.echo(json.dumps(variables))
        return
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")

"""The local Comet: `up`, `down`, `status`, `open`."""

from __future__ import annotations

import json
import shlex
import webbrowser
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click

from zenml_comet_tracker.cli.failures import NOT_RUNNING, Failure
from zenml_comet_tracker.cli.program import typed
from zenml_comet_tracker.local import launch
from zenml_comet_tracker.local.launch import RunningServer


class _Folder(click.Path):
    """A folder's path. Empty it would mean the working directory, which nobody means by it."""

    name = "folder"

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("expected the path of a folder", param, ctx)
        return super().convert(value, param, ctx)


data_option = click.option(
    "--data",
    type=_Folder(),
    default=launch.default_data_folder,
    help="Folder of its database, files and key. [default: ZENML_COMET_LOCAL_DATA, else in the user's data folder]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def typed_for(data: Path, words: str) -> str:
    """`zenml-comet <words>` for that data folder, which is named where another would be meant without."""
    return typed(words if data == launch.default_data_folder() else f"{words} --data {shlex.quote(str(data))}")


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on. [default: the one used before]")
@data_option
@json_option
def up(port: int | None, data: Path, as_json: bool) -> None:
    """Start the local Comet, or say where it runs already. It stays up until `zenml-comet down`."""
    running = launch.ensure(data, port=port, idle_seconds=0)
    if port is not None and urlsplit(running.url).port != port:
        raise Failure(f"The local Comet runs at {running.url} already. Stop it first: {typed_for(data, 'down')}", 3)
    _tell(running, as_json)


@click.command()
@data_option
def down(data: Path) -> None:
    """Stop the local Comet. What was logged stays."""
    click.echo("Stopped." if launch.stop(data) else "No local Comet was running.")


@click.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Say whether and where the local Comet runs. Exit code 6 when it does not."""
    running = launch.find(data)
    if running is not None:
        _tell(running, as_json)
        return
    if as_json:
        click.echo(json.dumps({"running": False, "data": str(data)}))
    raise _not_running(data)


@click.command("open")
@click.argument("address", default="/")
@click.option("--print", "--no-browser", "print_only", is_flag=True, help="Only print the link.")
@data_option
@json_option
def open_page(address: str, print_only: bool, data: Path, as_json: bool) -> None:
    """Open the local Comet in the browser, signed in; at ADDRESS, the URL of one of its pages, when given."""
    running = launch.find(data)
    if running is None:
        raise _not_running(data)
    link = sign_in_link(running, _path(address, running))
    if as_json:
        click.echo(json.dumps({"url": link, "expires_seconds": 60}))
        return
    click.echo(link)
    if not print_only and not webbrowser.open(link):
        click.echo("No browser could be opened. The link above works once, within a minute.", err=True)


def sign_in_link(server: RunningServer, path: str = "/") -> str:
    """A link that signs one browser in, once, within a minute, and leads to `path`."""
    # Takes long to load, and only this command needs it.
    from zenml_comet_tracker.comet.transport import Transport

    answer = Transport(server.url, server.api_key).post_json("api/local/sign-in-codes", {})
    return f"{server.url}/sign-in?code={quote(str(answer['code']), safe='')}&next={quote(path, safe='')}"


def _path(address: str, server: RunningServer) -> str:
    """The page's path out of an address as it stands in ZenML's metadata."""
    if address.startswith("/"):
        return address
    try:
        parts = urlsplit(address)
        here = parts.port == urlsplit(server.url).port and parts.hostname in ("127.0.0.1", "localhost")
    except ValueError:
        here = False
    if not here:
        raise click.BadParameter(f"{address} is not on the local Comet at {server.url}.", param_hint="ADDRESS")
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _tell(server: RunningServer, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "running": True,
        "url": server.url,
        "pid": server.pid,
        "version": server.version,
        "data": str(server.data),
        "api_key_file": str(server.data / "api_key"),
        "started": datetime.fromtimestamp(server.started).astimezone().isoformat(timespec="seconds"),
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    click.echo(f"Local Comet runs at {server.url} (process {server.pid}, since {facts['started']})")
    click.echo(f"Data     {facts['data']}")
    click.echo(f"API key  {facts['api_key_file']}")
    click.echo(f"Open     {typed_for(server.data, 'open')}")


def _not_running(data: Path) -> Failure:
    known = launch.address(data)
    where = f" It was at {known.url}." if known is not None else ""
    return Failure(
        f"No local Comet runs with the data in {data}.{where} Start it: {typed_for(data, 'up')}", NOT_RUNNING
    )

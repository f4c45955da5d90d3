"""`zenml-comet local keys`: who else may use the local Comet, and no longer."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenml_comet_tracker.cli.failures import Failure
from zenml_comet_tracker.cli.owner import get, opened, post
from zenml_comet_tracker.cli.server import data_option, json_option
from zenml_comet_tracker.local import folder, launch

if TYPE_CHECKING:
    from zenml_comet_tracker.local.store.store import Store

_OWNER = "(the owner's)"


@click.group()
def keys() -> None:
    """The API keys of the local Comet: the owner's, in the data folder's file, and named ones that can be revoked.

    Works whether the server runs or not; a running one obeys at once.
    """


@keys.command("list")
@data_option
@json_option
def list_keys(data: Path, as_json: bool) -> None:
    """Show the names of all keys, when they were made, and the day they were last used; never the keys."""
    running = launch.find(data)
    found = get(running, "keys")["keys"] if running is not None else _stored_keys(data)
    if as_json:
        click.echo(json.dumps({"keys": found}))
        return
    click.echo(f"{_OWNER:24} {data / 'api_key'}")
    for key in found:
        used = f"last used {_day(key['used_millis'])}" if key["used_millis"] is not None else "never used"
        ended = f", revoked {_day(key['revoked_millis'])}" if key["revoked_millis"] is not None else ""
        click.echo(f"{key['name']:24} made {_day(key['created_millis'])}, {used}{ended}")


@keys.command()
@click.argument("name")
@data_option
@json_option
def add(name: str, data: Path, as_json: bool) -> None:
    """Make a key called NAME and print it, this once."""
    running = launch.find(data)
    key = str(post(running, "keys/add", {"name": name})["apiKey"]) if running is not None else _store_key(data, name)
    click.echo(json.dumps({"name": name, "api_key": key}) if as_json else key)


@keys.command()
@click.argument("name")
@data_option
def revoke(name: str, data: Path) -> None:
    """End the key called NAME at once."""
    running = launch.find(data)
    if running is not None:
        post(running, "keys/revoke", {"name": name})
    else:
        _end_key(data, name)
    click.echo(f"The key {name} is good for nothing any more.")


@keys.command()
@data_option
def rotate(data: Path) -> None:
    """Replace the owner's key, in its file. The old one ends at once, and all browsers are signed out."""
    running = launch.find(data)
    if running is not None:
        post(running, "keys/rotate", {})
    else:
        with _opened(data):
            folder.rotate_api_key(data)
    click.echo(f"{data / 'api_key'} holds a new key. What runs with the old one has to be told.")


def _opened(data: Path) -> AbstractContextManager[Store]:
    """The store in the folder, which is not made: a mistyped name is no new local Comet."""
    if folder.read_api_key(data) is None and not (data / "comet.db").exists():
        raise Failure(f"There are no data of a local Comet in {data}. Choose the data folder with --data.", 4)
    return opened(data)


def _stored_keys(data: Path) -> list[dict[str, Any]]:
    from zenml_comet_tracker.local.store import keys as stored

    with _opened(data) as store, store.read() as connection:
        return [asdict(key) for key in stored.everyone(connection)]


def _store_key(data: Path, name: str) -> str:
    from zenml_comet_tracker.local.store import keys as stored

    with opened(data) as store, store.write() as transaction:
        return stored.add(transaction, name)


def _end_key(data: Path, name: str) -> None:
    from zenml_comet_tracker.local.store import keys as stored

    with _opened(data) as store, store.write() as transaction:
        stored.revoke(transaction, name)


def _day(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000).astimezone().date().isoformat()

"""`zenml-comet setup`: all that ZenML needs for a tracked pipeline, in one command."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from zenml_comet_tracker.cli import connecting
from zenml_comet_tracker.cli.failures import CONFIGURATION, TOLD, Failure
from zenml_comet_tracker.cli.program import typed
from zenml_comet_tracker.cli.registration.changes import KEY, Change, carry_out

if TYPE_CHECKING:
    from zenml.client import Client

_NO_KEY = (
    "No Comet API key was found. Set COMET_API_KEY, give --api-key, or take the local Comet, which needs none: "
    "zenml-comet setup --local"
)
_NAME, _STACK = "comet_tracker", "comet_stack"


@dataclass(frozen=True)
class Wish:
    """What the options name; None where they leave it to what is there, or to the defaults."""

    local: bool = False
    url: str | None = None
    api_key: str | None = None
    workspace: str | None = None
    project: str | None = None
    name: str = _NAME
    stack: str | None = None


@click.command("setup")
@click.option("--local", is_flag=True, help="Track on the local Comet, which needs no account and no key.")
@click.option("--url", help="Root of a self-hosted Comet. [default: as configured, else comet.com]")
@click.option("--api-key", help="API key. [default: COMET_API_KEY, else as configured, else it is asked for]")
@click.option("--workspace", help="Workspace of all steps. [default: the account's default]")
@click.option("--project", help="Project of all steps, or WORKSPACE/PROJECT. [default: the server's default]")
@click.option("--name", help=f"Name of the experiment tracker. [default: {_NAME}]")
@click.option("--stack", help=f"Stack that gets the tracker, made when it is not there. [default: {_STACK}]")
@click.option("--from-builtin", metavar="NAME", help="Convert the stacks with ZenML's own Comet tracker NAME.")
@click.option("--update", is_flag=True, help="Change what is registered under these names and differs.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def setup(
    local: bool,
    url: str | None,
    api_key: str | None,
    workspace: str | None,
    project: str | None,
    name: str | None,
    stack: str | None,
    from_builtin: str | None,
    update: bool,
    dry_run: bool,
) -> None:
    """Register flavor, secret, experiment tracker and stack in ZenML, and make the stack the active one.

    Says the `zenml` commands that it stands for. Done again it changes nothing. The stack is a copy of the active one
    with the tracker, or the one that is named. When a change fails, those before it are taken back.
    """
    workspace, project = connecting.split(workspace, project)
    _check_options(local, (url, api_key, workspace, project), from_builtin)
    with _told():
        from zenml.client import Client

        client = Client()
        notes: list[str] = []
        if from_builtin:
            from zenml_comet_tracker.cli.registration.conversion import conversion

            changes, notes = conversion(client, from_builtin, name, stack)
        else:
            wish = Wish(local or url == "local", url, api_key, workspace, project, name or _NAME, stack)
            changes = plan(client, wish)
        _refuse_overwriting(changes, update)
        if dry_run:
            click.echo("Nothing is done (--dry-run). It would be:\n")
        else:
            carry_out(changes)
    _say(changes, notes)
    if not from_builtin and not dry_run:
        click.echo(f'\nUse it    @step(experiment_tracker="{name or _NAME}")')
        click.echo(f"Check it  {typed('doctor')}")


def plan(client: Client, wish: Wish) -> list[Change]:
    """What has to change in ZenML so that the wish is so."""
    from zenml_comet_tracker.cli.registration.flavors import flavor_change
    from zenml_comet_tracker.cli.registration.stacks import activation, stack_change
    from zenml_comet_tracker.cli.registration.trackers import tracker_change

    stack = wish.stack or _stack_name(client, wish.name)
    if wish.local:
        _require_machine(client, stack)
    configuration, secret = _access(client, wish)
    places = {"workspace": wish.workspace, "project_name": wish.project}
    configuration |= {field: value for field, value in places.items() if value}
    return [
        flavor_change(client),
        *secret,
        tracker_change(client, wish.name, configuration),
        stack_change(client, stack, wish.name),
        activation(client, stack),
    ]


def _require_machine(client: Client, stack: str) -> None:
    """The local Comet is on the machine where a step runs; refuses stacks that run them elsewhere."""
    from zenml_comet_tracker.cli.registration.stacks import runs_elsewhere, stack_named

    used = stack_named(client, stack) or client.active_stack_model
    orchestrator = runs_elsewhere(used)
    if orchestrator:
        raise Failure(
            f"The stack {used.name} runs steps on other machines or in containers, by its orchestrator {orchestrator}; "
            "they would each have a local Comet of their own, which goes with them. Name a Comet that they can reach "
            "(--url, or comet.com), or begin with a stack that runs steps here: zenml stack set default",
            CONFIGURATION,
        )


def _access(client: Client, wish: Wish) -> tuple[dict[str, Any], list[Change]]:
    """Where the tracker finds Comet and with which key, and the secret that holds it."""
    from zenml_comet_tracker.cli.registration import secrets, trackers
    from zenml_comet_tracker.comet import settings
    from zenml_comet_tracker.flavor import LOCAL
    from zenml_comet_tracker.local import launch

    if wish.local:
        launch.require_extra()
        return {"url": LOCAL, KEY: None}, []
    stored = trackers.our_tracker(client, wish.name)
    known = stored.configuration if stored is not None else {}
    secret = secrets.own_secret(known.get(KEY)) or wish.name
    url: dict[str, Any] = {}
    if wish.url:
        url = {"url": settings.OFFLINE if wish.url == settings.OFFLINE else settings.root_of(wish.url)}
    elif known.get("url") == LOCAL:
        url = {"url": None}
    if not wish.api_key and known.get(KEY) and secrets.holds_key(client, known[KEY]):
        return url, []
    reference = secrets.reference_to(secret)
    if not wish.api_key and secrets.holds_key(client, reference):
        return {**url, KEY: reference}, [Change(f"Secret {secret}")]
    if not wish.api_key and wish.url == settings.OFFLINE:
        return url, []
    found = _found(wish)
    if not url and stored is None and found.root != settings.DEFAULT_ROOT:
        # The key is that server's; where the step runs the environment may not say so.
        url = {"url": found.root}
    return {**url, KEY: reference}, [secrets.secret_change(client, secret, found.api_key)]


def _found(wish: Wish) -> Any:
    """The settings in force, with the key that was given, is configured, or is now typed."""
    from zenml_comet_tracker.comet.errors import ConfigurationError
    from zenml_comet_tracker.comet.settings import resolve

    try:
        return resolve(api_key=wish.api_key, url=wish.url)
    except ConfigurationError:
        if wish.api_key:
            raise
    if not sys.stdin.isatty():
        raise Failure(_NO_KEY, CONFIGURATION)
    return resolve(api_key=click.prompt("Comet API key", hide_input=True, err=True), url=wish.url)


def _stack_name(client: Client, tracker: str) -> str:
    """The stack where none is named: the active one if it has the tracker already."""
    from zenml_comet_tracker.cli.registration.stacks import trackers_of

    active = client.active_stack_model
    if tracker in [one.name for one in trackers_of(active)]:
        return active.name
    return _STACK if tracker == _NAME else f"{tracker}_stack"


def _check_options(local: bool, others: tuple[str | None, ...], from_builtin: str | None) -> None:
    url, api_key, *_ = others
    if local and (url or api_key):
        raise click.UsageError("--local says where the server is and brings its key; leave out --api-key and --url.")
    if from_builtin and (local or any(others)):
        raise click.UsageError(
            "--from-builtin takes server, key, workspace and project from the component that it converts; with it go "
            "--name, --stack, --update and --dry-run."
        )


def _refuse_overwriting(changes: list[Change], update: bool) -> None:
    overwritten = [change.overwrites for change in changes if change.overwrites]
    if overwritten and not update:
        raise Failure(
            "\n".join(
                [
                    "Nothing was changed, because others may use what is registered already:",
                    *(f"  {line}" for line in overwritten),
                    "Add --update to change it, or give other names: --name, --stack.",
                ]
            ),
            2,
        )


def _say(changes: list[Change], notes: list[str]) -> None:
    for change in changes:
        click.echo(str(change))
        for command in change.commands:
            click.echo(f"    {command}")
    if notes:
        click.echo("\nWhat is left to you:")
    for note in notes:
        click.echo(f"  - {note}")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turns what ZenML raises into a message: it has no error of its own for "the store did not do it"."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, *TOLD):
        raise
    except Exception as error:
        said = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        raise Failure(f"ZenML did not do it: {said or type(error).__name__}. Nothing was changed.") from error

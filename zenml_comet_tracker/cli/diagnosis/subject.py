"""What the doctor examines: the tracker that ZenML would use, or what options, environment and files say."""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from zenml_comet_tracker.cli.diagnosis.findings import Finding, failed, note, ok
from zenml_comet_tracker.cli.failures import failure
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.local.errors import LocalServerError

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ComponentResponse, StackResponse

    from zenml_comet_tracker.comet.settings import ResolvedSettings
    from zenml_comet_tracker.flavor import CometExperimentTrackerConfig

_SET_UP = "Register one: zenml-comet setup"
_NAME_KEY = "Set COMET_API_KEY, give --api-key, or take the local Comet: --local"


class Question(NamedTuple):
    """What the user asked about; `timeout` is in seconds and for each question to the network."""

    api_key: str | None = None
    url: str | None = None
    local: bool = False
    workspace: str | None = None
    project: str | None = None
    component: str | None = None
    timeout: float = 10.0

    @property
    def names_server(self) -> bool:
        """Whether the options say which server, so that ZenML need not be asked."""
        return bool(self.local or self.url or self.api_key)


class Subject(NamedTuple):
    """What is examined; no settings when they cannot be made out, no client when ZenML is not asked."""

    settings: ResolvedSettings | None = None
    client: Client | None = None
    journal_folder: str | None = None
    journal_max_bytes: int | None = None
    journal_persistent: bool | None = None


Search = Generator[Finding, None, Subject]


def find_subject(question: Question) -> Search:
    """The subject, after what was found on the way to it."""
    if question.names_server or not (question.component or _zenml_is_there()):
        return (yield from _of_options(question))
    from zenml_comet_tracker.flavor import FLAVOR

    try:
        from zenml.client import Client

        client = Client()
        stack = client.active_stack_model
        there = _asked_for(client, stack, question.component)
    except Exception as error:
        # ZenML's store may be elsewhere, and away; its errors have no common base.
        yield failed("configuration", f"ZenML's store cannot be read: {_said(error)}", "Look at it with: zenml status")
        return Subject()
    ours = next((one for one in there if one.flavor_name == FLAVOR), None)
    if ours is not None:
        return (yield from _of_component(question, client, ours))
    if question.component:
        yield failed("configuration", *_not_ours(question.component, there))
        return Subject(client=client)
    lacks = f"the active stack {stack.name} has no tracker of this package"
    return (yield from _of_options(question, client, lacks, _converting(there)))


def _zenml_is_there() -> bool:
    """Whether this user has a ZenML at all: to ask it would make one."""
    folder = os.environ.get("ZENML_CONFIG_PATH") or click.get_app_dir("zenml")
    return Path(folder, "config.yaml").exists() or "ZENML_STORE_URL" in os.environ


def _asked_for(client: Client, stack: StackResponse, name: str | None) -> list[ComponentResponse]:
    """The tracker of that name, of whatever flavor; without a name those of the stack."""
    from zenml_comet_tracker.cli.registration.stacks import trackers_of
    from zenml_comet_tracker.cli.registration.trackers import tracker_named

    if name is None:
        return trackers_of(stack)
    named = tracker_named(client, name)
    return [] if named is None else [named]


def _not_ours(name: str, there: list[ComponentResponse]) -> tuple[str, str]:
    """What the tracker of that name is instead, and what helps."""
    if not there:
        return f"ZenML has no experiment tracker {name} of the flavor comet_rest.", _SET_UP
    return f"The experiment tracker {name} is of the flavor {there[0].flavor_name}, not comet_rest.", _converting(there)


def _converting(there: list[ComponentResponse]) -> str:
    """How a tracker of ours gets there: made out of ZenML's own for Comet, if that is what is there."""
    from zenml_comet_tracker.cli.registration.stacks import BUILTIN

    builtin = next((one for one in there if one.flavor_name == BUILTIN), None)
    if builtin is None:
        return _SET_UP
    return f"Convert ZenML's own Comet tracker: zenml-comet setup --from-builtin {shlex.quote(builtin.name)}"


def _of_options(question: Question, client: Client | None = None, lacks: str = "", cure: str = _SET_UP) -> Search:
    """What options, environment and Comet's files say; `lacks` is what ZenML needs besides, `cure` how it gets it."""
    from zenml_comet_tracker.comet.settings import resolve
    from zenml_comet_tracker.local import launch

    subject = Subject(client=client)
    key, url = question.api_key, question.url
    try:
        if question.local or url == "local":
            server = launch.ensure()
            key, url = server.api_key, server.url
        settings = resolve(
            api_key=key, url=url, workspace=question.workspace or None, project_name=question.project or None
        )
    except (ConfigurationError, LocalServerError) as error:
        yield _unusable(error, cure if lacks else _NAME_KEY)
        return subject
    told = f"options, environment and files: {_where(settings)}"
    yield note("configuration", f"{told}; {lacks}", cure) if lacks else ok("configuration", told)
    return subject._replace(settings=settings)


def _of_component(question: Question, client: Client, stored: ComponentResponse) -> Search:
    """What the tracker of a stack would use; every secret that it refers to is read."""
    from zenml.utils import env_utils

    from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings
    from zenml_comet_tracker.tracker import access

    name = stored.name
    subject = Subject(client=client)
    try:
        config: CometExperimentTrackerConfig = CometExperimentTrackerConfig(**stored.configuration)
        if elsewhere := _out_of_reach(client, stored):
            yield elsewhere
            return subject
        subject = Subject(None, client, config.journal_folder, config.journal_max_bytes, config.journal_persistent)
        place = CometExperimentTrackerSettings(
            workspace=question.workspace or config.workspace, project_name=question.project or config.project_name
        )
        settings = access.resolve(config, place, env_utils.resolve_secrets(stored.secrets))
    except (ConfigurationError, LocalServerError) as error:
        yield _unusable(error, _to_be_set(name, error))
        return subject
    except (KeyError, ValueError) as error:
        # A secret that is gone, or that this user may not read; a value that the configuration does not take.
        yield failed("configuration", f"tracker {name}: {_said(error)}", _cure(name, stored.configuration))
        return subject
    yield ok("configuration", f"tracker {name}: {_where(settings)}")
    return subject._replace(settings=settings)


def _out_of_reach(client: Client, stored: ComponentResponse) -> Finding | None:
    """The finding when the active stack takes steps away from the machine that the tracker's local Comet is on."""
    from zenml_comet_tracker.cli.registration.stacks import runs_elsewhere, trackers_of
    from zenml_comet_tracker.flavor import LOCAL

    stack = client.active_stack_model
    if stored.configuration.get("url") != LOCAL or stored.id not in [one.id for one in trackers_of(stack)]:
        return None
    orchestrator = runs_elsewhere(stack)
    if orchestrator is None:
        return None
    told = f"tracker {stored.name} is for the local Comet, and the orchestrator {orchestrator} runs steps elsewhere"
    fix = f"Name a Comet that they can reach: zenml experiment-tracker update {stored.name} --url=... --api_key=..."
    return failed("configuration", told, fix)


def _to_be_set(name: str, error: Exception) -> str:
    from zenml_comet_tracker.comet.settings import NO_KEY

    if str(error) == NO_KEY:
        return (
            f"Give it one: zenml-comet setup --name {name} --api-key ...; "
            f"or the local Comet: zenml experiment-tracker update {name} --url=local"
        )
    return f"Set it on the component: zenml experiment-tracker update {name} --<setting>=<value>"


def _cure(name: str, configuration: dict[str, object]) -> str:
    from zenml_comet_tracker.cli.registration.secrets import own_secret

    reference = configuration.get("api_key")
    secret = own_secret(reference) if isinstance(reference, str) else None
    if secret:
        return f"Make the secret anew: zenml-comet setup --name {name} --api-key ..."
    return f"Look at it with: zenml experiment-tracker describe {name}"


def _unusable(error: ConfigurationError | LocalServerError, fix: str) -> Finding:
    if isinstance(error, LocalServerError):
        return failed("local Comet", str(error), "", failure(error).exit_code)
    return failed("configuration", str(error), fix)


def _where(settings: ResolvedSettings) -> str:
    names = [settings.workspace, settings.project_name]
    place = "/".join(name or "(default)" for name in names) if any(names) else "the default project"
    return f"{'offline, for ' if settings.offline else ''}{settings.root}, {place}"


def _said(error: Exception) -> str:
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error) or type(error).__name__

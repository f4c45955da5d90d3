"""The experiment tracker of our flavor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.cli.failures import Failure
from zenml_comet_tracker.cli.registration.changes import KEY, Change, zenml

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ComponentResponse


def tracker_named(client: Client, name: str) -> ComponentResponse | None:
    """The experiment tracker with exactly this name."""
    from zenml.enums import StackComponentType

    try:
        return client.get_stack_component(StackComponentType.EXPERIMENT_TRACKER, name, allow_name_prefix_match=False)
    except KeyError:
        return None


def new_tracker(
    client: Client, name: str, configuration: Mapping[str, Any], like: ComponentResponse | None = None
) -> Change:
    """A tracker `name` of our flavor is registered; what is attached to it is what is attached to `like`."""
    from zenml.enums import StackComponentType

    from zenml_comet_tracker.flavor import FLAVOR

    kind = StackComponentType.EXPERIMENT_TRACKER
    secrets, environment, labels = (like.secrets, like.environment, like.labels) if like else ([], {}, None)
    attached = [f"--secret={client.get_secret(secret).name}" for secret in secrets]
    attached += [f"--env={variable}={value}" for variable, value in environment.items()]
    attached += [f"--label={label}={value}" for label, value in (labels or {}).items()]
    return Change(
        f"Tracker {name}",
        "is registered",
        (zenml("experiment-tracker", "register", name, f"--flavor={FLAVOR}", *_options(configuration), *attached),),
        lambda: client.create_stack_component(
            name,
            FLAVOR,
            kind,
            dict(configuration),
            labels=labels,
            secrets=secrets or None,
            environment=environment or None,
        ),
        lambda: client.delete_stack_component(name, kind),
    )


def renamed_tracker(client: Client, stored: ComponentResponse, name: str) -> Change:
    """A tracker is called otherwise."""
    return Change(
        f"Tracker {stored.name}",
        f"is called {name} from now on",
        (zenml("experiment-tracker", "rename", stored.name, name),),
        lambda: client.update_stack_component(stored.id, stored.type, name=name),
        lambda: client.update_stack_component(stored.id, stored.type, name=stored.name),
    )


def tracker_change(client: Client, name: str, wanted: Mapping[str, Any]) -> Change:
    """The tracker `name` of our flavor has this configuration; None takes a value away, what is not named stays."""
    what = f"Tracker {name}"
    stored = our_tracker(client, name)
    if stored is None:
        return new_tracker(client, name, {field: value for field, value in wanted.items() if value is not None})
    before = stored.configuration
    differing = {field: value for field, value in wanted.items() if before.get(field) != value}
    if not differing:
        return Change(what)
    added = {field: value for field, value in differing.items() if value is not None}
    removed = [field for field, value in differing.items() if value is None]
    commands = [zenml("experiment-tracker", "update", name, *_options(added))] if added else []
    if removed:
        commands.append(zenml("experiment-tracker", "remove-attribute", name, *removed))
    told = ", ".join(f"{field} {_shown(field, before)} -> {_shown(field, wanted)}" for field in differing)
    return Change(
        what,
        f"is changed: {told}",
        tuple(commands),
        lambda: client.update_stack_component(stored.id, stored.type, configuration=differing),
        lambda: client.update_stack_component(
            stored.id, stored.type, configuration={field: before.get(field) for field in differing}
        ),
        overwrites=f"{what} is set otherwise ({told})" if any(field in before for field in differing) else "",
    )


def our_tracker(client: Client, name: str) -> ComponentResponse | None:
    """The tracker of our flavor with this name; `Failure` when it is one of another flavor."""
    from zenml_comet_tracker.flavor import FLAVOR

    stored = tracker_named(client, name)
    if stored is None or stored.flavor_name == FLAVOR:
        return stored
    cure = f" To move it to this package: zenml-comet setup --from-builtin {name}"
    raise Failure(
        f"The experiment tracker {name} is there already, of the flavor {stored.flavor_name}. "
        f"Choose another name: --name.{cure if stored.flavor_name == 'comet' else ''}",
        2,
    )


def _options(configuration: Mapping[str, Any]) -> list[str]:
    """As ZenML's command takes them: texts as they are, the rest as JSON."""
    return [
        f"--{field}={value if isinstance(value, str) else json.dumps(value)}" for field, value in configuration.items()
    ]


def _shown(field: str, configuration: Mapping[str, Any]) -> str:
    value = configuration.get(field)
    if value is None:
        return "(none)"
    return "(a plain key)" if field == KEY and not str(value).startswith("{{") else str(value)

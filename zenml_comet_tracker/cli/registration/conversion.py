"""A stack with ZenML's own Comet tracker becomes one with ours, so that its pipelines run on as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zenml_comet_tracker.cli.failures import NOT_FOUND, Failure
from zenml_comet_tracker.cli.registration.changes import KEY, THERE, Change
from zenml_comet_tracker.cli.registration.flavors import flavor_change
from zenml_comet_tracker.cli.registration.secrets import reference_to, secret_change
from zenml_comet_tracker.cli.registration.stacks import BUILTIN, replacement, stack_named, trackers_of
from zenml_comet_tracker.cli.registration.trackers import (
    new_tracker,
    our_tracker,
    renamed_tracker,
    tracker_change,
    tracker_named,
)

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ComponentResponse, StackResponse

_SUFFIX = "_builtin"
_SAME = (KEY, "workspace", "project_name", "run_name", "tags")
# Arguments of the official SDK's `Experiment`, which the built-in component takes in its `settings`, and ours for them.
_SWITCHES = {
    "log_code": "log_code",
    "log_git_metadata": "log_git",
    "log_env_details": "log_environment",
    "auto_output_logging": "log_output",
    "workspace": "workspace",
    "project_name": "project_name",
}


class Conversion(NamedTuple):
    """What is to be changed, and what the user should know that no change can do."""

    changes: list[Change]
    notes: list[str]


def conversion(client: Client, builtin: str, name: str | None, stack: str | None) -> Conversion:
    """The plan for the built-in component called `builtin`.

    Ours takes over its name, so that steps which name it run on unchanged, and it stays registered as
    `<builtin>_builtin`; with `name` ours is called so, and the built-in one keeps its name. Ours takes its place in
    `stack`, else in every stack that has it.
    """
    old = _old(client, builtin)
    target = name or builtin
    takes_over = target == builtin
    stacks = _stacks(client, old, stack, takes_over)
    spared = f"{builtin}{_SUFFIX}" if takes_over else old.name
    configuration, left_out = _converted(old)
    notes = _notes(target, spared, takes_over, left_out)
    if not _is_reference(configuration.get(KEY, "")):
        notes.append(f"{spared} still holds its API key in plain text: zenml experiment-tracker delete {spared}")
    replacements = [replacement(client, one, old, target, spared) for one in stacks]
    if takes_over and old.name != builtin:
        # It was converted before, and may have been given other settings since.
        return Conversion([flavor_change(client), Change(f"Tracker {target}", THERE), *replacements], notes)
    changes = [flavor_change(client)]
    key = configuration.get(KEY)
    if key and not _is_reference(key):
        changes.append(secret_change(client, target, key))
        configuration[KEY] = reference_to(target)
    if takes_over:
        _require_free(client, spared)
        changes += [renamed_tracker(client, old, spared), new_tracker(client, target, configuration, like=old)]
    elif our_tracker(client, target) is None:
        changes.append(new_tracker(client, target, configuration, like=old))
    else:
        changes.append(tracker_change(client, target, configuration))
    return Conversion([*changes, *replacements], notes)


def _old(client: Client, builtin: str) -> ComponentResponse:
    """The component to be converted; after an earlier conversion it has another name."""
    from zenml_comet_tracker.flavor import FLAVOR

    found = tracker_named(client, builtin)
    if found is not None and found.flavor_name == FLAVOR:
        renamed = tracker_named(client, f"{builtin}{_SUFFIX}")
        found = renamed if renamed is not None and renamed.flavor_name == BUILTIN else found
    if found is not None and found.flavor_name == BUILTIN:
        return found
    if found is not None:
        raise Failure(f"The experiment tracker {builtin} is of the flavor {found.flavor_name}, not {BUILTIN}.", 2)
    from zenml.enums import StackComponentType

    there = client.list_stack_components(type=StackComponentType.EXPERIMENT_TRACKER, flavor=BUILTIN).items
    names = ", ".join(component.name for component in there) or "none"
    raise Failure(f"There is no experiment tracker {builtin}. Of the flavor {BUILTIN} there is: {names}.", NOT_FOUND)


def _stacks(client: Client, old: ComponentResponse, only: str | None, takes_over: bool) -> list[StackResponse]:
    """The stacks in which the component is replaced."""
    from zenml.utils.pagination_utils import depaginate

    having = list(depaginate(client.list_stacks, component_id=old.id, hydrate=True))
    if only is None:
        return having
    stored = stack_named(client, only)
    if stored is None:
        raise Failure(f"There is no stack {only}.", NOT_FOUND)
    if old.id not in [tracker.id for tracker in trackers_of(stored)] and having:
        raise Failure(f"The stack {only} does not have {old.name}; {', '.join(one.name for one in having)} has.", 2)
    others = [one.name for one in having if one.name != only]
    if takes_over and others:
        raise Failure(
            f"{', '.join(others)} would keep the built-in tracker under another name, and steps that name {old.name} "
            "would not run there any more. Leave out --stack to convert them all, or give the new tracker a name of "
            "its own: --name.",
            2,
        )
    return [one for one in having if one.name == only]


def _require_free(client: Client, name: str) -> None:
    if tracker_named(client, name) is not None:
        raise Failure(
            f"The built-in tracker would be called {name}, and there is one of that name already. Rename that one, or "
            "give the new tracker a name of its own: --name.",
            2,
        )


def _converted(old: ComponentResponse) -> tuple[dict[str, Any], list[str]]:
    """Our configuration for the built-in component's, and the arguments of `Experiment` that ours has nothing for."""
    from zenml_comet_tracker.flavor import CometExperimentTrackerSettings

    stored = old.configuration
    configuration = {field: stored[field] for field in _SAME if stored.get(field)}
    left_out = []
    for argument, value in (stored.get("settings") or {}).items():
        field = _SWITCHES.get(argument)
        if field in CometExperimentTrackerSettings.model_fields and field not in configuration:
            configuration[field] = bool(value) if field.startswith("log_") else value
        else:
            left_out.append(argument)
    return configuration, left_out


def _is_reference(value: str) -> bool:
    from zenml.utils import secret_utils

    return secret_utils.is_secret_reference(value)


def _notes(target: str, spared: str, takes_over: bool, left_out: list[str]) -> list[str]:
    """What no change in ZenML's store can do."""
    named = (
        f"Steps keep experiment_tracker={target!r}: that is the new tracker now. The built-in one is {spared!r}, in no "
        "stack any more."
        if takes_over
        else f"Steps that name the tracker have to name the new one: experiment_tracker={target!r}."
    )
    notes = [
        named,
        "Settings under the key 'experiment_tracker.comet' are ignored from now on (ZenML warns of it): write "
        "'experiment_tracker', which works with both.",
        "CometExperimentTrackerSettings comes from zenml_comet_tracker. It knows run_name and tags as before; what was "
        "in settings={'settings': {...}} for comet_ml.Experiment has settings of its own: project_name, log_code, ...",
        "Images, schedules and deployments that were built with the built-in tracker have to be built anew.",
    ]
    if left_out:
        notes.append(f"Nothing stands for these of the old component's settings: {', '.join(left_out)}.")
    return notes

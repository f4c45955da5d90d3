"""Registers in ZenML what a tracked pipeline needs. Every function leaves the same state however often it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenml.client import Client


def register_flavor(client: Client) -> None:
    """The flavor `comet_rest` is known to ZenML."""
    from zenml.enums import StackComponentType

    from zenml_comet_tracker.flavor import FLAVOR, SOURCE

    try:
        client.get_flavor_by_name_and_type(FLAVOR, StackComponentType.EXPERIMENT_TRACKER)
    except KeyError:
        client.create_flavor(SOURCE, StackComponentType.EXPERIMENT_TRACKER)


def register_secret(client: Client, name: str, values: dict[str, str]) -> None:
    """The secret `name` holds exactly these values."""
    try:
        stored = client.get_secret(name, allow_partial_name_match=False)
    except KeyError:
        client.create_secret(name, values)
        return
    if stored.secret_values != values:
        gone = [key for key in stored.secret_values if key not in values]
        client.update_secret(stored.id, add_or_update_values=values, remove_values=gone)


def register_tracker(client: Client, name: str, configuration: dict[str, Any]) -> None:
    """The experiment tracker `name` of our flavor has this configuration."""
    from zenml.enums import StackComponentType

    from zenml_comet_tracker.flavor import FLAVOR

    kind = StackComponentType.EXPERIMENT_TRACKER
    try:
        stored = client.get_stack_component(kind, name, allow_name_prefix_match=False)
    except KeyError:
        client.create_stack_component(name, FLAVOR, kind, configuration)
        return
    # ZenML merges an update into what is stored, and takes None for "remove".
    wanted: dict[str, Any] = {**dict.fromkeys(stored.configuration), **configuration}
    if wanted != stored.configuration:
        client.update_stack_component(stored.id, kind, configuration=wanted)


def register_stack(client: Client, name: str, tracker: str) -> None:
    """The stack `name` has the default orchestrator and artifact store and this tracker, and is the active one."""
    from zenml.enums import StackComponentType

    try:
        client.get_stack(name, allow_name_prefix_match=False)
    except KeyError:
        client.create_stack(
            name,
            {
                StackComponentType.ORCHESTRATOR: "default",
                StackComponentType.ARTIFACT_STORE: "default",
                StackComponentType.EXPERIMENT_TRACKER: tracker,
            },
        )
    if client.active_stack_model.name != name:
        client.activate_stack(name)

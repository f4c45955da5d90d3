"""The stacks that have the tracker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.cli.failures import Failure
from zenml_comet_tracker.cli.registration.changes import THERE, Change, zenml

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ComponentResponse, StackResponse

# The flavor of ZenML's own Comet tracker.
BUILTIN = "comet"
_DEFAULT_STACK = "default"


def stack_named(client: Client, name: str) -> StackResponse | None:
    """The stack with exactly this name."""
    try:
        return client.get_stack(name, allow_name_prefix_match=False)
    except KeyError:
        return None


def trackers_of(stack: StackResponse) -> list[ComponentResponse]:
    """The experiment trackers of a stack; the first is the one that counts where none is named."""
    from zenml.enums import StackComponentType

    return list(stack.components.get(StackComponentType.EXPERIMENT_TRACKER) or ())


def runs_elsewhere(stack: StackResponse) -> str | None:
    """The orchestrator of a stack, in words, when it runs steps on other machines or in containers."""
    from zenml.enums import StackComponentType
    from zenml.stack import StackComponent

    from zenml_comet_tracker.tracker.validation import is_elsewhere

    for stored in stack.components.get(StackComponentType.ORCHESTRATOR) or ():
        try:
            orchestrator = StackComponent.from_model(stored)
        except ImportError:
            # What it needs is not installed here; ZenML says so when a pipeline is run.
            continue
        if is_elsewhere(orchestrator):
            return f"{stored.name} ({stored.flavor_name})"
    return None


def stack_change(client: Client, name: str, tracker: str) -> Change:
    """The stack `name` has this tracker: added after those it has, or in a copy of the active stack."""
    from zenml.enums import StackComponentType

    kind, what = StackComponentType.EXPERIMENT_TRACKER, f"Stack {name}"
    stored = stack_named(client, name)
    if stored is None:
        active = client.active_stack_model
        gone = [one.name for one in trackers_of(active) if one not in _copied(active)]
        instead = f" in place of {', '.join(gone)}" if gone else ""
        return Change(
            what,
            f"is registered as a copy of {active.name} ({_described(active)}) with {tracker}{instead}",
            (_register_command(client, name, active, tracker),),
            lambda: _copy_stack(client, name, active, tracker),
            lambda: client.delete_stack(name),
        )
    there = trackers_of(stored)
    if tracker in [component.name for component in there]:
        return Change(what, f"{THERE} ({_described(stored)})")
    if name == _DEFAULT_STACK:
        raise Failure(
            "ZenML lets nobody change its stack 'default'. Give another name, of a new stack say: --stack.", 2
        )
    names = [component.name for component in there]
    after = f", after {', '.join(names)}" if names else ""
    return Change(
        what,
        f"gets {tracker}{after}",
        (zenml("stack", "update", name, *_flags([*names, tracker])),),
        lambda: client.update_stack(stored.id, component_updates={kind: [*(one.id for one in there), tracker]}),
        lambda: _set_trackers(client, stored, there),
    )


def replacement(client: Client, stack: StackResponse, old: ComponentResponse, new: str, shown_old: str) -> Change:
    """The stack has the tracker `new` in the place of `old`, which is called `shown_old` by then."""
    from zenml.enums import StackComponentType

    there = trackers_of(stack)
    kept = [component for component in there if component.id == old.id or component.name != new]
    ids: list[Any] = [new if component.id == old.id else component.id for component in kept]
    names = [new if component.id == old.id else component.name for component in kept]
    return Change(
        f"Stack {stack.name}",
        f"gets {new} in place of {shown_old}",
        (zenml("stack", "update", stack.name, *_flags(names)),),
        lambda: client.update_stack(stack.id, component_updates={StackComponentType.EXPERIMENT_TRACKER: ids}),
        lambda: _set_trackers(client, stack, there),
    )


def activation(client: Client, name: str) -> Change:
    """The stack `name` is the active one."""
    before = client.active_stack_model
    if before.name == name:
        return Change(f"Stack {name}", "is the active one already")
    return Change(
        f"Stack {name}",
        f"becomes the active one, in place of {before.name}",
        (zenml("stack", "set", name),),
        lambda: client.activate_stack(name),
        lambda: client.activate_stack(before.id),
    )


def _set_trackers(client: Client, stack: StackResponse, trackers: Sequence[ComponentResponse]) -> None:
    from zenml.enums import StackComponentType
    from zenml.models import StackUpdate

    # Not by the client, which cannot take the last component of a type away.
    ids = {kind: [one.id for one in components] for kind, components in stack.components.items()}
    ids[StackComponentType.EXPERIMENT_TRACKER] = [one.id for one in trackers]
    client.zen_store.update_stack(
        stack.id, StackUpdate(components={kind: found for kind, found in ids.items() if found})
    )


def _copied(origin: StackResponse) -> list[ComponentResponse]:
    """The trackers that go into a copy: of Comet's, it has one."""
    from zenml_comet_tracker.flavor import FLAVOR

    return [one for one in trackers_of(origin) if one.flavor_name not in (FLAVOR, BUILTIN)]


def _copy_stack(client: Client, name: str, origin: StackResponse, tracker: str) -> None:
    from zenml.enums import StackComponentType

    components: dict[StackComponentType, Any] = {
        kind: [one.id for one in found] for kind, found in origin.components.items() if found
    }
    components[StackComponentType.EXPERIMENT_TRACKER] = [*(one.id for one in _copied(origin)), tracker]
    made = client.create_stack(name, components, secrets=origin.secrets or None)
    if not origin.environment:
        return
    try:
        client.update_stack(made.id, environment=dict(origin.environment))
    except BaseException:
        # The half of a change is nobody's to take back but its own.
        client.delete_stack(made.id)
        raise


def _register_command(client: Client, name: str, origin: StackResponse, tracker: str) -> str:
    from zenml.enums import StackComponentType

    words = []
    for kind, found in origin.components.items():
        if kind != StackComponentType.EXPERIMENT_TRACKER:
            option = "artifact-store" if kind == StackComponentType.ARTIFACT_STORE else kind.value
            words += [f"--{option}={one.name}" for one in found]
    words += _flags([*(one.name for one in _copied(origin)), tracker])
    words += [f"--secret={client.get_secret(secret).name}" for secret in origin.secrets]
    words += [f"--env={variable}={value}" for variable, value in origin.environment.items()]
    return zenml("stack", "register", name, *words)


def _flags(trackers: Iterable[str]) -> list[str]:
    return [f"--experiment_tracker={name}" for name in trackers]


def _described(stack: StackResponse) -> str:
    return ", ".join(
        f"{kind.value.replace('_', ' ')} {', '.join(one.name for one in found)}"
        for kind, found in stack.components.items()
        if found
    )

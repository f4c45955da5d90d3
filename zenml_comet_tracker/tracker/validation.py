"""What of a stack is known to be wrong for the tracker before anything runs, and without asking anybody."""

from __future__ import annotations

import functools
import ipaddress
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zenml_comet_tracker.flavor import LOCAL, CometExperimentTrackerConfig
from zenml_comet_tracker.tracker.local_path import local_path

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo
    from zenml.enums import StackComponentType
    from zenml.stack import Stack, StackComponent

logger = logging.getLogger(__name__)

OFFLINE = "offline"


def validate(name: str, config: CometExperimentTrackerConfig, stack: Stack) -> tuple[bool, str]:
    """Whether a stack can be tracked by the component `name`, and what to do when it cannot.

    Refuses `url=local` where all steps run on other machines or in containers. What only may go wrong is a warning,
    said once.
    """
    from zenml.enums import StackComponentType

    # ZenML calls this three times a run; an attribute that refers to a secret would be a request each time.
    url = _written(config, "url")
    orchestrator = stack.orchestrator
    if url == LOCAL:
        if is_elsewhere(orchestrator):
            return False, no_local_comet(name, orchestrator)
        others = _of_type(stack, StackComponentType.STEP_OPERATOR, StackComponentType.DEPLOYER)
        for other in filter(is_elsewhere, others):
            _say_once(f"Steps that run there are not tracked: {no_local_comet(name, other)}")
    elif is_elsewhere(orchestrator):
        for warning in _doubts(name, config, url, orchestrator):
            _say_once(warning)
    return True, ""


def elsewhere(info: StepRunInfo) -> StackComponent | None:
    """What takes a step to another machine or into a container; None where nothing is known to."""
    from zenml.deployers.server import runtime
    from zenml.enums import StackComponentType
    from zenml.stack import Stack

    if info.snapshot.stack is None:
        return None
    stack = Stack.from_model(info.snapshot.stack)
    chosen: StackComponent | None
    if operator := info.config.step_operator:
        operators = _of_type(stack, StackComponentType.STEP_OPERATOR)
        chosen = next((one for one in operators if operator in (True, one.name)), None)
    else:
        # A deployment has an orchestrator of its own, whatever the stack's is.
        chosen = stack.deployer if runtime.is_active() else stack.orchestrator
    return chosen if is_elsewhere(chosen) else None


def is_elsewhere(component: StackComponent | None) -> bool:
    """Whether an orchestrator, step operator or deployer runs code on other machines or in containers."""
    from zenml.deployers.containerized_deployer import ContainerizedDeployer
    from zenml.orchestrators import ContainerizedOrchestrator, WheeledOrchestrator

    return component is not None and (
        component.config.is_remote
        or isinstance(component, (ContainerizedOrchestrator, WheeledOrchestrator, ContainerizedDeployer))
    )


def no_local_comet(name: str, component: StackComponent) -> str:
    """Why `url=local` cannot be meant where `component` runs the steps, and what to set in its place."""
    kind = component.type.value.replace("_", " ")
    return (
        f"The experiment tracker {name!r} has url=local, which is a Comet on the machine that the step runs on. The "
        f"{kind} {component.name!r} ({component.flavor}) runs steps on other machines or in containers, which take "
        "what was logged with them when they go. Name a Comet that they can reach: "
        f"zenml experiment-tracker update {name} --url=<address> --api_key=<key>, or use comet.com: "
        f"zenml experiment-tracker remove-attribute {name} url"
    )


def _doubts(
    name: str, config: CometExperimentTrackerConfig, url: str | None, orchestrator: StackComponent
) -> list[str]:
    """What is suspicious about a tracker whose steps run elsewhere."""
    where = f"with the orchestrator {orchestrator.name!r} ({orchestrator.flavor})"
    found = []
    if url == OFFLINE and not _written(config, "journal_persistent"):
        found.append(
            f"{name!r} has url=offline {where}: the journals of its steps are lost with their containers, unless they "
            "lie on a volume. Mount one and name it, journal_folder=<folder> and journal_persistent=true, or set url."
        )
    if url and _is_loopback(url):
        host = urlsplit(url).hostname
        found.append(f"{name!r} has a url on {host} {where}: for its steps that is their own machine, not yours.")
    if orchestrator.config.is_remote and (folder := local_path(config)):
        found.append(
            f"{name!r} has journal_folder={folder} {where}: ZenML's local stores are not there, and some orchestrators "
            f"refuse the stack. Take it out: zenml experiment-tracker remove-attribute {name} journal_folder"
        )
    return found


def _of_type(stack: Stack, *types: StackComponentType) -> list[StackComponent]:
    # Versions of ZenML before stacks had several components of a type have no list of them all.
    components = stack.all_components if hasattr(stack, "all_components") else stack.components.values()
    return [component for component in components if component.type in types]


def _written(config: CometExperimentTrackerConfig, field: str) -> Any:
    """A setting as it was registered: of a reference to a secret the reference."""
    return config.__dict__.get(field)


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@functools.cache
def _say_once(warning: str) -> None:
    logger.warning("%s", warning)

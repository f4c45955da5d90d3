"""The trackers that are put to the checks: how each is configured, and what its user can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.conftest import _couriers

OURS, BUILT_IN = "comet_rest", "comet"
WORKSPACE = "team"


@dataclass(frozen=True)
class Subject:
    """A flavor, and what its users do.

    `configuration` takes address, key, project and journal folder; `in_project` gives the settings of a step that is to
    be in that project; `deliver` brings what lies in a folder to Comet; `set_up` registers all that is needed.
    """

    flavor: str
    configuration: Callable[[str, str, str, Path], dict[str, Any]]
    in_project: Callable[[str], dict[str, Any]]
    deliver: Callable[[Path], None]
    set_up: Callable[[str, dict[str, Any]], None]

    @property
    def ours(self) -> bool:
        """Whether it is this project's."""
        return self.flavor == OURS


def _ours(url: str, key: str, project: str, journals: Path) -> dict[str, Any]:
    here = {"url": url, "journal_folder": str(journals), "journal_persistent": True}
    return {"api_key": key, "workspace": WORKSPACE, "project_name": project, **here}


def _built_in(_url: str, key: str, project: str, _journals: Path) -> dict[str, Any]:
    # Its address is in the environment: COMET_URL_OVERRIDE.
    return {"api_key": key, "workspace": WORKSPACE, "project_name": project}


def _command(*words: str) -> None:
    from zenml_comet_tracker.cli.main import main

    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 0, done.output


def _sync(journals: Path) -> None:
    # As when the process of the step has ended: else it delivers by itself in its own time.
    for courier in _couriers():
        if courier._end is not None:
            courier.stop()
    _command("sync", str(journals))


def _our_set_up(name: str, configuration: dict[str, Any]) -> None:
    at = ["--url", configuration["url"], "--api-key", configuration["api_key"]]
    _command("setup", *at, "--workspace", WORKSPACE, "--name", name, "--stack", f"{name}_stack")


def _documented_commands(name: str, configuration: dict[str, Any]) -> None:
    """What `zenml experiment-tracker register` and `zenml stack register` do."""
    from zenml.client import Client
    from zenml.enums import StackComponentType as Type

    Client().create_stack_component(name, BUILT_IN, Type.EXPERIMENT_TRACKER, configuration)
    parts = {Type.ORCHESTRATOR: "default", Type.ARTIFACT_STORE: "default", Type.EXPERIMENT_TRACKER: name}
    Client().create_stack(f"{name}_stack", parts)


def _nothing(_journals: Path) -> None:
    """It has nothing to deliver with, and nothing to deliver."""


SUBJECTS = {
    OURS: Subject(OURS, _ours, lambda name: {"project_name": name}, _sync, _our_set_up),
    # Its `settings` are handed to the SDK.
    BUILT_IN: Subject(
        BUILT_IN, _built_in, lambda name: {"settings": {"project_name": name}}, _nothing, _documented_commands
    ),
}

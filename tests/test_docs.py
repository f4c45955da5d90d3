"""What the documentation says is there, and what is there is in the documentation."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import click
import pytest

from zenml_comet_tracker import __version__
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet import settings
from zenml_comet_tracker.comet.experiment import Experiment

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
CLIENT = (ROOT / "docs" / "client.md").read_text("utf-8")
EVERYTHING = "\n".join(page.read_text("utf-8") for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_into_the_project_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    inside = [target for target in targets if "://" not in target]
    assert [target for target in inside if not (page.parent / target).exists()] == []


def test_every_public_name_of_an_experiment_is_described() -> None:
    names = [name for name, _ in inspect.getmembers(Experiment) if not name.startswith("_")]
    assert len(names) > 20
    assert [name for name in names if not re.search(rf"`[^`]*\b{name}\b", CLIENT)] == []


def test_every_argument_of_an_experiment_is_described() -> None:
    names = list(inspect.signature(Experiment).parameters)
    assert [name for name in names if f"`{name}`" not in CLIENT] == []


def test_every_variable_is_described() -> None:
    assert [name for name in settings.VARIABLES.values() if f"`{name}`" not in CLIENT] == []


def _commands(group: click.Group, prefix: str) -> list[tuple[str, click.Command]]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append((f"{prefix} {name}", command))
        if isinstance(command, click.Group):
            found += _commands(command, f"{prefix} {name}")
    return found


def test_every_command_and_option_is_described() -> None:
    commands = _commands(main, "zenml-comet")
    assert {name for name, _ in commands} >= {
        f"zenml-comet {n}" for n in ("demo", "up", "down", "status", "open", "sync")
    }
    missing = [name for name, _ in commands if name not in EVERYTHING]
    options = {
        option
        for _, command in commands
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for option in parameter.opts
        if option.startswith("--")
    }
    assert missing == []
    assert sorted(option for option in options if option not in EVERYTHING) == []


def test_every_command_has_a_help_text() -> None:
    assert [name for name, command in _commands(main, "zenml-comet") if not command.help] == []


def test_the_version_stands_in_one_place_only_twice() -> None:
    stated = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert stated is not None
    assert stated[1] == __version__
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text("utf-8")

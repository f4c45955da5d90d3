"""docs/zenml.md names every setting, metadata key and command there is, and its Python runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_zenml_cli import COMMANDS
from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "zenml.md").read_text(encoding="utf-8")


def _rows() -> dict[str, str]:
    """The tables of settings: default by name."""
    section = PAGE.partition("## Settings")[2].partition("### ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE))


def test_every_setting_has_a_row_and_every_row_a_setting() -> None:
    assert set(_rows()) == set(CometExperimentTrackerConfig.model_fields)


@pytest.mark.parametrize("name", ["on_retry", "finish_timeout", "strict", "durability"])
def test_the_defaults_are_the_true_ones(name: str) -> None:
    default = CometExperimentTrackerSettings.model_fields[name].default
    assert _rows()[name].strip("`") == str(default).lower().removesuffix(".0")


def test_the_settings_of_a_step_and_those_of_a_component_stand_apart() -> None:
    steps, _, component = PAGE.partition("## Settings")[2].partition("Only on the component:")
    for name in CometExperimentTrackerSettings.model_fields:
        assert f"| `{name}` |" in steps
    for name in CometExperimentTrackerConfig.model_fields.keys() - CometExperimentTrackerSettings.model_fields.keys():
        assert f"| `{name}` |" in component


def test_the_commands_are_those_that_are_tested() -> None:
    tested = COMMANDS.format(key="<your Comet API key>", url="").splitlines()
    start = PAGE.partition("```bash\n")[2].partition("```")[0].splitlines()
    for line in start:
        assert any(command.startswith(line) for command in tested), line


@pytest.mark.parametrize(
    ("name", "made"),
    [("zenml", {"training", "evaluate", "experiment_key", "uses_a_pool"}), ("from-zenml-comet", {"my_step"})],
)
def test_the_python_of_the_page_runs(name: str, made: set[str]) -> None:
    namespace: dict[str, Any] = {}
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.+?)```", page, re.DOTALL):
        exec(block, namespace)
    assert made < namespace.keys()

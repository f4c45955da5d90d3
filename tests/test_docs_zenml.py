"""docs/zenml.md names every metadata key and command there is, and its Python runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_zenml_cli import COMMANDS

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "zenml.md").read_text(encoding="utf-8")


def test_the_commands_are_those_that_are_tested() -> None:
    tested = COMMANDS.format(key="<your Comet API key>", url="").splitlines()
    typed = PAGE.partition("## Register")[2].partition("```bash\n")[2].partition("```")[0].splitlines()
    assert len(typed) > 3
    for line in typed:
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

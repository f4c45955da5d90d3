"""Every Python example of the documentation runs, and `mypy --strict` accepts it."""

from __future__ import annotations

import ast
import builtins
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.coverage import sources
from tests.fixtures.local_server import LocalServer, begin

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Pages whose examples run beside the tests of what they are about.
ELSEWHERE = {
    "README.md": "tests/test_readme.py::test_logging_without_zenml_by_the_readme",
    "api.md": "tests/test_docs_api.py::test_every_block_runs_after_those_before_it",
    "artifacts.md": "tests/comet/artifacts/test_examples.py::test_the_examples_run",
    "capture.md": "tests/test_docs_capture.py::test_what_is_captured_runs",
    "from-cometr.md": "tests/test_docs_capture.py::test_what_comes_from_cometr_runs",
    "from-zenml-comet.md": "tests/test_docs_zenml.py::test_the_python_of_the_page_runs",
    "parallel.md": "tests/tracker/test_parallel.py::test_the_examples_of_the_page_run",
    "query.md": "tests/comet/api/test_searching.py::test_the_examples_of_the_page_run",
    "recipes.md": "tests/test_docs_recipes.py::test_the_recipes_run",
    "registry.md": "tests/comet/test_registry.py::test_the_examples_of_the_page_run",
    "zenml.md": "tests/test_docs_zenml.py::test_the_python_of_the_page_runs",
}


def blocks(page: Path) -> list[str]:
    """The Python of a page, in its order."""
    return re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


WITH_EXAMPLES = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_page_that_is_run_elsewhere_is(name: str) -> None:
    source = sources.of(ELSEWHERE[name])
    assert source is not None, f"{ELSEWHERE[name]} is not there"
    assert source.names & {"exec", "run", "import_module"}


@pytest.fixture
def place(local_server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """A user's settings, an empty folder, and a project with a run in it."""
    settings = {
        "COMET_API_KEY": local_server.api_key,
        "COMET_URL_OVERRIDE": local_server.url,
        "COMET_PROJECT_NAME": "examples",
        "ZENML_COMET_JOURNAL": str(tmp_path / "journals"),
        "COMET_OFFLINE_DIRECTORY": str(tmp_path / "offline"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    key = begin(
        local_server, projectName="examples", teamName=local_server.get("account-details")["defaultWorkspaceName"]
    )
    local_server.post("write/experiment/metric", experimentKey=key, metricName="loss", metricValue=0.5, timestamp=1)
    return local_server


@pytest.mark.parametrize(
    "page", [page for page in WITH_EXAMPLES if page.name not in ELSEWHERE], ids=lambda page: page.stem
)
def test_the_examples_of_a_page_run_one_after_the_other(
    page: Path, place: LocalServer, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    try:
        for block in blocks(page):
            exec(compile(block, page.name, "exec"), names)
    finally:
        for value in names.values():
            if type(value).__name__ == "Experiment":
                value.end()
    lost = [value for value in names.values() if type(value).__name__ == "Experiment" and value.stats().dropped]
    assert lost == []
    if page.stem in READ_BACK:
        READ_BACK[page.stem](place, names, capsys.readouterr().out)


def _from_comet_ml(server: LocalServer, names: dict[str, Any], _: str) -> None:
    key = names["experiment"].get_key()
    points = server.get("experiment/metrics/get-metric", experimentKey=key, metricName="train_loss")["metrics"]
    assert [float(point["metricValue"]) for point in points] == [1.0, 0.5, 1 / 3]


def _panels(server: LocalServer, names: dict[str, Any], said: str) -> None:
    assert names["metric"] == "loss"
    assert said.endswith("loss\n")


READ_BACK = {"from-comet-ml": _from_comet_ml, "panels": _panels}


def files(page: Path) -> dict[str, str]:
    """The Python of a page whose blocks say in their first line which file they are of."""
    found: dict[str, str] = {}
    for block in blocks(page):
        if named := re.match(r"# (\w+\.py)\n", block):
            found[named[1]] = found.get(named[1], "") + block
    return found


def modules(page: Path) -> list[str]:
    """The other Python of a page as modules: a block goes on with the one that makes most of what it does not make."""
    found: list[str] = []
    for block in blocks(page):
        if re.match(r"# \w+\.py\n", block):
            continue
        unknown = _used(block) - _made(block) - set(dir(builtins))
        known = [len(unknown & _made(module)) for module in found]
        if any(known):
            found[known.index(max(known))] += "\n" + block
        else:
            found.append(block)
    return found


def _used(block: str) -> set[str]:
    names = (node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Load)}


def _made(block: str) -> set[str]:
    made: set[str] = set()
    for node in ast.walk(ast.parse(block)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                made.add(name)
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                made.add(name)
            case ast.ImportFrom(module=str(module), names=[ast.alias(name="*")]):
                made |= set(importlib.import_module(module).__all__)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                made |= {(alias.asname or alias.name).partition(".")[0] for alias in aliases}
    return made


@pytest.mark.long
def test_a_type_checker_accepts_the_examples(tmp_path: Path) -> None:
    for page in WITH_EXAMPLES:
        for name, module in files(page).items():
            (tmp_path / name).write_text(module)
        for position, module in enumerate(modules(page), 1):
            (tmp_path / f"{page.stem.lower().replace('-', '_')}_{position}.py").write_text(module)
    # With the project's own settings and cache: what `make check` has seen is not looked at again.
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "MYPY_FORCE_COLOR": ""}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""docs/capture.md and docs/from-cometr.md: their Python runs, and they name what is there."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import cometr
from zenml_comet_tracker.comet.capture import CaptureOptions

DOCS = Path(__file__).parents[1] / "docs"
CAPTURE = (DOCS / "capture.md").read_text("utf-8")
FROM_COMETR = (DOCS / "from-cometr.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def _settings(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COMET_API_KEY", local_server.api_key)
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    monkeypatch.setenv("COMET_WORKSPACE", "daattali")
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(tmp_path / "journals"))
    monkeypatch.chdir(tmp_path)


def _run(page: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs", "exec"), names)
    return names


def _logged(summary: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in summary if not row["name"].startswith("sys.")]


def test_what_comes_from_cometr_runs(local_server: LocalServer) -> None:
    names = _run(FROM_COMETR)
    key = names["exp"].id
    metadata = local_server.get("experiment/metadata", experimentKey=key)
    assert (metadata["experimentName"], metadata["projectName"]) == ("my-first-experiment", "project1")
    assert (metadata["workspaceName"], metadata["running"]) == ("daattali", False)
    # What the machine was doing may be measured once more before the end.
    summary = local_server.get("experiment/metrics/summary", experimentKey=key)["values"]
    assert _logged(names["summary"]["values"]) == _logged(summary)
    assert names["graph"] == local_server.get("experiment/graph", experimentKey=key)
    assert sorted(names["tags"]["tags"]) == ["tag2", "test"]
    assert "daattali" in names["names"]
    assert [metric["values"] for metric in names["chart"]["experiments"][key]["metrics"]] == [[5.0, 10.0]]
    others = local_server.get("experiment/log-other", experimentKey=key)["values"]
    assert "checked" in [row["name"] for row in others]
    projects = local_server.get("projects", workspaceName="daattali")["projects"]
    assert "project2" not in [project["projectName"] for project in projects]


def test_what_is_captured_runs(local_server: LocalServer) -> None:
    key = _run(CAPTURE)["experiment"].id
    assert local_server.get("experiment/output", experimentKey=key)["output"] == "epoch 1\n"


def test_every_option_has_a_row_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", CAPTURE, re.MULTILINE))
    assert rows == {field.name: repr(field.default) for field in dataclasses.fields(CaptureOptions)}


def test_every_function_is_there_as_it_is_described() -> None:
    section = FROM_COMETR.partition("## Functions")[2].partition("## ")[0]
    rows = re.findall(r"^\| `(\w+)\(.*?\)` \| `(\w+)\((.*?)\)`[,\w ()\[\].]* \|", section, re.MULTILINE)
    assert {name for name, _, _ in rows} == set(cometr.__all__)
    for name, home, described in rows:
        assert name == home
        if "..." in described:
            continue
        defaults = {}
        for parameter in inspect.signature(getattr(cometr, name)).parameters.values():
            defaults[parameter.name] = parameter.default
        call = ast.parse(f"def f({described}): ...").body[0]
        assert isinstance(call, ast.FunctionDef)
        assert [argument.arg for argument in call.args.args] == list(defaults)
        given = [ast.literal_eval(value) for value in call.args.defaults]
        assert given == [value for value in defaults.values() if value is not inspect.Parameter.empty]

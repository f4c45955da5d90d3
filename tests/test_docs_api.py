"""docs/api.md: every block of it runs, and every public name is on it or on a page of its own."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.api_experiment import APIExperiment

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "api.md").read_text("utf-8")
# Methods of `API` that have pages of their own.
PAGES = PAGE + "".join((DOCS / f"{name}.md").read_text("utf-8") for name in ("query", "panels"))


def test_every_block_runs_after_those_before_it(
    local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMET_API_KEY", local_server.api_key)
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/api.md", "exec"), names)
    key = names["experiment"].key
    assert local_server.get("experiment/tags", experimentKey=key)["tags"] == ["best"]
    assert local_server.get("experiment/metadata", experimentKey=key)["running"] is False
    favourites = local_server.get("experiments", workspaceName="my-team", projectName="favourites")["experiments"]
    assert key in {row["experimentKey"] for row in favourites}
    assert "spare 2" not in {
        p["projectName"] for p in local_server.get("projects", workspaceName="my-team")["projects"]
    }
    assert names["notes"] == "some notes"
    assert names["whole"]["tags"] == ["best"]
    table = names["table"].set_index("experiment_key")
    assert (table.loc[key, "metrics.loss"], table.loc[key, "params.lr"]) == (0.2, 0.1)
    assert f"{key} {local_server.url}/my-team/digits/{key}" in capsys.readouterr().out


@pytest.mark.parametrize("kind", [API, APIExperiment])
def test_every_public_name_is_described(kind: type) -> None:
    names = [name for name, _ in inspect.getmembers(kind) if not name.startswith("_")]
    own = [name for name in names if "registry" not in name and name not in ("over", "of")]
    assert len(own) > 50
    assert [name for name in own if not re.search(rf"`[^`\n]*\b{name}\b", PAGES)] == []


@pytest.mark.parametrize(
    "method", re.findall(r"^\| `(\w+)\(((?:\w+(?:=[^,()`]+)?(?:, )?)+)\)`", PAGE, re.MULTILINE), ids=str
)
def test_a_signature_begins_as_it_is_described(method: tuple[str, str]) -> None:
    name, described = method
    parameters = list(inspect.signature(getattr(API, name)).parameters.values())[1:]
    true = [p.name if p.default is p.empty else f"{p.name}={p.default!r}".replace("'", '"') for p in parameters]
    assert ", ".join(true).startswith(described)


def test_every_error_of_the_page_is_one() -> None:
    rows = re.findall(r"^\| (`\w+Error`(?:, `\w+Error`)*) \|", PAGE, re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(rows))
    assert len(named) > 8
    assert [name for name in named if not issubclass(getattr(errors, name), errors.CometError)] == []

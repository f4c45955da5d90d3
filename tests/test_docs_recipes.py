"""docs/recipes.md: its module runs on a real stack, and what it logs is read back."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer
from tests.tracker.conftest import Readback

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"


@pytest.fixture
def recipes(
    tracked_stack: Callable[..., str],
    zenml_client: Any,
    local_server: LocalServer,
    source_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ModuleType]:
    """The page's Python as the module that it is, its steps tracked by a stack of the test's own."""
    from zenml.utils import source_utils

    name = tracked_stack(
        {
            "url": local_server.url,
            "api_key": local_server.api_key,
            "workspace": "recipes",
            "journal_folder": str(tmp_path / "journal"),
        }
    )
    monkeypatch.setenv("COMET_API_KEY", local_server.api_key)
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    blocks = re.findall(r"```python\n# recipes.py\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "recipes.py").write_text("\n".join(blocks).replace('"comet_tracker"', repr(name)), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    source_utils.set_custom_source_root(str(tmp_path))
    try:
        yield importlib.import_module("recipes")
    finally:
        source_utils.set_custom_source_root(str(source_root))
        sys.modules.pop("recipes", None)


def test_the_recipes_run(recipes: ModuleType, zenml_client: Any, local_server: LocalServer) -> None:
    recipes.nightly()

    readback = Readback(local_server)
    (run,) = zenml_client.list_pipeline_runs(pipeline="nightly", sort_by="desc:created", size=1).items
    steps = zenml_client.get_pipeline_run(run.id).steps
    keys = {name: step.run_metadata.get("comet_experiment_key") for name, step in steps.items()}
    assert keys.pop("load") is None
    assert readback.keys("recipes", "nightly") == {keys["finetune"], keys["train"]}
    assert readback.keys("recipes", "evaluations") == {keys["evaluate"]}
    assert all({"nightly", run.name} <= readback.tags(key) for key in keys.values())
    assert readback.points(keys["train"], "loss") == [(0.9, 0, None), (0.5, 1, None), (0.3, 2, None)]
    assert readback.parameters(keys["train"])["learning_rate"] == "0.1"
    assert [value for value, _, _ in readback.points(keys["finetune"], "val_loss")] == [2.0, 1.0, 2 / 3]
    assert [step for _, step, _ in readback.points(keys["finetune"], "train_loss")] == [1, 2, 3]
    assert recipes.final_values(run.name) == {"step": 0.3, "model": 0.3}
    page = recipes.page_of(run.name, "train")
    assert page == f"{local_server.url}/recipes/nightly/{keys['train']}"
    assert recipes.compare("recipes") == [(f"{run.name}_train", "0.3")]


@pytest.mark.skipif("PARITY" not in os.environ, reason="a second run takes seconds: make parity")
def test_the_page_of_a_cached_step_is_that_of_the_step_it_stands_for(recipes: ModuleType, zenml_client: Any) -> None:
    for _ in range(2):
        recipes.nightly()
    again, first = zenml_client.list_pipeline_runs(pipeline="nightly", sort_by="desc:created", size=2).items
    assert zenml_client.get_pipeline_run(again.id).steps["train"].status == "cached"
    assert recipes.page_of(again.name, "train") == recipes.page_of(first.name, "train") is not None

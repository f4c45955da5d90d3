"""Every reading method answers what the official SDK's method of the same name answers on the same data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import comet_ml
import pandas as pd
import pytest

from tests.comet.api.shelf import FIRST, SECOND, WORKSPACE, Shelf
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.api_experiment import APIExperiment

Ask = Callable[[Any, Shelf], Any]

READS: dict[str, Ask] = {
    "get: workspaces": lambda api, shelf: api.get(),
    "get: projects": lambda api, shelf: api.get(WORKSPACE),
    "get: experiments": lambda api, shelf: api.get(WORKSPACE, FIRST),
    "get: experiments, one text": lambda api, shelf: api.get(f"{WORKSPACE}/{FIRST}"),
    "get: by name, one text": lambda api, shelf: api.get(f"{WORKSPACE}/{SECOND}/delta"),
    "get: by a name with a slash": lambda api, shelf: api.get(f"{WORKSPACE}/{FIRST}/a/b"),
    "get: by name, parts": lambda api, shelf: api.get(WORKSPACE, SECOND, "delta"),
    "get: by name, two parts": lambda api, shelf: api.get(WORKSPACE, f"{SECOND}/delta"),
    "get: by key": lambda api, shelf: api.get(WORKSPACE, FIRST, shelf["full"]),
    "get: by keywords": lambda api, shelf: api.get(workspace=WORKSPACE, project_name=SECOND, experiment="delta"),
    "get: archived, by key": lambda api, shelf: api.get(WORKSPACE, FIRST, shelf["gamma"]),
    "get: archived, by name": lambda api, shelf: api.get(WORKSPACE, FIRST, "gamma"),
    "get: no experiment": lambda api, shelf: api.get(WORKSPACE, FIRST, "nobody"),
    "get: no project, an experiment": lambda api, shelf: api.get(WORKSPACE, "nowhere", "delta"),
    "get_experiment": lambda api, shelf: api.get_experiment(WORKSPACE, SECOND, "delta"),
    "get_experiment: keywords": lambda api, shelf: api.get_experiment(
        workspace=WORKSPACE, project_name=SECOND, experiment="delta"
    ),
    "get_experiment: none": lambda api, shelf: api.get_experiment(WORKSPACE, FIRST, "nobody"),
    "get_experiment: no project": lambda api, shelf: api.get_experiment(WORKSPACE, "nowhere", "delta"),
    "get_experiment_by_key": lambda api, shelf: api.get_experiment_by_key(shelf["beta"]),
    "get_experiment_by_key: archived": lambda api, shelf: api.get_experiment_by_key(shelf["gamma"]),
    "get_experiment_by_key: none": lambda api, shelf: api.get_experiment_by_key("f" * 32),
    "get_experiment_by_id": lambda api, shelf: api.get_experiment_by_id(shelf["beta"]),
    "get_experiments": lambda api, shelf: api.get_experiments(WORKSPACE, FIRST),
    "get_experiments: workspace": lambda api, shelf: api.get_experiments(WORKSPACE),
    **{
        f"get_experiments: {pattern}": lambda api, shelf, pattern=pattern: api.get_experiments(
            WORKSPACE, FIRST, pattern=pattern
        )
        for pattern in ("b", "eta", "^beta$", "BETA", "a/", ".*", "[0-7]", "größe")
    },
    "get_experiments: page": lambda api, shelf: api.get_experiments(WORKSPACE, FIRST, page=2, page_size=2),
    "get_experiments: size": lambda api, shelf: api.get_experiments(WORKSPACE, FIRST, page_size=2),
    "get_experiments: sorted page": lambda api, shelf: api.get_experiments(
        WORKSPACE, FIRST, page=1, page_size=3, sort_by="endTime", sort_order="asc"
    ),
    "gen_experiments": lambda api, shelf: list(api.gen_experiments(WORKSPACE, FIRST)),
    "gen_experiments: pattern": lambda api, shelf: list(api.gen_experiments(WORKSPACE, FIRST, "be")),
    "gen_experiments: page": lambda api, shelf: list(api.gen_experiments(WORKSPACE, FIRST, page=1, page_size=2)),
    "gen_experiments: sorted": lambda api, shelf: list(
        api.gen_experiments(WORKSPACE, FIRST, sort_by="startTime", sort_order="asc")
    ),
    "get_archived_experiments": lambda api, shelf: api.get_archived_experiments(WORKSPACE, FIRST),
    "get_archived_experiments: workspace": lambda api, shelf: api.get_archived_experiments(WORKSPACE),
    "get_archived_experiments: pattern": lambda api, shelf: api.get_archived_experiments(WORKSPACE, FIRST, "b"),
    "get_archived_experiment": lambda api, shelf: api.get_archived_experiment(WORKSPACE, FIRST, shelf["gamma"]),
    "get_archived_experiment: none": lambda api, shelf: api.get_archived_experiment(WORKSPACE, FIRST, "nobody"),
    "get_workspaces": lambda api, shelf: api.get_workspaces(),
    "get_projects": lambda api, shelf: api.get_projects(WORKSPACE),
    "get_project": lambda api, shelf: api.get_project(WORKSPACE, FIRST),
    "get_project: none": lambda api, shelf: api.get_project(WORKSPACE, "nowhere"),
    "get_project_by_id": lambda api, shelf: api.get_project_by_id(shelf.project_id),
    "get_project_by_id: none": lambda api, shelf: api.get_project_by_id("nowhere"),
    "get_project_notes": lambda api, shelf: api.get_project_notes(WORKSPACE, FIRST),
    "get_project_notes: keywords": lambda api, shelf: api.get_project_notes(workspace=WORKSPACE, project_name=FIRST),
    "get_project_notes: empty": lambda api, shelf: api.get_project_notes(WORKSPACE, SECOND),
    "get_project_share_keys": lambda api, shelf: api.get_project_share_keys(shelf.project_id),
    "get_account_details": lambda api, shelf: api.get_account_details(),
    "get_default_workspace": lambda api, shelf: api.get_default_workspace(),
    "get_views": lambda api, shelf: api.get_views(WORKSPACE, FIRST),
    "server_url": lambda api, shelf: api.server_url,
    "api_key": lambda api, shelf: api.api_key,
    "get_metrics_for_chart": lambda api, shelf: api.get_metrics_for_chart(shelf.chart_keys, ["score"], ["lr"]),
    "get_metrics_for_chart: together": lambda api, shelf: api.get_metrics_for_chart(
        shelf.chart_keys, ["score", "cost"], [], False
    ),
    "get_metrics_for_chart: keywords": lambda api, shelf: api.get_metrics_for_chart(
        experiment_keys=shelf.chart_keys, metrics=["score", "cost"], independent=False, full=True
    ),
    "get_metrics_for_chart: odd names": lambda api, shelf: api.get_metrics_for_chart(
        [shelf["full"]], ["größe 🚀", "only nan", "loss"], ["größe"]
    ),
    "get_metrics_for_chart: nothing": lambda api, shelf: api.get_metrics_for_chart([shelf["delta"]], ["score"]),
    **{
        f"get_metrics_df: {axis}, {interpolate=}": lambda api, shelf, axis=axis, interpolate=interpolate: (
            api.get_metrics_df(shelf.chart_keys, ["score", "cost"], axis, interpolate)
        )
        for axis in ("step", "epoch", "duration")
        for interpolate in (True, False)
    },
    "get_metrics_df: missing metric": lambda api, shelf: api.get_metrics_df(
        shelf.chart_keys, ["cost", "nothing"], interpolate=False
    ),
    "get_metrics_df: nothing": lambda api, shelf: api.get_metrics_df([shelf["delta"]], ["score"]),
    "get_metrics_df: no experiments": lambda api, shelf: api.get_metrics_df([], ["score"]),
}


@pytest.mark.parametrize("name", READS)
def test_ours_answers_what_the_official_sdk_answers(shelf: Shelf, ours: API, official: Any, name: str) -> None:
    assert plain(READS[name](ours, shelf)) == plain(READS[name](official, shelf))


def plain(value: Any) -> Any:
    """The value in terms that both have: experiments by what they are, tables by their columns."""
    if isinstance(value, APIExperiment | comet_ml.APIExperiment):
        return (
            type(value).__name__,
            value.key,
            value.id,
            value.name,
            value.workspace,
            value.project_name,
            value.archived,
        )
    if isinstance(value, pd.DataFrame):
        return {name: [plain(cell) for cell in value[name].tolist()] for name in value.columns}
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, float):
        # pandas writes a missing name as NaN or None, as the other names are.
        return None if math.isnan(value) else round(value, 12)
    return value

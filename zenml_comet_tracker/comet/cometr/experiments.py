"""Many experiments at once, as cometr's functions give them: the JSON of the endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zenml_comet_tracker.comet import panels
from zenml_comet_tracker.comet.cometr.calls import ask
from zenml_comet_tracker.comet.cometr.places import place_of


def get_experiments(
    project_id: str | None = None,
    project_name: str | None = None,
    workspace_name: str | None = None,
    api_key: str | None = None,
    archived: bool = False,
) -> dict[str, Any]:
    """`experiments`, a list of the project's: `experimentKey`, `experimentName` and others of each. GET `experiments`.

    The project is the one with `project_id`, else the one that is named or set.
    """
    with panels.connect(api_key) as connection:
        place = place_of(connection, project_id, project_name, workspace_name)
        return dict(ask(connection, "experiments", params={**place, "archived": bool(archived)}))


def get_multi_metric_chart(
    experiment_keys: str | Sequence[str],
    metrics: str | Sequence[str] = (),
    params: str | Sequence[str] = (),
    full: bool = True,
    independent: bool = True,
    api_key: str | None = None,
) -> dict[str, Any]:
    """`experiments`, by key with their `metrics` and `params`, and whether it is `empty`.

    `full` gives up to 15,000 points of a metric, else about 500 stand for it; without `independent` only the steps at
    which every metric has a value. POST `experiments/multi-metric-chart`.
    """
    body = {
        "targetedExperiments": _listed(experiment_keys),
        "metrics": _listed(metrics),
        "params": _listed(params),
        "independentMetrics": bool(independent),
        "fetchFull": bool(full),
    }
    with panels.connect(api_key) as connection:
        return dict(ask(connection, "experiments/multi-metric-chart", "POST", body))


def _listed(names: str | Sequence[str]) -> list[str]:
    """In R a text is a vector of one."""
    return [names] if isinstance(names, str) else list(names)

"""cometr's functions, as a module of the package: `from zenml_comet_tracker import cometr`."""

from zenml_comet_tracker.comet.cometr import (
    call_api,
    create_artifact,
    create_experiment,
    create_project,
    delete_project,
    disable_logging,
    get_api_version,
    get_columns,
    get_experiment,
    get_experiments,
    get_multi_metric_chart,
    get_projects,
    get_workspaces,
)

__all__ = [
    "call_api",
    "create_artifact",
    "create_experiment",
    "create_project",
    "delete_project",
    "disable_logging",
    "get_api_version",
    "get_columns",
    "get_experiment",
    "get_experiments",
    "get_multi_metric_chart",
    "get_projects",
    "get_workspaces",
]

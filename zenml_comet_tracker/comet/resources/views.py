"""Saved views of a project, and chart templates of an experiment: how Comet's own pages are arranged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml_comet_tracker.comet.resources import entries
from zenml_comet_tracker.comet.transport import REST, Transport


def of_project(
    transport: Transport, project_id: str, experiment_key: str | None = None, *, of_workspace: bool = False
) -> list[dict[str, Any]]:
    """The views of a project, and with `of_workspace` those of its workspace's other projects. GET `views/get-all`."""
    params = _params(project_id, experiment_key, of_workspace)
    return entries(transport.get_json(f"{REST}views/get-all", params), "views")


def of_experiment(
    transport: Transport, project_id: str, experiment_key: str, *, of_workspace: bool = False
) -> list[dict[str, Any]]:
    """The chart templates that an experiment's page offers. GET `views/chart-templates`."""
    params = _params(project_id, experiment_key, of_workspace)
    return entries(transport.get_json(f"{REST}views/chart-templates", params), "views")


def _params(project_id: str, experiment_key: str | None, of_workspace: bool) -> dict[str, Any]:
    wider = "true" if of_workspace else None
    return {"projectId": project_id, "experimentKey": experiment_key, "includeWorkspaceViews": wider}


def save(transport: Transport, view: Mapping[str, Any]) -> dict[str, Any]:
    """A project's view as it was saved; new without a `templateId`. POST `write/views/upsert`."""
    return transport.post_json(f"{REST}write/views/upsert", dict(view))


def save_template(transport: Transport, view: Mapping[str, Any]) -> dict[str, Any]:
    """As `save`, for a chart template. POST `write/chart-templates/upsert`."""
    return transport.post_json(f"{REST}write/chart-templates/upsert", dict(view))

"""Saved views: how Comet's own pages of a project, or of an experiment, are arranged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidArgumentError

_WIRE = {
    "name": "templateName",
    "template_id": "templateId",
    "project_id": "projectId",
    "experiment_key": "experimentKey",
    "query_state": "experimentQueryState",
    "chart_state": "dashboardChartState",
    "table_state": "reactGridTableState",
    "v2": "v2",
    "v3": "v3",
    "source": "source",
    "view_source": "viewSource",
    "current": "current",
    "unsaved_view": "unsavedView",
    "created_by": "createdBy",
    "created_from_template_id": "createdFromTemplateId",
    "project_default": "projectDefault",
    "project_personal_default": "projectPersonalDefault",
    "auto_refresh_enabled": "autoRefreshEnabled",
    "last_update": "lastUpdate",
    "pinned_experiments": "pinnedExperiments",
    "code_panel_template_ids": "codePanelTemplateIds",
}
_STATES = ("query_state", "chart_state", "table_state")
# What a view is made of; the rest is what the server says of it.
_SAVED = ("name", "template_id", "experiment_key", *_STATES, "v2", "v3")


@dataclass
class View:
    """A saved view. `query_state`, `chart_state` and `table_state` are JSON texts, `last_update` is in milliseconds.

    >>> View("Losses", chart_state="{}").as_portable().to_upsert_payload("p1")
    {'projectId': 'p1', 'templateName': 'Losses', 'dashboardChartState': '{}'}
    """

    name: str
    template_id: str | None = None
    project_id: str | None = None
    experiment_key: str | None = None
    query_state: str | None = None
    chart_state: str | None = None
    table_state: str | None = None
    v2: Any = None
    v3: Any = None
    source: str | None = None
    view_source: str | None = None
    current: bool | None = None
    unsaved_view: bool | None = None
    created_by: str | None = None
    created_from_template_id: str | None = None
    project_default: bool | None = None
    project_personal_default: bool | None = None
    auto_refresh_enabled: bool | None = None
    last_update: int | None = None
    pinned_experiments: list[str] | None = None
    code_panel_template_ids: list[str] | None = None

    def __post_init__(self) -> None:
        for field in _STATES:
            text = getattr(self, field)
            try:
                json.loads(text if text is not None else "null")
            except (TypeError, ValueError):
                raise InvalidArgumentError(f"{field} of a view is expected to be a JSON text; got {text!r}") from None

    @classmethod
    def from_payload_dict(cls, payload: Mapping[str, Any]) -> View:
        """The view that a server's answer describes."""
        found: dict[str, Any] = {field.name: payload.get(_WIRE[field.name]) for field in fields(cls)}
        return cls(**{**found, "name": str(found["name"] or "")})

    def as_portable(self) -> View:
        """The same without what ties it to its project or experiment, to be saved for another."""
        return replace(self, template_id=None, project_id=None, experiment_key=None, pinned_experiments=None)

    def to_upsert_payload(self, project_id: str) -> dict[str, Any]:
        """What is sent to save it for a project: what is set of it."""
        given = {_WIRE[name]: getattr(self, name) for name in _SAVED}
        return {"projectId": project_id, **{name: value for name, value in given.items() if value is not None}}

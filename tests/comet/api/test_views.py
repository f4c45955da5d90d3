"""Saved views: read as a server lists them, sent as the official SDK sends them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from comet_ml.api_objects.view import View as OfficialView

from tests.comet.api.shelf import FIRST, WORKSPACE, Shelf
from tests.comet.scripted import Answer, ScriptedComet
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.errors import InvalidArgumentError, ServerFaultError
from zenml_comet_tracker.comet.views import View

FIELDS: dict[str, Any] = {
    "name": "Größe", "template_id": "t1", "project_id": "p0", "experiment_key": "e1", "query_state": "[1]",
    "chart_state": "{}", "table_state": "null", "v2": {"a": 1}, "v3": {"b": 2}, "source": "s", "view_source": "vs",
    "current": True, "unsaved_view": False, "created_by": "me", "created_from_template_id": "t0",
    "project_default": True, "project_personal_default": False, "auto_refresh_enabled": True, "last_update": 5,
    "pinned_experiments": ["e1"], "code_panel_template_ids": ["c1"],
}  # fmt: skip
LISTED = {
    "templateName": "Größe", "templateId": "t1", "projectId": "p1", "experimentQueryState": "{}", "v2": {"z": 1},
    "lastUpdate": 3, "pinnedExperiments": ["a"], "viewSource": "x", "createdFromTemplateId": "y", "unknown": 1,
}  # fmt: skip


@pytest.fixture
def api(comet: ScriptedComet) -> API:
    """An API on a server that has one view."""
    comet.answer_with("/project", Answer(body={"projectId": "p1"}))
    comet.answer_with("/views/get-all", Answer(body={"views": [LISTED]}))
    comet.answer_with("/views/chart-templates", Answer(body={"views": [{**LISTED, "templateName": "chart"}]}))
    for path in ("write/views/upsert", "write/chart-templates/upsert"):
        comet.answer_with(path, Answer(body={**LISTED, "templateId": "new"}))
    return API("key", url=comet.root)


@pytest.fixture
def experiment(api: API) -> APIExperiment:
    return APIExperiment.of(api._connection, {"experimentKey": "e1", "projectId": "p1"})


@pytest.mark.parametrize("fields", [FIELDS, {"name": "x"}], ids=["all", "name"])
def test_a_view_is_what_the_official_sdks_is(fields: dict[str, Any]) -> None:
    ours, theirs = View(**fields), OfficialView(**fields)
    assert dataclasses.asdict(ours) == vars(theirs)
    assert dataclasses.asdict(ours.as_portable()) == vars(theirs.as_portable())
    assert ours.to_upsert_payload("p2") == theirs.to_upsert_payload("p2")
    assert dataclasses.asdict(View.from_payload_dict(LISTED)) == vars(OfficialView.from_payload_dict(LISTED))


def test_a_state_is_a_json_text() -> None:
    for wrong in ("{", 7):
        with pytest.raises(InvalidArgumentError, match="chart_state of a view is expected to be a JSON text"):
            View("x", chart_state=wrong)  # type: ignore[arg-type]


def test_views_of_a_project(comet: ScriptedComet, api: API) -> None:
    (view,) = api.get_views("w", "p", include_workspace_views=True)
    assert (view.name, view.template_id, view.v2, view.last_update) == ("Größe", "t1", {"z": 1}, 3)
    (asked,) = comet.requests("views/get-all")
    assert asked.query == {"projectId": "p1", "includeWorkspaceViews": "true"}


def test_views_of_an_experiment(comet: ScriptedComet, experiment: APIExperiment) -> None:
    assert [view.name for view in experiment.get_views()] == ["Größe", "chart"]
    for path in ("views/get-all", "views/chart-templates"):
        assert [asked.query for asked in comet.requests(path)] == [{"projectId": "p1", "experimentKey": "e1"}]


def test_a_view_is_saved_without_what_ties_it_to_its_project(comet: ScriptedComet, api: API) -> None:
    assert api.create_view("w", "p", View(**FIELDS)).template_id == "new"
    (asked,) = comet.requests("write/views/upsert")
    assert asked.json == OfficialView(**FIELDS).as_portable().to_upsert_payload("p1")


def test_a_chart_template_is_saved_for_an_experiment(comet: ScriptedComet, experiment: APIExperiment) -> None:
    assert experiment.create_view(View(**FIELDS)).template_id == "new"
    (asked,) = comet.requests("write/chart-templates/upsert")
    assert asked.json == {**OfficialView(**FIELDS).as_portable().to_upsert_payload("p1"), "experimentKey": "e1"}


def test_a_view_without_a_name_is_not_sent(comet: ScriptedComet, api: API, experiment: APIExperiment) -> None:
    for save in (lambda view: api.create_view("w", "p", view), experiment.create_view):
        with pytest.raises(InvalidArgumentError, match="view with a name"):
            save(View(""))
        with pytest.raises(InvalidArgumentError, match="view with a name"):
            save(None)  # type: ignore[arg-type]
    assert comet.requests("upsert") == []


def test_the_local_comet_says_that_it_keeps_none(shelf: Shelf, ours: API) -> None:
    assert ours.get_views(WORKSPACE, FIRST) == []
    with pytest.raises(ServerFaultError, match="keeps no views"):
        ours.create_view(WORKSPACE, FIRST, View("x"))

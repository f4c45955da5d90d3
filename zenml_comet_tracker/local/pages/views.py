"""The pages: projects, a project, an experiment. Complete without scripts, which keep them current and draw charts."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import AfterValidator

from zenml_comet_tracker.local.pages import data, files, panels, reference, static_files
from zenml_comet_tracker.local.pages.rendering import Link, error_page, page, path, sign_in_page
from zenml_comet_tracker.local.pages.snippets import snippets
from zenml_comet_tracker.local.store import experiment_table, views
from zenml_comet_tracker.local.store.store import Store

__all__ = ["error_page", "router", "sign_in_page"]

ROWS = 100
SEARCH_LETTERS = 1_000
SEARCH_WORDS = 50
TABS = ("charts", "metrics", "parameters", "others", "assets", "html")
# Names that addresses copied from Comet have for the same parts.
_TAB_ALIASES = {
    "panels": "charts",
    "chart": "charts",
    "params": "parameters",
    "assetStorage": "assets",
    "images": "assets",
    "text": "html",
}


def _few_words(text: str) -> str:
    if len(text.split()) > SEARCH_WORDS:
        raise ValueError(f"a filter has at most {SEARCH_WORDS} words")
    return text


# Every word is a condition of its own, and SQLite takes only so many.
_Search = Annotated[str, Query(max_length=SEARCH_LETTERS), AfterValidator(_few_words)]

router = APIRouter(include_in_schema=False)
router.include_router(static_files.router)
router.include_router(data.router)
router.include_router(files.router)
router.include_router(reference.router)


@router.get("/")
def projects_page(request: Request) -> Response:
    """All projects, the last touched first."""
    return _projects(request, None)


@router.get("/{workspace}")
@router.get("/{workspace}/")
def workspace_page(request: Request, workspace: str) -> Response:
    """The projects of one workspace."""
    return _projects(request, workspace)


@router.get("/{workspace}/{project}")
@router.get("/{workspace}/{project}/")
def project_page(
    request: Request,
    workspace: str,
    project: str,
    q: _Search = "",
    sort: str = "",
    page: int = Query(1, ge=1, le=10**9),
) -> Response:
    """A project's experiments: filtered by `q`, in the order `sort`, a hundred a page."""
    store = data.store_of(request)
    order = experiment_table.Sort.parse(sort)
    with store.read() as connection:
        now = store.clock()
        found = views.find_project(connection, now, workspace, project)
        if found is None:
            return _no_project(workspace, project, views.projects(connection, now))
        offset = (page - 1) * ROWS
        table = experiment_table.read(
            connection, now, found.id, search=q.strip(), sort=order, offset=offset, limit=ROWS
        )
    return _project(request, now, found, table, q.strip(), order, page)


@router.get("/{workspace}/{project}/{key}")
def experiment_page(
    request: Request, workspace: str, project: str, key: str, tab: str = Query("charts", alias="experiment-tab")
) -> Response:
    """One experiment; `experiment-tab` names the part that is shown."""
    tab = _TAB_ALIASES.get(tab, tab)
    tab = tab if tab in TABS else TABS[0]
    store = data.store_of(request)
    with store.read() as connection:
        now = store.clock()
        experiment = views.find_experiment(connection, now, key)
        if experiment is None:
            return _no_experiment(connection, now, workspace, project, key)
        if (experiment.workspace, experiment.project) != (workspace, project):
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(path([experiment.workspace, experiment.project, key]) + query)
        counts = views.counts(connection, experiment.id)
        values = _PANELS[tab](store, connection, experiment)
    return _experiment(request, now, experiment, tab, counts, values)


@router.get("/{workspace}/{project}/archive/{key}")
@router.get("/{workspace}/{project}/archived/{key}")
def archived_page(request: Request, workspace: str, project: str, key: str) -> Response:
    """Leads from the address that Comet's clients make for an archived experiment to its page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(path([workspace, project, key]) + query)


def _projects(request: Request, workspace: str | None) -> Response:
    store = data.store_of(request)
    with store.read() as connection:
        now = store.clock()
        everything = views.projects(connection, now)
        known = views.workspaces(connection)
        cursor, busy = data.everything_cursor(everything, views.change_number(connection))
    if workspace is not None and workspace not in known:
        near = [Link(name, path(name)) for name in _near(workspace, known)]
        return error_page(404, "There is no such workspace", f"No project here belongs to “{workspace}”.", near)
    shown = [project for project in everything if workspace in (None, project.workspace)]
    return page(
        request,
        "projects.html",
        now=now,
        projects=shown,
        workspace=workspace,
        snippets=snippets(workspace or "local"),
        cursor=cursor,
        busy=busy,
    )


def _project(
    request: Request,
    now: int,
    project: views.Project,
    table: experiment_table.Table,
    search: str,
    sort: experiment_table.Sort,
    number: int,
) -> Response:
    cursor, busy = data.project_cursor(project)
    address = _Addresses(search, sort)
    return page(
        request,
        "project.html",
        now=now,
        project=project,
        table=table,
        search=search,
        sort=sort,
        page=number,
        pages=max(1, -(-table.found // ROWS)),
        sorted_by=address.sorted_by,
        searching=address.searching,
        at_page=address.at_page,
        snippets=snippets(project.workspace, project.name),
        cursor=cursor,
        busy=busy,
    )


class _Addresses:
    """The same table in another state: what does not differ from a fresh visit is left out of the address."""

    def __init__(self, search: str, sort: experiment_table.Sort) -> None:
        self._search = search
        self._sort = sort

    def sorted_by(self, column: str) -> str:
        """Ordered by `column`, the other way round when it is already: names ascend first, all else descends."""
        descending = not self._sort.descending if self._sort.column == column else column != "name"
        return self._to(self._search, experiment_table.Sort(column, descending))

    def searching(self, search: str) -> str:
        """Filtered by `search`."""
        return self._to(search, self._sort)

    def at_page(self, number: int) -> str:
        """At another page."""
        return self._to(self._search, self._sort, number)

    @staticmethod
    def _to(search: str, sort: experiment_table.Sort, number: int = 1) -> str:
        order = "" if sort == experiment_table.Sort() else str(sort)
        pairs = {"q": search, "sort": order, "page": str(number) if number > 1 else ""}
        return "?" + urlencode({name: value for name, value in pairs.items() if value})


def _experiment(
    request: Request, now: int, experiment: views.Experiment, tab: str, counts: dict[str, int], values: dict[str, Any]
) -> Response:
    cursor, busy = data.experiment_cursor(experiment)
    return page(
        request,
        "experiment.html",
        now=now,
        experiment=experiment,
        tab=tab,
        tabs=_tabs(counts),
        failure=panels.failure(experiment.error),
        cursor=cursor,
        busy=busy,
        **{"metrics": [], **values},
    )


def _tabs(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    labels = ("Charts", "Metrics", "Parameters", "Others", "Assets & images", "Text & HTML")
    numbers = (
        counts["metrics"],
        counts["metrics"],
        counts["parameters"],
        counts["others"],
        counts["assets"],
        counts["html"] + counts["texts"],
    )
    return list(zip(TABS, labels, numbers, strict=True))


def _charts_panel(store: Store, reader: views.Reader, experiment: views.Experiment) -> dict[str, Any]:
    metrics = views.metrics(reader, experiment.id)
    known = snippets(experiment.workspace, experiment.project)
    return {"metrics": metrics, "groups": panels.chart_groups(metrics), "snippets": known}


def _metrics_panel(store: Store, reader: views.Reader, experiment: views.Experiment) -> dict[str, Any]:
    return {"metrics": views.metrics(reader, experiment.id)}


def _parameters_panel(store: Store, reader: views.Reader, experiment: views.Experiment) -> dict[str, Any]:
    return {"pairs_shown": views.parameters(reader, experiment.id)}


def _others_panel(store: Store, reader: views.Reader, experiment: views.Experiment) -> dict[str, Any]:
    return {"pairs_shown": views.others(reader, experiment.id)}


def _assets_panel(store: Store, reader: views.Reader, experiment: views.Experiment) -> dict[str, Any]:
    assets = views.assets(reader, experiment.id)
    rows = panels.file_rows(experiment, assets)
    images = [row for row in rows if row.is_image]
    return {"assets": rows, "images": images, "matrices": panels.matrices(assets, store.files.path)}


def _html_panel(store: Store, reader: views.Reader, experiment: views.Experiment) -> dict[str, Any]:
    rows = panels.file_rows(experiment, views.assets(reader, experiment.id, "text-sample"))
    return {"texts": panels.texts(rows, store.files.path), "has_html": bool(views.html(reader, experiment.id))}


_Panel = Callable[[Store, views.Reader, views.Experiment], dict[str, Any]]
_PANELS: dict[str, _Panel] = {
    "charts": _charts_panel,
    "metrics": _metrics_panel,
    "parameters": _parameters_panel,
    "others": _others_panel,
    "assets": _assets_panel,
    "html": _html_panel,
}


def _no_project(workspace: str, name: str, known: list[views.Project]) -> Response:
    places = {f"{project.workspace} / {project.name}": path([project.workspace, project.name]) for project in known}
    near = [Link(label, places[label]) for label in _near(f"{workspace} / {name}", places)]
    return error_page(404, "There is no such project", f"“{name}” is not a project of “{workspace}” here.", near)


def _no_experiment(reader: views.Reader, now: int, workspace: str, name: str, key: str) -> Response:
    project = views.find_project(reader, now, workspace, name)
    if project is None:
        return _no_project(workspace, name, views.projects(reader, now))
    base = [workspace, name]
    places = {key: Link(name or key, path([*base, key])) for key, name in views.experiment_names(reader, project.id)}
    by_name = {place.label: near_key for near_key, place in places.items()}
    keys = dict.fromkeys([*_near(key, places), *(by_name[label] for label in _near(key, by_name))])
    near = [places[near_key] for near_key in keys] or [Link(f"All experiments of {name}", path(base))]
    return error_page(404, "There is no such experiment", f"“{key}” is not an experiment of “{name}” here.", near)


def _near(wanted: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(wanted, list(known), n=5, cutoff=0.5)

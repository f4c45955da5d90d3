"""Experiments found: by place, key, name or pattern, a few or page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, overload

from zenml_comet_tracker.comet.api.base import ApiBase
from zenml_comet_tracker.comet.api.listing import PAGE_SIZE, Row, check_page, compiled, every, matching, only, together
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.errors import InvalidArgumentError, NotFoundError
from zenml_comet_tracker.comet.keywords import also_named
from zenml_comet_tracker.comet.resources import account, experiments, projects


class Experiments(ApiBase):
    """How `API` finds experiments."""

    def get(self, workspace: str | None = None, project_name: str | None = None, experiment: str | None = None) -> Any:
        """What lies at a place: workspaces, a workspace's projects, a project's experiments, or one experiment.

        Workspaces and projects are names, experiments are `APIExperiment`s. The experiment is named by its name or its
        key; None when there is none. All can be one text with slashes: `get("workspace/project/experiment")`.
        """
        workspace, project_name, experiment = _parts(workspace, project_name, experiment)
        if experiment is not None:
            return self._find(workspace, self._project_name(project_name), experiment)
        if project_name is not None:
            return self.get_experiments(workspace, project_name)
        if workspace is not None:
            return [str(found["projectName"]) for found in projects.of_workspace(self._connection.transport, workspace)]
        return account.workspaces(self._connection.transport)

    @overload
    def get_experiment(self, experiment_key: str) -> APIExperiment | None: ...
    @overload
    def get_experiment(
        self, experiment_key: str | None, project_name: str | None, experiment: str
    ) -> APIExperiment | None: ...
    @overload
    def get_experiment(
        self, *, workspace: str | None, project_name: str | None, experiment: str
    ) -> APIExperiment | None: ...
    @also_named(workspace="experiment_key")
    def get_experiment(
        self, experiment_key: str | None, project_name: str | None = None, experiment: str | None = None
    ) -> APIExperiment | None:
        """One experiment, None when there is none.

        By key; as `get_experiment("workspace/project/experiment")`; or as
        `get_experiment(workspace, project_name, experiment)`. The experiment is named by its name or its key.
        """
        if project_name is None and experiment is None and "/" not in str(experiment_key or ""):
            return self.get_experiment_by_key(experiment_key or "")
        workspace, project_name, experiment = _parts(experiment_key, project_name, experiment)
        if experiment is None:
            raise InvalidArgumentError(
                "get_experiment found no experiment to ask for; pass its key, 'workspace/project/experiment', or "
                "workspace, project_name and experiment"
            )
        return self._find(workspace, self._project_name(project_name), experiment)

    def get_experiment_by_key(self, experiment_key: str) -> APIExperiment | None:
        """The experiment with this key, archived or not; None when there is none. GET `experiment/metadata`."""
        if not experiment_key:
            raise InvalidArgumentError("The experiment key is empty; a key has 32 to 50 letters and digits")
        try:
            metadata = experiments.metadata(self._connection.transport, experiment_key)
        except NotFoundError as error:
            # Only Comet itself can say so: a 404 of anything in between leaves the question open.
            if error.spoken:
                return None
            raise
        return APIExperiment.of(self._connection, metadata)

    def get_experiment_by_id(self, experiment: str) -> APIExperiment | None:
        """As `get_experiment_by_key`: an experiment's id is its key. GET `experiment/metadata`."""
        return self.get_experiment_by_key(experiment)

    def get_experiment_by_name(
        self, experiment_name: str, workspace: str | None = None, project_name: str | None = None
    ) -> APIExperiment | None:
        """The experiment with this name, None when there is none. GET `experiments`.

        It is looked for in the project given or set, without one in all projects of the workspace given, set or the
        account's default. Several of the same name raise `InvalidArgumentError`, which lists their keys.
        """
        project = project_name or self._connection.settings.project_name
        return self._one(only(self._rows(workspace, project), experiment_name))

    def get_experiments(
        self,
        workspace: str | None,
        project_name: str | None = None,
        pattern: str | None = None,
        page: int | None = None,
        page_size: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
    ) -> list[APIExperiment]:
        """The experiments of a project, the newest first, or of a workspace, project by project. GET `experiments`.

        With `pattern`, a regular expression, those whose name or key begins with what it matches. `page` counts from 1
        and needs `page_size`; `sort_by` is startTime or endTime, `sort_order` asc or desc, over all projects. Archived
        ones are listed by `get_archived_experiments`. For projects of many thousands see `gen_experiments`.
        """
        check_page(page, page_size, sort_by, sort_order)
        wanted = compiled(pattern)
        rows = self._rows(workspace, project_name, page=page, size=page_size, sort_by=sort_by, sort_order=sort_order)
        return self._experiments(matching(rows, wanted))

    def gen_experiments(
        self,
        workspace: str | None,
        project_name: str | None = None,
        pattern: str | None = None,
        page: int | None = None,
        page_size: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
    ) -> Iterator[APIExperiment]:
        """As `get_experiments`, one experiment after the other: a page of the list is fetched when it is needed.

        Each comes once, also when it is linked to other projects, and when the loop archives or deletes what it gets.
        GET `experiments`.
        """
        if page is not None or page_size is not None:
            found = self.get_experiments(workspace, project_name, pattern, page, page_size, sort_by, sort_order)
            return iter(found)
        check_page(page, page_size, sort_by, sort_order)
        wanted = compiled(pattern)
        rows = self._each_row(workspace, project_name, sort_by=sort_by, sort_order=sort_order)
        return (APIExperiment.of(self._connection, row) for row in matching(rows, wanted))

    def get_archived_experiment(
        self, workspace: str | None, project_name: str | None, experiment: str
    ) -> APIExperiment | None:
        """One archived experiment by its name or key, None when there is none. GET `experiments`."""
        return self._one(only(self._rows(workspace, self._project_name(project_name), archived=True), experiment))

    def get_archived_experiments(
        self, workspace: str | None, project_name: str | None = None, pattern: str | None = None
    ) -> list[APIExperiment]:
        """As `get_experiments`, those that are archived. GET `experiments`."""
        wanted = compiled(pattern)
        return self._experiments(matching(self._rows(workspace, project_name, archived=True), wanted))

    def get_project_experiments(
        self, workspace: str | None = None, project_name: str | None = None
    ) -> dict[str, dict[str, Any]]:
        """What `get_experiment_metadata` says of every experiment of a project, by key. GET `experiments`."""
        rows = self._rows(workspace, self._project_name(project_name))
        return {row["experimentKey"]: row for row in rows}

    def _find(self, workspace: str | None, project_name: str, experiment: str) -> APIExperiment | None:
        """By key wherever it is, else by name in the project."""
        if experiments.may_be_key(experiment) and (found := self.get_experiment_by_key(experiment)) is not None:
            return found
        try:
            return self._one(only(self._rows(workspace, project_name), experiment))
        except NotFoundError as error:
            if error.spoken:
                return None
            raise

    def _one(self, row: Row | None) -> APIExperiment | None:
        return None if row is None else APIExperiment.of(self._connection, row)

    def _rows(
        self,
        workspace: str | None,
        project_name: str | None,
        *,
        archived: bool = False,
        page: int | None = None,
        size: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
    ) -> Iterator[Row]:
        """What the server lists: a page, or all in one answer a project.

        Pages go over all projects together, and are cut here where the server knows none.
        """
        options: dict[str, Any] = {"archived": archived, "sort_by": sort_by, "sort_order": sort_order}
        workspace = self._workspace(workspace)
        whole: Iterable[Row]
        if project_name is None:
            whole = self._rows_of_workspace(workspace, **options)
        else:
            place = projects.named(workspace, project_name)
            found = experiments.of_project(self._connection.transport, place, page=page, size=size, **options)
            if size is None or len(found) <= size:
                return iter(found)
            whole = found
        start = ((page or 1) - 1) * (size or 0)
        return islice(whole, start, None if size is None else start + size)

    def _rows_of_workspace(self, workspace: str, **options: Any) -> Iterator[Row]:
        transport = self._connection.transport
        places = (projects.with_id(found["projectId"]) for found in projects.of_workspace(transport, workspace))
        return together((experiments.of_project(transport, place, **options) for place in places), **options)

    def _each_row(self, workspace: str | None, project_name: str | None, **options: Any) -> Iterator[Row]:
        """As `_rows`, page by page."""
        transport = self._connection.transport
        workspace = self._workspace(workspace)
        if project_name is not None:
            places = [projects.named(workspace, project_name)]
        else:
            places = [projects.with_id(found["projectId"]) for found in projects.of_workspace(transport, workspace)]

        def rows(place: projects.Place) -> Iterator[Row]:
            def fetch(page: int) -> list[Row]:
                return experiments.of_project(transport, place, page=page, size=PAGE_SIZE, **options)

            return every(fetch, lambda: self._connection.requests)

        seen: set[str] = set()
        for row in together(map(rows, places), **options):
            if row["experimentKey"] not in seen:
                seen.add(row["experimentKey"])
                yield row


def _parts(
    workspace: str | None, project_name: str | None, experiment: str | None
) -> tuple[str | None, str | None, str | None]:
    """Workspace, project and experiment, of which the first that is given may hold those behind it, after slashes."""
    for part in (workspace, project_name, experiment):
        if not isinstance(part, str | None):
            raise InvalidArgumentError(f"Workspaces, projects and experiments are named by texts, not by {part!r}")
    if workspace is not None and "/" in workspace:
        if project_name is not None or experiment is not None:
            raise InvalidArgumentError(
                f"workspace={workspace!r} names a project already; pass either one text with slashes or the parts"
            )
        workspace, project_name, experiment = _split(workspace, 3)
    elif project_name is not None and "/" in project_name:
        if experiment is not None:
            raise InvalidArgumentError(
                f"project_name={project_name!r} names an experiment already; pass either one text with slashes or parts"
            )
        project_name, experiment, _ = _split(project_name, 2)
    return workspace, project_name, experiment


def _split(text: str, count: int) -> tuple[str | None, str | None, str | None]:
    """At most `count` parts, the last of which may hold slashes itself: an experiment's name does, now and then."""
    found: list[str | None] = [*text.rstrip("/").split("/", count - 1)]
    if "" in found:
        raise InvalidArgumentError(f"{text!r} has an empty part; expected 'workspace/project/experiment'")
    first, second, third = (*found, None, None)[:3]
    return first, second, third

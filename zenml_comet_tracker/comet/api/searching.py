"""Experiments found by what they logged."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zenml_comet_tracker.comet import rules
from zenml_comet_tracker.comet.api import listing
from zenml_comet_tracker.comet.api.base import ApiBase
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.query import QueryExpression, QueryVariable, Tag, expression_of, variable_of
from zenml_comet_tracker.comet.resources import columns, projects, search
from zenml_comet_tracker.comet.resources.projects import Place

_LOGGER = logging.getLogger(__name__)


class Searching(ApiBase):
    """What `API` does to find experiments by their metrics, parameters, tags and the like."""

    def query(
        self,
        workspace: str | None = None,
        project_name: str | None = None,
        query: QueryExpression | None = None,
        archived: bool = False,
    ) -> list[APIExperiment]:
        """The experiments of a project for which the query holds, the newest first.

        `workspace` may be "workspace/project". A field that no experiment of the project has makes the query find
        nothing, as in Comet's SDK; an experiment without the value counts for `!=`, `~` and `== None` only. Raises
        `InvalidQueryError` for a query that means nothing, and `NotFoundError` without such a project.
        GET `project/column-names`, then POST `project/query` or, for what that cannot say, POST `experiments/search`.

        >>> from zenml_comet_tracker.query import Metric, Tag
        >>> (Metric("loss") < 0.1) & ~Tag("broken")
        ((Metric('loss') < 0.1) & ~Tag('broken'))
        """
        place, expression = self._searched(workspace, project_name), expression_of(query)
        found = columns.of_project(self._connection.transport, place, archived=archived)
        if missing := rules.unknown(expression, found):
            _report(missing[0].variable)
            return []
        wanted = rules.predicates(expression, found)
        if wanted is None:
            return self._all_pages(place, rules.rules_tree(expression, found), archived)
        return self._matching(place, wanted, archived)

    def search(
        self,
        workspace: str | None = None,
        project_name: str | None = None,
        query: QueryExpression | None = None,
        archived: bool = False,
        page: int | None = None,
        page_size: int | None = None,
    ) -> list[APIExperiment]:
        """As `query`, with the experiments' metadata, in pages: all of them, or page `page` (from 1) of `page_size`.

        A comparison with a field that no experiment has holds for none, so `a | b` still finds what `b` does.
        GET `project/column-names`, GET `project`, POST `experiments/search`.
        """
        place, expression = self._searched(workspace, project_name), expression_of(query)
        paged = page is not None or page_size is not None
        number, size = (1 if page is None else page), (search.PAGE_SIZE if page_size is None else page_size)
        listing.check_page(number, size, None, None)
        found = columns.of_project(self._connection.transport, place, archived=archived)
        for leaf in rules.unknown(expression, found):
            _report(leaf.variable)
        tree = rules.rules_tree(expression, found)
        if tree is None or not paged:
            return self._all_pages(place, tree, archived)
        transport, project_id = self._connection.transport, self._id_of(place)
        rows = search.page(transport, project_id, tree, archived=archived, number=number, size=size)
        return self._experiments(rows)

    def query_project(
        self,
        workspace: str | None,
        project_name: str | None,
        predicates: Sequence[Mapping[str, Any]],
        archived: bool = False,
    ) -> list[APIExperiment]:
        """The experiments of a project for which every predicate holds, the newest first. POST `project/query`.

        Predicates are Comet's JSON: `[{"source": "metrics", "query": {"condition": "AND", "rules": [{"id": "loss",
        "field": "loss", "type": "double", "operator": "less", "value": 0.1}], "valid": True}}]`. `query` writes them.
        """
        if isinstance(predicates, Mapping | str) or not isinstance(predicates, Iterable):
            raise InvalidArgumentError("predicates is expected to be a list of dictionaries; `query` takes expressions")
        return self._matching(self._searched(workspace, project_name), [*predicates], archived)

    def get_query_variables(
        self, workspace: str | None = None, project_name: str | None = None, project_id: str | None = None
    ) -> list[QueryVariable | Tag]:
        """What a query can name: `[Metadata("duration"), Metric("loss"), Tag("best"), ...]`.

        GET `project/column-names`.
        """
        place = projects.with_id(project_id) if project_id else self._searched(workspace, project_name)
        found = columns.of_project(self._connection.transport, place)
        variables = (variable_of(column["source"], column["name"]) for column in found)
        return [variable for variable in variables if variable is not None]

    def _searched(self, workspace: str | None, project_name: str | None) -> Place:
        for part in (workspace, project_name):
            if not isinstance(part, str | None):
                raise InvalidArgumentError(
                    f"{part!r} stands where a workspace or a project belongs; pass a query as query=..."
                )
        if workspace and project_name is None and "/" in workspace:
            workspace, _, project_name = workspace.partition("/")
        return self._place(workspace, project_name)

    def _matching(self, place: Place, predicates: Sequence[Mapping[str, Any]], archived: bool) -> list[APIExperiment]:
        keys = search.matching(self._connection.transport, place, predicates, archived=archived)
        return self._experiments({"experimentKey": key} for key in keys)

    def _all_pages(self, place: Place, tree: Mapping[str, Any] | None, archived: bool) -> list[APIExperiment]:
        if tree is None:
            return []
        transport, project_id = self._connection.transport, self._id_of(place)
        rows = listing.every(
            lambda number: search.page(
                transport, project_id, tree, archived=archived, number=number, size=search.PAGE_SIZE
            ),
            lambda: self._connection.requests,
        )
        return self._experiments(rows)

    def _id_of(self, place: Place) -> str:
        return str(projects.find(self._connection.transport, place)["projectId"])


def _report(variable: QueryVariable) -> None:
    _LOGGER.info("No experiment of the project has %r; get_query_variables() lists what they have.", variable)

"""Experiments of a project: listed, searched for, and the columns that a search can name."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import RequestError, answer
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.routes.descriptions import describe
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.projects import find as find_project
from zenml_comet_tracker.local.routes.rules import RuleReader, orders
from zenml_comet_tracker.local.store import columns
from zenml_comet_tracker.local.store.search import results
from zenml_comet_tracker.local.store.search.results import Part
from zenml_comet_tracker.local.store.search.rules import Order

rest = APIRouter()

# Comet's, where a page is asked for without a size.
PAGE_SIZE = 100
_SORTS = {"startTime": "start_server_timestamp", "endTime": "end_server_timestamp"}


@rest.get("/experiments")
def of_project(call: QueryCall) -> Response:
    """The experiments of a project: `archived`, `page` (from 1), `size`, `sortBy` startTime/endTime, `sortOrder`."""
    fields, now = call.fields, call.store.clock()
    archived, order = fields.flag("archived"), _order(fields)
    page, size = fields.count("page"), fields.count("size")
    part = _part(page or 1, PAGE_SIZE if size is None and page is not None else size)
    with call.store.read() as connection:
        project = find_project(connection, fields)
        found = results.find(connection, now, project.id, archived=archived, orders=[order], part=part)
    return answer({"experiments": [describe(row) for row in found.rows]})


@rest.post("/project/query")
def query(call: JsonCall) -> Response:
    """The keys of all experiments for which every one of `predicates` holds, the newest first."""
    archived, now = call.fields.flag("archived"), call.store.clock()
    with call.store.read() as connection:
        project = find_project(connection, call.fields)
        reader = RuleReader(lambda name: columns.sources_of(connection, project.id, name, archived=archived))
        wanted = reader.predicates(call.fields.raw("predicates"))
        return answer({"experimentKeys": results.keys(connection, now, project.id, wanted, archived=archived)})


@rest.post("/experiments/search")
def search(call: JsonCall) -> Response:
    """The experiments that `rulesTree` describes: page `page` of `limit`, sorted by `multipleSort`, and how many there
    are in `total`."""
    fields, now = call.fields, call.store.clock()
    archived, sort = fields.flag("deleted"), orders(fields.raw("multipleSort"))
    page, limit = fields.count("page") or 1, fields.count("limit") or PAGE_SIZE
    for unsupported in ("pinnedOnly", "chainsQueryRules"):
        if fields.raw(unsupported):
            raise RequestError(f"{unsupported} is not supported by the local Comet; expected null.")
    with call.store.read() as connection:
        project = find_project(connection, fields)
        reader = RuleReader(lambda name: columns.sources_of(connection, project.id, name, archived=archived))
        wanted = reader.tree(fields.raw("rulesTree"))
        part = _part(page, limit)
        found = results.find(connection, now, project.id, wanted, archived=archived, orders=sort, part=part)
    shown = [describe(row) for row in found.rows]
    return answer({"experiments": shown, "total": found.total, "page": page, "limit": limit})


@rest.get("/project/column-names")
def column_names(call: QueryCall) -> Response:
    """Every field that the project's experiments have: `name`, `id`, `type` and `source` of each."""
    with call.store.read() as connection:
        project = find_project(connection, call.fields)
        found = columns.of_project(connection, project.id, archived=call.fields.flag("archived"))
    return answer({"columns": [_column(column) for column in found]})


def _part(page: int, size: int | None) -> Part:
    return Part((page - 1) * size, size) if size is not None else Part()


def _order(fields: Fields) -> Order:
    sort_by = fields.optional_text("sortBy") or "startTime"
    if sort_by not in _SORTS:
        raise fields.error("sortBy", "startTime or endTime")
    order = (fields.optional_text("sortOrder") or "desc").lower()
    if order not in ("asc", "desc"):
        raise fields.error("sortOrder", "asc or desc")
    return Order("metadata", _SORTS[sort_by], order == "desc")


def _column(column: columns.Column) -> dict[str, str]:
    name, source = column.name, column.source
    return {"name": name, "id": f"{name}--{source}", "type": column.kind, "source": source}

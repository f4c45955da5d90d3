"""Searching a project: by predicates, which find keys, and by a tree of rules, which finds experiments in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zenml_comet_tracker.comet.resources import entries, texts
from zenml_comet_tracker.comet.resources.projects import Place
from zenml_comet_tracker.comet.transport import REST, Transport

# As many as Comet's own SDK asks for at once.
PAGE_SIZE = 100


def matching(
    transport: Transport, place: Place, predicates: Sequence[Mapping[str, Any]], *, archived: bool
) -> list[str]:
    """The keys of all experiments for which every predicate holds, the newest first. POST `project/query`."""
    body = {**place, "predicates": list(predicates), "archived": archived}
    answer = transport.post_json(f"{REST}project/query", body)
    return texts(answer, "experimentKeys")


def page(
    transport: Transport,
    project_id: str,
    rules_tree: Mapping[str, Any],
    *,
    archived: bool,
    number: int,
    size: int,
) -> list[dict[str, Any]]:
    """The metadata of one page of the experiments that the tree describes. POST `experiments/search`.

    Pages are numbered from 1. A row has the members of GET `experiment/metadata`.
    """
    body = {
        "projectId": project_id,
        "viewId": None,
        "rulesTree": rules_tree,
        "limit": size,
        "page": number,
        "deleted": archived,
        "ignorePinnedExperimentsFirst": True,
        "pinnedOnly": None,
        "multipleSort": None,
        "chainsQueryRules": None,
    }
    return entries(transport.post_json(f"{REST}experiments/search", body), "experiments", "experimentKey")

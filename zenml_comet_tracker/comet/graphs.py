"""A model's graph -> the text that Comet keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml_comet_tracker.comet.structures import json_text
from zenml_comet_tracker.comet.texts import clean, text_of


def graph_text(graph: Any) -> str:
    """A text as it is; JSON of what can write itself as JSON (a Keras model), of dictionaries and lists; else `str`.

    >>> graph_text({"layers": [1, 2]}), graph_text("digraph {}")
    ('{"layers":[1,2]}', 'digraph {}')
    """
    if isinstance(graph, str):
        return clean(graph)
    if isinstance(graph, Mapping | list | tuple):
        return json_text(graph)
    to_json = getattr(graph, "to_json", None)
    if callable(to_json):
        found = to_json()
        return clean(found) if isinstance(found, str) else json_text(found)
    return text_of(graph)

"""What is said of the experiment as a whole: name, tags, page, graph."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.graphs import graph_text
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.resources.others import NAME_KEY
from zenml_comet_tracker.comet.structures import json_text
from zenml_comet_tracker.comet.surface.base import Surface
from zenml_comet_tracker.comet.texts import name_of, text_of


class Facts(Surface):
    """Name, tags, the HTML page, the model graph, what it stands on."""

    @logging_call
    def set_name(self, name: Any) -> None:
        """Names the experiment."""
        self._name = values.name_of(name)
        self._record.other(NAME_KEY, self._name)

    @logging_call
    def add_tag(self, tag: Any) -> None:
        """Adds one tag."""
        self._record.tags([tag])

    @logging_call
    def add_tags(self, tags: Iterable[Any]) -> None:
        """Adds tags to those the experiment has; a single text is one tag."""
        self._record.tags([tags] if isinstance(tags, str) else list(tags))

    @logging_call
    def log_html(self, html: Any, override: bool = False, clear: bool = False) -> None:
        """Appends to the experiment's HTML page, or replaces it with `override`, which `clear` says as well."""
        self._record.html(html, clear=bool(override or clear))

    @logging_call
    def log_html_url(self, url: Any, text: Any = None, label: Any = None) -> None:
        """Appends a link to the experiment's HTML page."""
        address, shown = (html.escape(text_of(part)) for part in (url, url if text is None else text))
        before = "" if label is None else f"<b>{html.escape(text_of(label))}</b>: "
        self._record.html(f'<div>{before}<a href="{address}" target="_blank">{shown}</a></div>', clear=False)

    @logging_call
    def log_graph(self, graph: Any) -> None:
        """Logs the model graph: a text as it is, dictionaries, lists and Keras models as JSON. The last one counts."""
        self._record.graph(graph_text(graph))

    @logging_call
    def set_model_graph(self, graph: Any, overwrite: bool = False) -> None:
        """As `log_graph`; `overwrite` is accepted for the sake of code written for Comet."""
        self._record.graph(graph_text(graph))

    @logging_call
    def set_filename(self, fname: Any) -> None:
        """Says which file the experiment runs."""
        self._record.file_path(fname)

    @logging_call
    def log_dependency(self, name: Any, version: Any) -> None:
        """Says that the experiment stands on something in this version."""
        label = name_of(name)
        if not label:
            raise InvalidValueError("log_dependency needs a name that is not empty")
        self._record.dependencies({label: None if version is None else text_of(version)})

    @logging_call
    def send_notification(
        self, title: Any, status: Any = None, additional_data: Mapping[str, Any] | None = None
    ) -> None:
        """Asks the server to tell those who watch the experiment; one that passes on no messages drops it."""
        data = None if additional_data is None else json.loads(json_text(additional_data))
        said = None if status is None else text_of(status)
        name = self._name
        message = {"title": text_of(title), "status": said, "experiment_name": name, "additional_data": data}
        self._record.notification(message)

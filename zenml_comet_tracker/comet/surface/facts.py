"""What is said of the experiment as a whole: name, tags, page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.resources.others import NAME_KEY
from zenml_comet_tracker.comet.surface.base import Surface


class Facts(Surface):
    """Name, tags and the HTML page."""

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
    def log_html(self, html: str, clear: bool = False) -> None:
        """Appends to the experiment's HTML page, or replaces it with `clear`."""
        self._record.html(html, clear=bool(clear))

"""Others of an experiment, free key-value facts; its name, which is one of them; and its tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.api_experiment.metrics import one_or_all
from zenml_comet_tracker.comet.api_experiment.writing import Writing, known_names, millis_of, now, text, texts
from zenml_comet_tracker.comet.resources import others
from zenml_comet_tracker.comet.resources import tags as tags_resource
from zenml_comet_tracker.comet.resources.others import NAME_KEY


class Others(Writing):
    """Others, the name and tags, read and logged."""

    def get_others_summary(self, other: str | None = None) -> Any:
        """Every other, its value as a text, in the shape of a metric's summary.

        With a name the list of its current value, empty when there is none of that name. GET `experiment/log-other`.
        """
        summaries = others.summary(self._transport, self.key)
        if other is None:
            return summaries
        found = one_or_all(summaries, other)
        return [found["valueCurrent"]] if found else []

    def log_other(self, key: str, value: Any, timestamp: Any = None) -> dict[str, Any]:
        """Logs one value; what is no number, text or flat list becomes JSON text. POST `write/experiment/log-other`.

        `timestamp` is in milliseconds since the epoch.
        """
        millis, sent = millis_of(timestamp), self._name(key, "an other")
        answer = others.write(self._transport, self.key, sent, self._fitted(sent, values.scalar(value)), millis)
        if sent == NAME_KEY:
            self._changed()
        return answer

    def get_name(self) -> str | None:
        """The experiment's name, None without one. GET `experiment/log-other`."""
        found = self.get_others_summary(NAME_KEY)
        return str(found[0]) if found else None

    def set_name(self, name: str) -> None:
        """Names the experiment. POST `write/experiment/log-other`."""
        sent = self._fitted(NAME_KEY, text("name", name))
        others.write(self._transport, self.key, NAME_KEY, sent, now())
        self._changed()

    def get_tags(self) -> list[str]:
        """The experiment's tags. GET `experiment/tags`."""
        return tags_resource.of_experiment(self._transport, self.key)

    def add_tag(self, tag: str) -> dict[str, Any]:
        """Adds one tag to those there are. POST `write/experiment/tags`."""
        return self.add_tags([tag])

    def add_tags(self, tags: Sequence[str]) -> dict[str, Any]:
        """Adds tags to those there are. POST `write/experiment/tags`.

        Raises `InvalidValueError` for an empty tag, and for one text where a list is expected.
        """
        names = [self._name(tag, "a tag") for tag in texts("tags", tags)]
        return tags_resource.write(self._transport, self.key, names)

    def delete_tags(self, tags: Sequence[str]) -> dict[str, Any]:
        """Takes tags away; those that are not there are gone already. POST `write/experiment/tags/delete`."""
        names = known_names(texts("tags", tags), "a tag")
        return tags_resource.delete(self._transport, self.key, names)

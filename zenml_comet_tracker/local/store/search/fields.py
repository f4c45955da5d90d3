"""What can be searched: where the values of each field stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import JSON, Column, ColumnElement, Table, exists, literal, null, select, type_coerce

from zenml_comet_tracker.local.store import schema, standing
from zenml_comet_tracker.local.store.schema import asset, document, experiment
from zenml_comet_tracker.local.store.search.rules import Source

Kind = Literal["string", "double", "boolean", "timenumber", "datetime"]


@dataclass(frozen=True)
class Named:
    """A table of values that experiments have by name. A column that it lacks is None."""

    table: Table
    text: Column[str] | None
    number: Column[float] | None

    @property
    def experiment_id(self) -> Column[int]:
        """Whose value it is."""
        return self.table.c.experiment_id

    @property
    def name(self) -> Column[str]:
        """The field."""
        return self.table.c.name


@dataclass(frozen=True)
class Known:
    """A field that every experiment has, perhaps NULL; `value` gives it as of a moment."""

    kind: Kind
    value: Callable[[int], ColumnElement[Any]]


# A tag is a value that is its own name.
NAMED: Mapping[Source, Named] = {
    "metrics": Named(schema.metric, None, schema.metric.c.last_value),
    "params": Named(schema.parameter, schema.parameter.c.value, schema.parameter.c.number),
    "log_other": Named(schema.other, schema.other.c.value, schema.other.c.number),
    "env_details": Named(schema.detail, schema.detail.c.value, schema.detail.c.number),
    "tag": Named(schema.tag, schema.tag.c.name, None),
}


def _text_of(kind: str, member: str) -> ColumnElement[str]:
    """A member of one of the experiment's JSON documents, as text."""
    content = type_coerce(document.c.text, JSON)
    return (
        select(content[member].as_string())
        .where(document.c.experiment_id == experiment.c.id, document.c.kind == kind)
        .scalar_subquery()
    )


def _has_html() -> ColumnElement[bool]:
    return exists().where(document.c.experiment_id == experiment.c.id, document.c.kind == "html")


def _has_images() -> ColumnElement[bool]:
    return exists().where(asset.c.experiment_id == experiment.c.id, asset.c.type == "image")


METADATA: Mapping[str, Known] = {
    "runId": Known("string", lambda _: experiment.c.key),
    "experimentKey": Known("string", lambda _: experiment.c.key),
    "user_name": Known("string", lambda _: experiment.c.user_name),
    "file_name": Known("string", lambda _: standing.file_name()),
    "file_path": Known("string", lambda _: experiment.c.file_path),
    "start_server_timestamp": Known("datetime", lambda _: experiment.c.start_millis),
    "end_server_timestamp": Known("datetime", standing.ended_millis),
    "last_message_time": Known("datetime", lambda _: standing.heard_millis()),
    "duration": Known("timenumber", standing.lasted_millis),
    "runActive": Known("boolean", lambda now_millis: standing.status(now_millis).in_(("running", "retrying"))),
    "hasImages": Known("boolean", lambda _: _has_images()),
    "hasHtml": Known("boolean", lambda _: _has_html()),
    # Notes belong to projects here. Bound, since an order by 0 would mean a column's number.
    "hasNotes": Known("boolean", lambda _: literal(False)),
    "codeSHA": Known("string", lambda _: _text_of("git", "parent")),
    # Optimizers are not supported.
    "optimizationId": Known("string", lambda _: null()),
    "installed_packages": Known("string", lambda _: _text_of("system", "installedPackages")),
}

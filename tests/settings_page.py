"""`make settings`: writes the tables of docs/zenml-settings.md from the models of the settings."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import annotated_types
from pydantic.fields import FieldInfo

from zenml_comet_tracker.comet.settings import VARIABLES
from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings

PAGE = Path(__file__).parents[1] / "docs" / "zenml-settings.md"
OF_STEPS = CometExperimentTrackerSettings.model_fields
OF_COMPONENTS = {
    name: field for name, field in CometExperimentTrackerConfig.model_fields.items() if name not in OF_STEPS
}
# What the environment says where no level does.
ENVIRONMENT = {
    **{name: VARIABLES[name] for name in ("api_key", "workspace", "project_name", "url")},
    "journal_folder": "ZENML_COMET_JOURNAL",
    "journal_max_bytes": "ZENML_COMET_JOURNAL_MAX_BYTES",
    "protocol": "ZENML_COMET_PROTOCOL",
}


def written(page: str) -> str:
    """The text of the page, with its tables anew."""
    for title, fields in (("steps", OF_STEPS), ("components", OF_COMPONENTS)):
        mark = f"<!-- settings of {title} -->"
        table = "\n".join([mark, *_table(fields.items()), "<!-- end -->"])
        page = re.sub(f"{mark}.*?<!-- end -->", lambda _, table=table: table, page, count=1, flags=re.DOTALL)
    return page


def _table(fields: Iterable[tuple[str, FieldInfo]]) -> Iterator[str]:
    yield "| Setting | Type | Default | Environment | Meaning |\n|---|---|---|---|---|"
    for name, field in fields:
        variable = f"`{ENVIRONMENT[name]}`" if name in ENVIRONMENT else ""
        default = "" if field.default is None else f"`{json.dumps(field.default)}`"
        yield f"| `{name}` | {_type(field)} | {default} | {variable} | {field.description} |"


def _type(field: FieldInfo) -> str:
    """A type in words, with the least and the most that a number may be."""
    said = _words(field.annotation)
    for limit in field.metadata:
        match limit:
            case annotated_types.Gt(gt=least):
                said += f" above {least}"
            case annotated_types.Ge(ge=least):
                said += f" from {least}"
            case annotated_types.Le(le=most):
                said += f" to {most}"
    return said


def _words(annotation: Any) -> str:
    arguments = [one for one in typing.get_args(annotation) if one is not types.NoneType]
    match typing.get_origin(annotation):
        case types.UnionType | typing.Union:
            return _words(arguments[0])
        case origin if origin is Literal:
            return ", ".join(f"`{choice}`" for choice in arguments)
        case origin if origin is list:
            inside = _words(arguments[0])
            return "texts" if inside == "text" else f"list of {inside}"
    return {str: "text", float: "number", int: "whole number", bool: "`true`, `false`"}[annotation]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")

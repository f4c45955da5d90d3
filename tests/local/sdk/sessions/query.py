"""`API.query` and `API.search` with every kind of expression that the SDK can write (rows 57 and 58)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import comet_ml
from comet_ml.query import Environment, Metadata, Metric, Other, Parameter, QueryExpression, Tag

from tests.local.sdk.sessions.recorder import WORKSPACE, Recorder

PROJECT = "queried"
LOSS, ACCURACY, OPT, LR, NOTE = Metric("loss"), Metric("acc"), Parameter("opt"), Parameter("lr"), Other("note")
EXPRESSIONS: dict[str, QueryExpression] = {
    "greater": LOSS > 0.1,
    "greater_or_equal": LOSS >= 0.5,
    "less": LOSS < 1,
    "less_or_equal": LOSS <= 0.5,
    "equal": LOSS == 0.5,
    "not_equal": LOSS != 0.5,
    "not_equal_inverted": ~(LOSS == 0.5),
    "less_inverted": ~(LOSS > 0.1),
    "null": LOSS == None,  # noqa: E711
    "not_null": LOSS != None,  # noqa: E711
    "between": LOSS.between(0.1, 1),
    "not_between": ~LOSS.between(0.1, 1),
    "between_parameters": LR.between(0.1, 1),
    "nan": ACCURACY == "NaN",
    "text": OPT == "adam",
    "text_not_equal": OPT != "adam",
    "starts": OPT.startswith("a"),
    "not_starts": ~OPT.startswith("a"),
    "ends": OPT.endswith("m"),
    "not_ends": ~OPT.endswith("m"),
    "contains": OPT.contains("da"),
    "not_contains": ~OPT.contains("da"),
    "true": Parameter("flag") == True,  # noqa: E712
    "not_false": Parameter("flag") != False,  # noqa: E712
    "empty": OPT == "",
    "not_empty": OPT != "",
    "empty_inverted": ~(OPT == ""),
    "other": NOTE == "hi",
    "datetime": Metadata("start_server_timestamp") > datetime(2020, 1, 2, 3, 4, 5),
    "datetime_with_microseconds": Metadata("start_server_timestamp") <= datetime(2020, 1, 2, 3, 4, 5, 678_000),
    "duration": Metadata("duration") > 60,
    "boolean": Metadata("hasHtml") == True,  # noqa: E712
    "not_boolean": Metadata("hasHtml") != True,  # noqa: E712
    "tag": Tag("t1"),
    "no_tag": ~Tag("t1"),
    "environment": Environment("hostname").contains("a"),
    "and": (LOSS > 0.1) & (ACCURACY > 0.1),
    "and_of_sources": (LOSS > 0.1) & (OPT == "adam"),
    "or": (LOSS > 1) | (ACCURACY > 1),
    "or_of_sources": (LOSS > 1) | (OPT == "adam"),
    "and_of_or": (LOSS > 0.1) & ((LOSS < 5) | (ACCURACY > 1)),
    "or_of_and_of_sources": ((LOSS > 0.1) & (ACCURACY > 0.1)) | (OPT == "sgd"),
    "tag_and_metric": Tag("t1") & (LOSS > 1),
    "not_and": ~((LOSS > 0.1) & (OPT == "adam")),
    "not_or": ~((LOSS > 0.1) | (OPT == "adam")),
    "unknown": Metric("nowhere") > 1,
}


def _names(found: Any) -> list[str]:
    return sorted(experiment.name for experiment in found)


def main() -> None:
    """Asks everything both ways."""
    recorder, api = Recorder(), comet_ml.API()
    for row, expression in EXPRESSIONS.items():
        recorder.row(f"query {row}", lambda e=expression: _names(api.query(WORKSPACE, PROJECT, e)))
        recorder.row(f"search {row}", lambda e=expression: _names(api.search(WORKSPACE, PROJECT, e)))
    recorder.row("query archived", lambda: _names(api.query(WORKSPACE, PROJECT, LOSS > 0, archived=True)))
    recorder.row("search archived", lambda: _names(api.search(WORKSPACE, PROJECT, LOSS > 0, archived=True)))
    pages = (1, 2, 3)
    recorder.row(
        "search pages",
        lambda: [_names(api.search(WORKSPACE, PROJECT, OPT != "x", page=page, page_size=3)) for page in pages],
    )
    recorder.row("variables", lambda: sorted(map(str, api.get_query_variables(WORKSPACE, PROJECT))))
    recorder.finish()


if __name__ == "__main__":
    main()

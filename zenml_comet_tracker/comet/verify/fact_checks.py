"""Parameters, others and tags, in both protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from zenml_comet_tracker.comet.resources import others, parameters, tags
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.scratch import Scratch

group = Group("parameters, others, tags")


@group.check("one parameter a request, the last value counts", "POST write/experiment/parameter")
def _parameter(scratch: Scratch) -> None:
    for number, value in enumerate(("first", "ünïcode ✓")):
        scratch.ask(parameters.write, scratch.rest, parameters.row("text", value, scratch.millis + number))
    scratch.ask(parameters.write, scratch.rest, parameters.row("optimizer", "adam", scratch.millis))
    _expect(scratch, scratch.rest, parameters.summary, {"text": "ünïcode ✓", "optimizer": "adam"})


@group.check("parameters in one request", "POST clientlib/batch/logger/experiment/parameter", "batch")
def _parameters(scratch: Scratch) -> None:
    rows = [parameters.row(f"p{n}", f"value {n}", scratch.millis) for n in range(3)]
    rows.append(parameters.row("optimizer", "sgd", scratch.millis))
    scratch.ask(parameters.write_batch, scratch.batch, b",".join(map(orjson.dumps, rows)))
    expected = {"p0": "value 0", "p1": "value 1", "p2": "value 2", "optimizer": "sgd"}
    _expect(scratch, scratch.batch, parameters.summary, expected)


@group.check("numbers come back as texts of the same value", "POST write/experiment/parameter")
def _numbers(scratch: Scratch) -> None:
    for name, value in {"rate": 0.001, "count": 12}.items():
        scratch.ask(parameters.write, scratch.rest, parameters.row(name, value, scratch.millis))

    def read() -> dict[str, float]:
        found = {row["name"]: row["valueCurrent"] for row in scratch.ask(parameters.summary, scratch.rest)}
        return {name: float(found[name]) for name in ("rate", "count") if name in found}

    expected = {"rate": 0.001, "count": 12.0}
    scratch.eventually(read, lambda got: got == expected, expected)


@group.check("a parameter is taken away", "POST write/experiment/parameter/delete")
def _delete(scratch: Scratch) -> None:
    scratch.ask(parameters.write, scratch.rest, parameters.row("gone", "1", scratch.millis))
    _expect(scratch, scratch.rest, parameters.summary, {"gone": "1"})
    scratch.ask(parameters.delete, scratch.rest, "gone")
    scratch.eventually(
        lambda: [row["name"] for row in scratch.ask(parameters.summary, scratch.rest)],
        lambda names: "gone" not in names,
        "no parameter 'gone'",
    )


@group.check("several parameters are taken away at once", "POST write/experiments/parameters/delete")
def _delete_many(scratch: Scratch) -> None:
    for name in ("gone1", "gone2"):
        scratch.ask(parameters.write, scratch.rest, parameters.row(name, "1", scratch.millis))
    scratch.ask(parameters.delete_many, scratch.rest, ["gone1", "gone2"])
    scratch.eventually(
        lambda: {str(row["name"]) for row in scratch.ask(parameters.summary, scratch.rest)} & {"gone1", "gone2"},
        lambda left: not left,
        "neither parameter",
    )


@group.check("others are kept", "POST write/experiment/log-other")
def _others(scratch: Scratch) -> None:
    for key in (scratch.rest, scratch.batch):
        scratch.ask(others.write, key, "note", "line\nline ✓", scratch.millis)
        _expect(scratch, key, others.summary, {"note": "line\nline ✓"})


@group.check("tags are added and taken away", "POST write/experiment/tags")
def _tags(scratch: Scratch) -> None:
    scratch.ask(tags.write, scratch.rest, ["verify", "kept ✓", "gone"])
    _expect_tags(scratch, scratch.rest, {"verify", "kept ✓", "gone"})
    scratch.ask(tags.delete, scratch.rest, ["gone"])
    _expect_tags(scratch, scratch.rest, {"verify", "kept ✓"})


@group.check("tags are added", "POST clientlib/tags/add-tags-to-experiment", "batch")
def _tags_batch(scratch: Scratch) -> None:
    scratch.ask(tags.add, scratch.connection.settings.api_key, scratch.batch, ["verify", "as the SDK does"])
    _expect_tags(scratch, scratch.batch, {"verify", "as the SDK does"})


def _expect(scratch: Scratch, key: str, summary: Callable[..., list[dict[str, Any]]], expected: dict[str, str]) -> None:
    def read() -> dict[str, str]:
        rows = {str(row["name"]): row["valueCurrent"] for row in scratch.ask(summary, key)}
        return {name: rows[name] for name in expected if name in rows}

    scratch.eventually(read, lambda got: got == expected, expected)


def _expect_tags(scratch: Scratch, key: str, expected: set[str]) -> None:
    scratch.eventually(lambda: set(scratch.ask(tags.of_experiment, key)), lambda got: got == expected, expected)

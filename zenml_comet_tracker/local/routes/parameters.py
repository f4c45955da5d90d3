"""Parameters in, by one or by the batch, and away; the latest of each out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.calls import JsonCall, JsonListCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.values import to_text
from zenml_comet_tracker.local.store import experiments, facts
from zenml_comet_tracker.local.store.facts import Attempts, ParameterValue

rest = APIRouter()
clientlib = APIRouter()


@clientlib.post("/batch/logger/experiment/parameter")
def add_batch(call: JsonCall) -> Response:
    """Stores `values`; of two of one name the newer stays."""
    now = call.store.clock()
    values = [_value(fields, now) for fields in call.fields.objects("values")]
    return call.write_values(
        "parameters",
        len(values),
        lambda target: facts.add_parameters(
            target.connection,
            target.experiment.id,
            values[target.first_new :],
            Attempts.of(target.experiment, call.attempt),
        ),
    )


@rest.post("/write/experiment/parameter")
def add(call: JsonCall) -> Response:
    """Stores one parameter."""
    value = _value(call.fields, call.store.clock())
    return call.write(
        lambda target: facts.add_parameters(
            target.connection, target.experiment.id, [value], Attempts.of(target.experiment, call.attempt)
        ),
        stores={"parameters": 1},
    )


@rest.post("/write/experiment/parameter/delete")
def remove(call: JsonCall) -> Response:
    """Takes the parameter `parameterName` away; one that is not there is gone already."""
    name = call.fields.text("parameterName")
    return call.write(lambda target: facts.remove_parameters(target.connection, target.experiment.id, [name]))


@rest.post("/write/experiments/parameters/delete")
def remove_many(call: JsonListCall) -> Response:
    """As `remove`, for a list of `experimentKey` and `parameterName`: all of them or, when one is refused, none."""
    named: dict[str, list[str]] = {}
    for fields in call.fields.objects("body"):
        named.setdefault(fields.text("experimentKey"), []).append(fields.text("parameterName"))
    with call.store.write() as transaction:
        for key, names in named.items():
            experiment = experiments.require(transaction.connection, key)
            facts.remove_parameters(transaction.connection, experiment.id, names)
            transaction.touch(experiment.id)
    return done()


@rest.get("/experiment/parameters")
def summary(call: QueryCall) -> Response:
    """Every parameter, its value as a text."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        rows = facts.parameters(connection, experiment.id)
    return answer({"values": [fact_summary(row) for row in rows]})


def fact_summary(row: Any) -> dict[str, Any]:
    """A named value in the shape of a metric's summary: a value that has no series is all three at once."""
    return {
        "name": row.name,
        "valueMax": row.value,
        "valueMin": row.value,
        "valueCurrent": row.value,
        "timestampMax": row.millis,
        "timestampMin": row.millis,
        "timestampCurrent": row.millis,
    }


def _value(fields: Fields, now_millis: int) -> ParameterValue:
    millis = fields.moment("timestamp")
    return ParameterValue(
        name=fields.text("parameterName"),
        value=to_text(fields.value("parameterValue")),
        step=fields.integer("step"),
        context=fields.optional_text("context") or "",
        source=fields.optional_text("source") or "",
        millis=now_millis if millis is None else millis,
    )

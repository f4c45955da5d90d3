"""Others: free key-value facts; the key `Name` names the experiment."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import Call, Change, JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.parameters import fact_summary
from zenml_comet_tracker.local.routes.values import to_text
from zenml_comet_tracker.local.store import experiments, facts
from zenml_comet_tracker.local.store.facts import Attempts

rest = APIRouter()


@rest.post("/write/experiment/log-other")
def add(call: JsonCall) -> Response:
    """Stores `value` under `key`."""
    return call.write(adding(call.fields, call))


def adding(fields: Fields, call: Call) -> Change:
    """What `add` does with these fields of a call."""
    key, value, given = fields.text("key"), to_text(fields.value("value")), fields.moment("timestamp")
    millis = call.store.clock() if given is None else given
    return lambda target: facts.add_other(
        target.transaction, target.experiment.id, key, value, millis, Attempts.of(target.experiment, call.attempt)
    )


@rest.get("/experiment/log-other")
def summary(call: QueryCall) -> Response:
    """Every other, its value as a text."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        rows = facts.others(connection, experiment.id)
    return answer({"values": [fact_summary(row) for row in rows]})

"""Others: free key-value facts; the key `Name` names the experiment."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.parameters import fact_summary
from zenml_comet_tracker.local.routes.values import to_text
from zenml_comet_tracker.local.store import experiments, facts
from zenml_comet_tracker.local.store.store import Target

rest = APIRouter()


@rest.post("/write/experiment/log-other")
def add(call: JsonCall) -> Response:
    """Stores `value` under `key`."""
    key, value, millis = _named(call.fields, call.store.clock())
    return call.write(lambda target: facts.add_other(target.transaction, target.experiment.id, key, value, millis))


@rest.post("/write/experiment/log-others")
def add_all(call: JsonCall) -> Response:
    """As `add`, for `values`: all of them or, when one is refused, none. Comet itself has no such call."""
    now = call.store.clock()
    values = [_named(fields, now) for fields in call.fields.objects("values")]

    def change(target: Target) -> None:
        for key, value, millis in values[target.first_new :]:
            facts.add_other(target.transaction, target.experiment.id, key, value, millis)

    return call.write_values(None, len(values), change)


@rest.get("/experiment/log-other")
def summary(call: QueryCall) -> Response:
    """Every other, its value as a text."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        rows = facts.others(connection, experiment.id)
    return answer({"values": [fact_summary(row) for row in rows]})


def _named(fields: Fields, now: int) -> tuple[str, str, int]:
    given = fields.moment("timestamp")
    return fields.text("key"), to_text(fields.value("value")), now if given is None else given

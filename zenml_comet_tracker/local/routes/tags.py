"""Tags: added and taken away by REST and by the SDK."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import Change, JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store import experiments, facts

rest = APIRouter()
clientlib = APIRouter()


@rest.post("/write/experiment/tags")
@clientlib.post("/tags/add-tags-to-experiment")
def add(call: JsonCall) -> Response:
    """Adds `addedTags` to the experiment's tags; empty ones are passed over."""
    return call.write(adding(call.fields))


def adding(fields: Fields) -> Change:
    """What `add` does with these fields."""
    names = [name for name in fields.texts("addedTags") if name]
    return lambda target: facts.add_tags(target.connection, target.experiment.id, names)


@rest.post("/write/experiment/tags/delete")
def remove(call: JsonCall) -> Response:
    """Takes `tags` away."""
    names = call.fields.texts("tags")
    return call.write(lambda target: facts.remove_tags(target.connection, target.experiment.id, names))


@rest.get("/experiment/tags")
def of_experiment(call: QueryCall) -> Response:
    """The experiment's tags."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        return answer({"tags": facts.tags(connection, experiment.id)})

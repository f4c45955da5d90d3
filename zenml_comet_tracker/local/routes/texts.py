"""The texts of an experiment: html, graph, code, and what its program printed."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import Change, JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store import documents, experiments
from zenml_comet_tracker.local.store.documents import OutputLine, TextKind

rest = APIRouter()


@rest.post("/write/experiment/html")
def add_html(call: JsonCall) -> Response:
    """Stores `html` behind what is there, or in its place with `override`."""
    html, override = call.fields.content("html"), call.fields.flag("override")
    return call.write(
        lambda target: documents.put(target.transaction, target.experiment.id, "html", html, append=not override)
    )


@rest.get("/experiment/html")
def html(call: QueryCall) -> Response:
    """The logged HTML, "" when there is none."""
    return answer({"html": _text(call, "html") or ""})


@rest.post("/write/experiment/graph")
def set_graph(call: JsonCall) -> Response:
    """Stores the model graph, as it is."""
    graph = call.fields.content("graph")
    return call.write(lambda target: documents.put(target.transaction, target.experiment.id, "graph", graph))


@rest.get("/experiment/graph")
def graph(call: QueryCall) -> Response:
    """The model graph, null when there is none."""
    return answer({"graph": _text(call, "graph")})


@rest.post("/write/experiment/code")
def set_code(call: JsonCall) -> Response:
    """Stores the program's source."""
    return call.write(setting_code(call.fields))


def setting_code(fields: Fields) -> Change:
    """What `set_code` does with these fields."""
    code = fields.content("code")
    return lambda target: documents.put(target.transaction, target.experiment.id, "code", code)


@rest.get("/experiment/code")
def code(call: QueryCall) -> Response:
    """The program's source, null when there is none."""
    return answer({"code": _text(call, "code")})


@rest.post("/write/experiment/output")
def add_output(call: JsonCall) -> Response:
    """Stores pieces of output. The SDK's keep their own line ends; REST clients send whole lines without any."""
    whole_lines = not call.path.startswith("/clientlib/")
    context = call.fields.optional_text("runContext") or call.fields.optional_text("context") or ""
    lines = [_line(fields, context, whole_lines) for fields in call.fields.objects("outputLines")]
    return call.write(lambda target: documents.add_output(target.transaction, target.experiment.id, lines))


@rest.get("/experiment/output")
def output(call: QueryCall) -> Response:
    """All output so far as one text."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        return answer({"output": documents.output(connection, experiment.id)})


def _text(call: QueryCall, kind: TextKind) -> str | None:
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        return documents.get(connection, experiment.id, kind)


def _line(fields: Fields, context: str, whole_lines: bool) -> OutputLine:
    text = fields.content("output")
    if whole_lines and not text.endswith("\n"):
        text += "\n"
    return OutputLine(fields.integer("offset"), text, fields.flag("stderr"), context)

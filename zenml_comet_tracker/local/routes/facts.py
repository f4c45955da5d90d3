"""Facts of many kinds in one request and one commit, which Comet has no call for."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes import experiments, git, others, system, tags, texts
from zenml_comet_tracker.local.routes.calls import Call, Change, JsonCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store.store import Target

rest = APIRouter()

# By the ends of the paths of the calls that take one of them, whose fields each has.
_KINDS: dict[str, Callable[[Fields, Call], Change]] = {
    "code": lambda fields, _: texts.setting_code(fields),
    "file-path": lambda fields, _: experiments.setting_file_path(fields),
    "git/metadata": lambda fields, _: git.setting(fields),
    "log-other": others.adding,
    "system-details": lambda fields, _: system.setting(fields),
    "tags": lambda fields, _: tags.adding(fields),
}


@rest.post("/write/experiment/log-facts")
def add_all(call: JsonCall) -> Response:
    """Does with each of `facts` what the call does that its `kind` names, in their order: with all of them or, when one
    is refused, with none."""
    changes = [_change(fields, call) for fields in call.fields.objects("facts")]

    def change(target: Target) -> None:
        for one in changes[target.first_new :]:
            one(target)

    return call.write_values(None, len(changes), change)


def _change(fields: Fields, call: Call) -> Change:
    change_of = _KINDS.get(fields.text("kind"))
    if change_of is None:
        raise fields.error("kind", f"one of {', '.join(_KINDS)}")
    return change_of(fields, call)

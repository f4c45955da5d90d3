"""Answers with a good status that are not what was promised: the error says so, whatever was read."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.comet.scripted import Answer, Asked, ScriptedComet
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.errors import BrokenAnswerError, CometError

_LISTS = (
    *("experiments", "projects", "assets", "metrics", "values", "models", "columns", "versions", "items", "views"),
    *("registryModels", "workspaceNames", "tags", "experimentKeys", "shareCodes", "allowedStatus", "metadata"),
)
_BROKEN: dict[str, dict[str, Any]] = {
    "nothing": {},
    "numbers": dict.fromkeys(_LISTS, 7),
    "empty objects": {key: [{}] for key in _LISTS},
    "nulls in lists": {key: [None] for key in _LISTS},
    "texts in lists": {key: ["x"] for key in _LISTS},
    "other types": {"registryModelCount": "x", "experimentKey": None, "projectId": None, "experiments": {"a": 1}},
}
_ARGUMENTS = {"metrics": ["loss"], "experiments": ["e"], "experiment_keys": ["e"], "predicates": [], "query": None}


@pytest.mark.parametrize("kind", _BROKEN)
def test_whatever_a_server_answers_is_no_error_from_inside(comet: ScriptedComet, kind: str) -> None:
    def rule(_: Asked) -> Answer:
        return Answer(body=_BROKEN[kind])

    comet.rules.append(rule)
    api = API("k" * 40, url=comet.root, workspace="ws", project_name="p")
    experiment = APIExperiment.of(api._connection, {"experimentKey": "e" * 32})
    called = 0
    for reader in (api, experiment):
        for name in (name for name in dir(type(reader)) if name.startswith(("get_", "gen_", "experiments_"))):
            method = getattr(reader, name)
            needed = [p.name for p in inspect.signature(method).parameters.values() if p.default is p.empty]
            try:
                found = method(*(_ARGUMENTS.get(argument, "x") for argument in needed))
                if inspect.isgenerator(found):
                    list(found)
            except CometError:
                pass
            called += 1
    assert called > 100


@pytest.mark.parametrize("member", ["workspace", "project_name", "project_id", "url"])
def test_an_experiment_without_its_place_is_not_in_one_called_none(comet: ScriptedComet, member: str) -> None:
    comet.answer_with("experiment/metadata", Answer(body={"experimentKey": "e" * 32}))
    api = API("k" * 40, url=comet.root)
    experiment = APIExperiment.of(api._connection, {"experimentKey": "e" * 32})
    with pytest.raises(BrokenAnswerError, match="without"):
        getattr(experiment, member)

"""What `API` does to experiments stands on the server afterwards; a call on many says which it could not do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.api import API

WHERE = {"teamName": "actions", "projectName": "from"}
NOBODY = "f" * 32


@pytest.fixture
def keys(local_server: LocalServer) -> list[str]:
    """The keys of three new running experiments."""
    return [begin(local_server, **WHERE) for _ in range(3)]


def metadata(server: LocalServer, key: str) -> dict[str, Any]:
    return server.get("experiment/metadata", experimentKey=key)


def gone(server: LocalServer, key: str) -> bool:
    return server.call("GET", "api/rest/v2/experiment/metadata", params={"experimentKey": key}).status_code == 404


def archived(server: LocalServer, key: str) -> bool:
    return bool(metadata(server, key)["archived"])


def stopped(server: LocalServer, key: str) -> bool:
    return not metadata(server, key)["running"]


ACTIONS: dict[str, Callable[[LocalServer, str], bool]] = {
    "archive": archived,
    "restore": lambda server, key: not archived(server, key),
    "stop": stopped,
    "delete": gone,
}


@pytest.mark.parametrize("action", ACTIONS)
def test_it_is_done_to_the_one_that_is_named(
    local_server: LocalServer, ours: API, official: Any, keys: list[str], action: str
) -> None:
    done, one, other, untouched = ACTIONS[action], *keys
    if action == "restore":
        for key in keys:
            local_server.get("write/experiment/archive", experimentKey=key)
    assert not any(done(local_server, key) for key in keys)
    answered = getattr(ours, f"{action}_experiment")(one)
    assert [done(local_server, key) for key in keys] == [True, False, False]
    # The official SDK does the same, and is answered the same.
    assert getattr(official, f"{action}_experiment")(other) == answered
    assert not done(local_server, untouched)


@pytest.mark.parametrize("action", ACTIONS)
def test_it_is_done_to_many(local_server: LocalServer, ours: API, keys: list[str], action: str) -> None:
    if action == "restore":
        ours.archive_experiments(keys)
    one, two, untouched = keys
    answers = getattr(ours, f"{action}_experiments")([one, two, one])
    assert [answer["code"] for answer in answers] == [200, 200]
    assert [ACTIONS[action](local_server, key) for key in (one, two, untouched)] == [True, True, False]


def test_those_that_are_not_there_are_named_and_the_others_are_done(
    local_server: LocalServer, ours: API, keys: list[str]
) -> None:
    with pytest.raises(errors.PartlyDoneError, match=r"2 of 3 experiments were deleted\. Not: f{32}: ") as caught:
        ours.delete_experiments([keys[0], NOBODY, keys[1]])
    assert (caught.value.done, list(caught.value.failed), caught.value.left) == (keys[:2], [NOBODY], [])
    assert isinstance(caught.value.failed[NOBODY], errors.NotFoundError)
    assert [gone(local_server, key) for key in keys] == [True, True, False]


def test_what_stops_them_all_is_raised_as_it_is(comet: ScriptedComet) -> None:
    api = API("key", url=comet.root)
    comet.answer_with("write/experiment/archive", Answer(402, {"msg": "pay", "code": 402}))
    with pytest.raises(errors.PaymentRequiredError):
        api.archive_experiments(["a", "b"])
    assert len(comet.requests("write/experiment/archive")) == 1


def test_those_that_were_not_tried_any_more_are_named(comet: ScriptedComet) -> None:
    api = API("key", url=comet.root)
    comet.answer_with("write/experiment/archive", Answer(402, {"msg": "pay", "code": 402}))
    comet.answer_with("write/experiment/archive", Answer(), times=2)
    with pytest.raises(errors.PartlyDoneError, match="2 were not tried") as caught:
        api.archive_experiments(["a", "b", "c", "d", "e"])
    assert (caught.value.done, list(caught.value.failed), caught.value.left) == (["a", "b"], ["c"], ["d", "e"])


@pytest.mark.parametrize("keys", [NOBODY, [None], [[NOBODY]], None, 5])
def test_one_key_is_no_list_of_keys(ours: API, keys: Any) -> None:
    for act in (ours.archive_experiments, ours.delete_experiments, lambda keys: ours.move_experiments(keys, "w", "p")):
        with pytest.raises(errors.InvalidArgumentError, match="list of experiment keys"):
            act(keys)


def test_it_is_done_to_those_of_a_generator_too(local_server: LocalServer, ours: API, keys: list[str]) -> None:
    assert len(ours.archive_experiments(key for key in keys)) == len(keys)  # type: ignore[arg-type]
    assert all(ACTIONS["archive"](local_server, key) for key in keys)


def test_nothing_is_done_to_none(ours: API) -> None:
    before = ours._connection.requests
    assert ours.delete_experiments([]) == []
    ours.move_experiments([], "w", "p")
    assert ours._connection.requests == before


def listed(server: LocalServer, project: str) -> set[str]:
    rows = server.get("experiments", workspaceName="actions", projectName=project)["experiments"]
    return {row["experimentKey"] for row in rows}


def test_experiments_are_moved(local_server: LocalServer, ours: API, keys: list[str]) -> None:
    ours.move_experiments(keys[:2], "actions", "moved to")
    assert listed(local_server, "moved to") >= {*keys[:2]}
    assert listed(local_server, "from") & {*keys} == {keys[2]}


def test_experiments_are_listed_in_another_project_too(local_server: LocalServer, ours: API, keys: list[str]) -> None:
    ours.move_experiments(keys[:1], "actions", "linked to", symlink=True)
    link = ours.create_experiment_symlink(keys[1], "linked to")
    assert link == f"{local_server.url}/actions/linked%20to/{keys[1]}"
    assert {*keys[:2]} <= listed(local_server, "linked to")
    assert {*keys} <= listed(local_server, "from")


@pytest.mark.parametrize("symlink", [False, True])
def test_each_finds_what_the_other_moved(ours: API, official: Any, keys: list[str], symlink: bool) -> None:
    project = f"both {symlink}"
    ours.move_experiments(keys[:1], "actions", project, symlink=symlink)
    official.move_experiments(keys[1:2], "actions", project, symlink=symlink)
    for api in (ours, official):
        assert {experiment.key for experiment in api.get_experiments("actions", project)} == {*keys[:2]}
        left = {experiment.key for experiment in api.get_experiments("actions", "from")} & {*keys}
        assert left == ({*keys} if symlink else {keys[2]})


def test_a_hundred_are_moved_at_a_time(comet: ScriptedComet) -> None:
    keys = [f"{number:032}" for number in range(250)]
    api = API("key", url=comet.root)
    api.move_experiments(keys, "w", "p", symlink=True)
    sent = [asked.json for asked in comet.requests("write/experiment/move")]
    assert [body["experimentKeys"] for body in sent] == [keys[:100], keys[100:200], keys[200:]]
    assert [(b["targetWorkspaceName"], b["targetProjectName"], b["symlink"]) for b in sent] == [("w", "p", True)] * 3


def test_a_move_that_breaks_off_says_how_far_it_came(comet: ScriptedComet) -> None:
    keys = [f"{number:032}" for number in range(250)]
    comet.answer_with("write/experiment/move", Answer(404, {"msg": "no such", "code": 404}))
    comet.answer_with("write/experiment/move", Answer(), times=1)
    with pytest.raises(errors.PartlyDoneError, match="100 of 250 experiments were moved") as caught:
        API("key", url=comet.root).move_experiments(keys, "w", "p")
    failed = list(caught.value.failed)
    assert (caught.value.done, failed, caught.value.left) == (keys[:100], keys[100:200], keys[200:])


def test_one_that_is_not_there_is_not_found(ours: API, keys: list[str]) -> None:
    for act in (ours.archive_experiment, ours.restore_experiment, ours.stop_experiment, ours.delete_experiment):
        with pytest.raises(errors.NotFoundError, match=NOBODY):
            act(NOBODY)
    with pytest.raises(errors.NotFoundError, match=NOBODY):
        ours.move_experiments([keys[0], NOBODY], "actions", "moved to")

"""Experiments by place, key, name and pattern: what is found, and what is said where nothing can be."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.comet.api.shelf import FIRST, SECOND, START, WORKSPACE, Shelf, end
from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.api_experiment import APIExperiment
from zenml_comet_tracker.comet.errors import InvalidArgumentError


def keys(found: Any) -> list[str]:
    return [experiment.key for experiment in found]


@pytest.mark.parametrize("label", ["full", "gamma", "delta"])
def test_an_experiment_is_got_by_its_key_alone(shelf: Shelf, ours: API, label: str) -> None:
    found = ours.get_experiment(shelf[label])
    assert isinstance(found, APIExperiment)
    assert found == ours.get_experiment_by_key(shelf[label]) == ours.get_experiment_by_id(shelf[label])
    assert found.get_metadata() == shelf.server.get("experiment/metadata", experimentKey=shelf[label])


@pytest.mark.parametrize("text", [f"{WORKSPACE}/{SECOND}/delta", f"{WORKSPACE}/{SECOND}/delta/"])
def test_an_experiment_is_got_by_one_text(shelf: Shelf, ours: API, text: str) -> None:
    for ask in (ours.get, ours.get_experiment):
        found = ask(text)
        assert isinstance(found, APIExperiment)
        assert found.key == shelf["delta"]


def test_a_listed_experiment_knows_what_the_list_said_without_asking_again(shelf: Shelf, ours: API) -> None:
    before = ours._connection.requests
    found = ours.get_experiments(WORKSPACE, FIRST)
    said = [(experiment.name, experiment.workspace, experiment.project_name, experiment.url) for experiment in found]
    assert ours._connection.requests == before + 1
    place = f"{shelf.server.url}/{WORKSPACE}/first%20project/"
    assert [url for *_, url in said] == [place + key for key in keys(found)]
    assert {name for name, *_ in said} == {"Größe 🚀", "beta", "a/b", None}


def test_an_experiment_is_got_by_its_name(shelf: Shelf, ours: API) -> None:
    assert ours.get_experiment_by_name("delta", WORKSPACE, SECOND).key == shelf["delta"]  # type: ignore[union-attr]
    # Without a project it is looked for in all of them.
    assert ours.get_experiment_by_name("delta", WORKSPACE).key == shelf["delta"]  # type: ignore[union-attr]
    assert ours.get_experiment_by_name("delta", WORKSPACE, FIRST) is None
    assert ours.get_experiment_by_name("nobody", WORKSPACE) is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.get(WORKSPACE, FIRST, "beta"),
        lambda api: api.get_experiment(WORKSPACE, FIRST, "beta"),
        lambda api: api.get_experiment_by_name("beta", WORKSPACE, FIRST),
    ],
)
def test_two_experiments_of_one_name_are_named_with_what_to_do(shelf: Shelf, ours: API, ask: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        ask(ours)
    message = str(caught.value)
    assert message.startswith("2 experiments are called 'beta': ")
    assert all(f"{WORKSPACE}/{FIRST}/{shelf[label]}" in message for label in ("beta", "beta 2"))
    # The call that the message gives finds just these.
    advised = re.search(r"project_name, '(.*)'\)", message)
    assert advised is not None
    assert set(keys(ours.get_experiments(WORKSPACE, FIRST, advised[1]))) == {shelf["beta"], shelf["beta 2"]}


def test_an_experiment_that_is_linked_to_another_project_is_one(local_server: LocalServer) -> None:
    key = begin(local_server, teamName="linked", projectName="here")
    local_server.post("write/experiment/log-other", experimentKey=key, key="Name", value="solo")
    local_server.get("write/project/symlink", experimentKey=key, projectName="there")
    api = API(local_server.api_key, url=local_server.url)
    found = api.get_experiment_by_name("solo", "linked")
    assert found is not None
    assert found.key == key
    assert keys(api.gen_experiments("linked")) == [key]


def test_an_archived_experiment_is_got_by_its_name_too(shelf: Shelf, ours: API) -> None:
    found = ours.get_archived_experiment(WORKSPACE, FIRST, "gamma")
    assert found is not None
    assert (found.key, found.archived) == (shelf["gamma"], True)
    assert ours.get_archived_experiment(WORKSPACE, FIRST, shelf["full"]) is None


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a(b", r"missing \), unterminated subpattern at position 1"),
        ("[a", "position 0"),
        ("a{2}{3}", "position"),
        (5, "pattern=5"),
    ],
)
@pytest.mark.parametrize("method", ["get_experiments", "gen_experiments", "get_archived_experiments", "experiments_df"])
def test_a_pattern_that_is_none_is_told_where_it_breaks(ours: API, pattern: str, said: str, method: str) -> None:
    before = ours._connection.requests
    with pytest.raises(InvalidArgumentError, match=said):
        getattr(ours, method)(WORKSPACE, FIRST, pattern)
    assert ours._connection.requests == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"page": 2}, "pass page_size"),
        ({"page": 0, "page_size": 5}, "page=0 cannot be; expected a number from 1 on"),
        ({"page_size": -1}, "page_size=-1"),
        ({"page_size": 2.5}, "page_size=2.5 cannot be"),
        ({"page": "2", "page_size": 5}, "page='2' cannot be"),
        ({"sort_by": "name"}, "sort_by='name' is unknown; expected 'startTime' or 'endTime'"),
        ({"sort_order": "up"}, "sort_order='up' is unknown; expected 'asc' or 'desc'"),
    ],
)
@pytest.mark.parametrize("method", ["get_experiments", "gen_experiments"])
def test_pages_that_cannot_be(ours: API, official: Any, options: dict[str, Any], said: str, method: str) -> None:
    with pytest.raises(InvalidArgumentError, match=re.escape(said)):
        getattr(ours, method)(WORKSPACE, FIRST, **options)
    if "page_size" not in options:
        with pytest.raises(ValueError):  # noqa: PT011 - the kind of error that ours is as well
            list(getattr(official, method)(WORKSPACE, FIRST, **options))


def test_pages_of_a_workspace_go_over_its_projects(ours: API) -> None:
    whole = keys(ours.get_experiments(WORKSPACE))
    pages = [keys(ours.get_experiments(WORKSPACE, page=page, page_size=4)) for page in (1, 2, 3)]
    assert pages == [whole[:4], whole[4:], []]
    assert keys(ours.gen_experiments(WORKSPACE)) == whole


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("by", ["startTime", "endTime"])
def test_an_order_holds_over_all_projects_of_a_workspace(local_server: LocalServer, by: str, order: str) -> None:
    workspace, millis = f"order-{by}-{order}".lower(), [START + second * 1_000 for second in (3, 1, 4, 2)]
    for index, start in enumerate(millis):
        key = begin(local_server, teamName=workspace, projectName=f"project {index % 2}")
        end(local_server, key, start)
    api = API(local_server.api_key, url=local_server.url)
    expected = [START + second * 1_000 for second in ((1, 2, 3, 4) if order == "asc" else (4, 3, 2, 1))]
    asked: dict[str, Any] = {"sort_by": by, "sort_order": order}
    assert [run.start_server_timestamp for run in api.get_experiments(workspace, **asked)] == expected
    assert [run.start_server_timestamp for run in api.gen_experiments(workspace, **asked)] == expected
    paged = api.get_experiments(workspace, page=2, page_size=3, **asked)
    assert [run.start_server_timestamp for run in paged] == expected[3:]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("w/p", "q"), "names a project already"),
        (("w/p", None, "e"), "names a project already"),
        (("w", "p/e", "e"), "names an experiment already"),
        (("/w",), "has an empty part; expected 'workspace/project/experiment'"),
        (("w//e",), "has an empty part"),
        ((5,), "are named by texts, not by 5"),
        (("w", ["p"]), "are named by texts"),
    ],
)
def test_places_that_cannot_be(ours: API, parts: Any, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        ours.get(*parts)


def test_a_place_without_an_experiment_is_no_experiment(ours: API) -> None:
    with pytest.raises(InvalidArgumentError, match="'workspace/project/experiment'"):
        ours.get_experiment("w/p")
    with pytest.raises(InvalidArgumentError, match="key is empty"):
        ours.get_experiment("")
    with pytest.raises(TypeError, match="got 'experiment_key' twice: 'workspace' is the same"):
        ours.get_experiment(experiment_key="w", workspace="w", project_name="p", experiment="e")  # type: ignore[call-overload]

"""Facts of many kinds in one request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer

PATH = "api/rest/v2/write/experiment/log-facts"
# Each with what the call takes that its kind names.
FACTS: list[dict[str, Any]] = [
    {"kind": "log-other", "key": "note", "value": "first", "timestamp": 7},
    {"kind": "log-other", "key": "long", "value": 2**70},
    {"kind": "tags", "addedTags": ["fast", "", "good"]},
    {"kind": "code", "code": "print(1)\n"},
    {"kind": "file-path", "filePath": "/home/me/train.py"},
    {"kind": "git/metadata", "user": "me", "parent": "5f0c", "branch": None},
    {"kind": "system-details", "hostname": "here", "installedPackages": "only-one==1.0"},
    {"kind": "log-other", "key": "note", "value": "second"},
]


def test_each_fact_does_what_the_call_of_its_kind_does_in_order(local_server: LocalServer, key: str) -> None:
    assert local_server.call("POST", PATH, json={"experimentKey": key, "facts": FACTS}).status_code == 200

    def told(path: str) -> Any:
        return local_server.get(path, experimentKey=key)

    others = {row["name"]: row["valueCurrent"] for row in told("experiment/log-other")["values"]}
    assert others == {"note": "second", "long": str(2**70)}
    assert sorted(told("experiment/tags")["tags"]) == ["fast", "good"]
    assert told("experiment/code")["code"] == "print(1)\n"
    assert told("experiment/metadata")["filePath"] == "/home/me/train.py"
    git = told("experiment/git/metadata")
    assert (git["user"], git["parent"], git["branch"], git["origin"]) == ("me", "5f0c", None, None)
    system = told("experiment/system-details")
    assert (system["hostname"], system["installedPackages"]) == ("here", ["only-one==1.0"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "metric", "metricName": "m", "metricValue": 1}, "facts[1].kind is 'metric'; expected one of code,"),
        ({"key": "no kind"}, "facts[1].kind is missing; expected"),
        ({"kind": "tags"}, "facts[1].addedTags is missing; expected a list of texts"),
        ({"kind": "system-details", "osPackages": 1}, "facts[1].osPackages is '1'; expected a list"),
    ],
    ids=["unknown", "none", "incomplete", "wrong"],
)
def test_one_that_is_refused_keeps_all_of_them_out(
    local_server: LocalServer, key: str, wrong: dict[str, Any], said: str
) -> None:
    answer = local_server.call("POST", PATH, json={"experimentKey": key, "facts": [FACTS[0], wrong]})
    assert (answer.status_code, said in answer.json()["msg"]) == (400, True), answer.text
    assert local_server.get("experiment/log-other", experimentKey=key)["values"] == []

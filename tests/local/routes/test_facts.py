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


def test_what_attempts_say_otherwise_is_kept_apart_and_the_newest_has_the_name(
    local_server: LocalServer, key: str
) -> None:
    def told(attempt: int | None, millis: int, **values: Any) -> None:
        headers = {} if attempt is None else {"X-Comet-Attempt": str(attempt)}
        others = [{"kind": "log-other", "key": n, "value": v, "timestamp": millis} for n, v in values.items()]
        answer = local_server.call("POST", PATH, json={"experimentKey": key, "facts": others}, headers=headers)
        assert answer.status_code == 200, answer.text
        named = [{"parameterName": n, "parameterValue": v, "timestamp": millis} for n, v in values.items()]
        path, body = "clientlib/batch/logger/experiment/parameter", {"experimentKey": key, "values": named}
        assert local_server.call("POST", path, json=body, headers=headers).status_code == 200

    told(1, 5_000, rate=1, kind="sgd", seed=7, my_attempt=1)
    # On a machine whose clock is behind.
    told(2, 3_000, rate=2, kind="sgd", my_attempt=2)
    # What a dead process had left comes last.
    told(1, 6_000, rate=1.5, kind="sgd", seed=8, late="x")
    local_server.sdk("status-report/update", experimentKey=key, is_alive=True, attempt=3)
    told(3, 7_000, late="y")
    told(1, 6_500, late="y")
    # Who names no attempt is a guest of the newest one.
    told(None, 8_000, rate=3)

    expected = {
        "rate": "3",
        "attempt_2_rate": "2",
        "attempt_1_rate": "1.5",
        "kind": "sgd",
        "seed": "8",
        "late": "y",
        "attempt_1_late": "y",
        "my_attempt": "2",
    }
    for path in ("experiment/log-other", "experiment/parameters"):
        values = local_server.get(path, experimentKey=key)["values"]
        assert {entry["name"]: entry["valueCurrent"] for entry in values} == expected

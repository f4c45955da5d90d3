"""What the official SDK logged offline and `comet upload` delivered is read back equal (rows 70 to 75)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.sdk.conftest import Session, assert_clean

# A program of the official SDK takes seconds to start.
pytestmark = pytest.mark.long

HAND_MADE = "h" * 32


@pytest.fixture(scope="module")
def session(play: Callable[[str], Session]) -> Session:
    return play("offline")


def listed(session: Session, project: str) -> list[dict[str, Any]]:
    """The experiments of a project of the session's workspace."""
    found = session.server.get("experiments", workspaceName="sdk", projectName=project)["experiments"]
    return list(found)


def values(session: Session, key: str, path: str) -> dict[str, str]:
    rows = session.server.get(f"experiment/{path}", experimentKey=key)["values"]
    return {row["name"]: row["valueCurrent"] for row in rows}


def series(session: Session, key: str, name: str) -> list[tuple[Any, ...]]:
    metrics = session.server.get("experiment/metrics/get-metric", experimentKey=key, metricName=name)["metrics"]
    return [(m["metricValue"], m["step"], m["epoch"]) for m in metrics]


def contents(session: Session, key: str) -> dict[str, bytes]:
    """What every stored file of the experiment holds, by name."""
    assets = session.server.get("experiment/asset/list", experimentKey=key)["assets"]
    path = "api/rest/v2/experiment/asset/get-asset"
    return {
        asset["fileName"]: session.server.call(
            "GET", path, params={"experimentKey": key, "assetId": asset["assetId"]}
        ).content
        for asset in assets
        if not asset["remote"]
    }


def test_the_sdk_complains_of_nothing(session: Session) -> None:
    assert_clean(session)


def test_73_an_archive_is_uploaded(session: Session) -> None:
    assert session.value("73-comet_upload") == 0
    key = session.value("70-key")
    meta = session.server.get("experiment/metadata", experimentKey=key)
    assert (meta["experimentName"], meta["projectName"], meta["running"]) == ("off run", "offline", False)
    assert sorted(session.server.get("experiment/tags", experimentKey=key)["tags"]) == ["a", "b"]
    assert series(session, key, "loss") == [(str(step / 2), step, 1) for step in range(25)]
    assert [float(row[0]) for row in series(session, key, "train_odd")] == [float("inf")]
    assert {"lr": "0.1", "opt": "adam"}.items() <= values(session, key, "parameters").items()
    assert {"k": "v", "offline_experiment": "true"}.items() <= values(session, key, "log-other").items()
    assert session.server.get("experiment/html", experimentKey=key)["html"] == "<b>y</b>"
    assert session.server.get("experiment/graph", experimentKey=key)["graph"] == "{}"
    details = session.server.get("experiment/system-details", experimentKey=key)
    assert {"key": "k", "value": "v"} in details["logAdditionalSystemInfoList"]


def test_73_its_files_are_uploaded(session: Session) -> None:
    key = session.value("70-key")
    got = contents(session, key)
    assert (got["a.txt"], json.loads(got["q.json"]), got["red"][:4]) == (b"hello world", {"a": 1}, b"\x89PNG")
    assert json.loads(got["confusion-matrix.json"])["matrix"] == [[1, 0], [1, 0]]
    assert b"abc" in got.values()
    assets = session.server.get("experiment/asset/list", experimentKey=key)["assets"]
    assert [asset["link"] for asset in assets if asset["remote"]] == ["s3://bucket/x.bin"]
    item = session.server.get("registry-model/item/details", workspaceName="sdk", modelName="m", version="1.0.0")
    assert item["experimentModel"]["experimentKey"] == key


def test_73_its_times_are_those_of_the_run(session: Session) -> None:
    meta = session.server.get("experiment/metadata", experimentKey=HAND_MADE)
    assert (meta["startTimeMillis"], meta["durationMillis"]) == (1_795_228_432_267, 5000)


def assert_hand_made(session: Session, key: str) -> None:
    assert series(session, key, "m") == [("1.5", 1, 0)]
    assert values(session, key, "parameters")["p"] == "3"
    assert values(session, key, "log-other")["Name"] == "hand made"
    assert session.server.get("experiment/output", experimentKey=key)["output"] == "hi\n"
    assert session.server.get("experiment/html", experimentKey=key)["html"] == "<p>"
    assert session.server.get("experiment/tags", experimentKey=key)["tags"] == ["ht"]
    assert contents(session, key) == {"hand.txt": b"by hand\n"}


def test_75_a_hand_made_archive_is_uploaded(session: Session) -> None:
    assert session.value("75-comet_upload-handmade") == 0
    assert_hand_made(session, HAND_MADE)


def test_75_the_same_archive_is_refused_and_changes_nothing(session: Session) -> None:
    assert session.value("75-again") == 1
    assert any("was already uploaded" in line for line in session.rows["75-again"]["complaints"])
    assert_hand_made(session, HAND_MADE)


@pytest.mark.parametrize(("row", "project"), [("75-force-upload", "forced"), ("75-force-reupload", "reforced")])
def test_75_by_force_it_becomes_another_experiment(session: Session, row: str, project: str) -> None:
    assert session.value(row) == 0
    (again,) = listed(session, project)
    assert again["experimentKey"] != HAND_MADE
    assert_hand_made(session, again["experimentKey"])

"""The official SDK takes the local server for Comet: what it wrote, it reads back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer

SESSION = Path(__file__).with_name("sdk_session.py")


@pytest.fixture(scope="module")
def session(local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a program read back, after it had logged with the SDK."""
    folder = tmp_path_factory.mktemp("sdk")
    done = subprocess.run(
        [sys.executable, str(SESSION), local_server.url, local_server.api_key, str(folder)],
        env={"HOME": str(folder), "PATH": os.environ["PATH"]},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "ERROR" not in done.stderr, done.stderr[-3000:]
    result = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return json.loads(result.removeprefix("RESULT "))


def test_a_live_experiment_is_read_back_as_it_was_logged(session: dict[str, Any]) -> None:
    read = session["read"]
    assert read["loss"] == [[repr(1 / (step + 1)), step, step // 5] for step in range(25)]
    assert read["frame"] == [1 / (step + 1) for step in range(25)]
    assert read["accuracy"] == [["NaN", "train"], ["0.5", "train"]]
    assert (read["name"], read["state"], read["tags"]) == ("by the SDK", "finished", ["one", "two"])
    assert read["url"].endswith(f"/sdk/oracle/{read['key']}")
    logged = {"lr": "0.1", "layers": "3", "name": "adam", "nested|deep": "true"}
    assert logged.items() <= read["parameters"].items()
    assert (read["note"], read["html"]) == (["hi"], "<b>hi</b>")
    assert "printed by the program\n" in read["output"]


def test_assets_and_models_are_read_back(session: dict[str, Any]) -> None:
    read = session["read"]
    assert read["weights"] is True
    assert read["matrix"] == [[1, 0], [1, 1]]
    assert read["assets"]["dot.png"] == ["image", 3, None]
    assert read["assets"]["data/weights.bin"][0] == "asset"
    assert [entry[2] for entry in read["assets"].values() if entry[0] == "text-sample"] == ['{"k":1}']
    assert (read["models"], read["model_files"]) == (["digits"], ["weights.bin"])


def test_an_experiment_can_be_joined_and_found(session: dict[str, Any]) -> None:
    read = session["read"]
    assert "later" in read["names"]
    assert read["experiments"] == [read["key"]]
    assert (read["projects"], read["absent"]) == (["oracle"], None)
    assert {"Metric('loss')", "Parameter('lr')", "Other('note')", "Tag('one')"} <= set(read["columns"])


def test_an_experiment_can_be_made_and_changed_over_rest(session: dict[str, Any]) -> None:
    assert session["edited"] == {
        "beat": {
            "isAliveBeatDurationMillis": 10_000,
            "gpuMonitorIntervalMillis": 60_000,
            "cpuMonitorIntervalMillis": 68_000,
        },
        "name": "by REST",
        "tags": ["best"],
        "output": "one\ntwo\n",
        "code": "print(1)",
        "graph": '{"nodes":[]}',
        "user": "someone",
        "pid": 12,
        "git": {"user": "u", "root": "r", "branch": "b", "parent": "p", "origin": "o"},
        "state": "crashed",
        "archived": True,
    }

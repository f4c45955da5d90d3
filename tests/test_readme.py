"""The README to the letter: every block of it runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.local import launch

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
BIN = Path(sys.executable).parent


def block(kind: str, holding: str) -> str:
    """The one block of a kind that holds a text."""
    (found,) = [text for block_kind, text in BLOCKS if block_kind == kind and holding in text]
    return found


def run(command: list[str], folder: Path, **environment: str) -> str:
    """What a command prints; it has to succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), **environment},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def state_of(server: LocalServer, url: str) -> tuple[bool, bool]:
    metadata = server.get("experiment/metadata", experimentKey=url.rsplit("/", 1)[-1])
    return metadata["running"], metadata["hasCrashed"]


def test_every_block_is_run_by_one_of_these_tests() -> None:
    run_here = ["make demo", "zenml-comet open", "pip install", "zenml-comet setup", "from zenml import"]
    run_here += ["from zenml_comet_tracker import Experiment", "import API", "zenml-comet up", "zenml-comet env"]
    assert [text for _, text in BLOCKS if not any(mark in text for mark in run_here)] == []
    assert len(BLOCKS) == len(run_here)


def test_the_two_commands_are_targets_and_set_up_what_they_need() -> None:
    said = block("console", "make demo").replace("$ ", "").split("\n")[:2]
    for command in said:
        shown = run(["bash", "-c", f"{command} -n -B"], ROOT)
        assert "install" in shown
    assert "zenml-comet demo" in run(["make", "-n", "demo"], ROOT)
    assert "-m pytest" in run(["make", "-n", "test"], ROOT)
    assert "'.[local]'" in block("console", "pip install")


@pytest.mark.long
def test_tracking_by_the_readme(zenml_folder: Path, daemon_folder: Path, tmp_path: Path) -> None:
    environment = {
        "ZENML_CONFIG_PATH": str(zenml_folder),
        "ZENML_COMET_JOURNAL": str(tmp_path / "journals"),
        "ZENML_COMET_LOCAL_DATA": str(daemon_folder),
        "PYTHONWARNINGS": "ignore",
    }
    run(["bash", "-ec", block("bash", "zenml-comet setup")], tmp_path, **environment)
    (tmp_path / "training.py").write_text(block("python", "from zenml import"))

    printed = run([sys.executable, "training.py"], tmp_path, **environment)

    server = launch.find(daemon_folder)
    assert server is not None
    url = printed.split()[-1]
    assert url.startswith(f"{server.url}/local/digits/")

    def read(path: str, **params: str) -> dict[str, Any]:
        asked = {"experimentKey": url.rsplit("/", 1)[-1], **params}
        where, key = f"{server.url}/api/rest/v2/experiment/{path}", {"Authorization": server.api_key}
        found: dict[str, Any] = requests.get(where, params=asked, headers=key, timeout=30).json()
        return found

    metadata = read("metadata")
    assert (metadata["running"], metadata["hasCrashed"]) == (False, False)
    points = read("metrics/get-metric", metricName="loss")["metrics"]
    assert [float(p["metricValue"]) for p in points] == pytest.approx([0.9**epoch for epoch in range(1, 31)])
    assert "baseline" in read("tags")["tags"]


def test_logging_without_zenml_by_the_readme(local_server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "by_hand.py").write_text(block("python", "import Experiment"))
    printed = run(
        [sys.executable, "by_hand.py"],
        tmp_path,
        COMET_API_KEY=local_server.api_key,
        COMET_URL_OVERRIDE=local_server.url,
        ZENML_COMET_JOURNAL=str(tmp_path / "journals"),
    )
    assert state_of(local_server, printed.strip()) == (False, False)

    (tmp_path / "find.py").write_text(block("python", "import API"))
    found = run(
        [sys.executable, "find.py"],
        tmp_path,
        COMET_API_KEY=local_server.api_key,
        COMET_URL_OVERRIDE=local_server.url,
    )
    assert "by hand 0.01\n" in found


def test_the_local_comet_without_zenml_by_the_readme(daemon_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "by_hand.py").write_text(block("python", "import Experiment"))
    commands = block("bash", "zenml-comet env") + f"{sys.executable} by_hand.py"
    printed = run(["bash", "-euc", commands], tmp_path, ZENML_COMET_LOCAL_DATA=str(daemon_folder))
    assert "/local/digits/" in printed


def test_the_local_comet_by_the_readme(daemon_folder: Path, tmp_path: Path) -> None:
    printed = run(
        ["bash", "-euc", block("bash", "zenml-comet up")], tmp_path, ZENML_COMET_LOCAL_DATA=str(daemon_folder)
    )
    facts = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])
    assert facts["url"].startswith("http://127.0.0.1:")

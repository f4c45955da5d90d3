"""What an empty page says to type, typed."""

from __future__ import annotations

import json
import shlex
import urllib.request
from pathlib import Path

import pytest

from zenml_comet_tracker.local import launch
from zenml_comet_tracker.local.pages.snippets import snippets


def test_the_python_snippet_logs_what_it_says(
    daemon: launch.RunningServer, daemon_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZENML_COMET_LOCAL_DATA", str(daemon_folder))
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(tmp_path / "journal"))
    names: dict[str, object] = {}
    exec(dict(snippets("my team", "it's new"))["From Python"], names)
    key = names["experiment"].get_key()  # type: ignore[attr-defined]
    url = f"{daemon.url}/api/rest/v2/experiment/metrics/get-metric?experimentKey={key}&metricName=loss"
    asked = urllib.request.Request(url, headers={"Authorization": daemon.api_key})
    with urllib.request.urlopen(asked, timeout=30) as answered:
        values = json.loads(answered.read())["metrics"]
    assert [float(value["metricValue"]) for value in values] == [1 / (step + 1) for step in range(100)]


def test_names_are_quoted_for_the_shell() -> None:
    text = dict(snippets("my team", "it's; rm -rf $HOME"))["From a ZenML pipeline"]
    words = shlex.split(text.partition("\n# then")[0])
    assert "--workspace=my team" in words
    assert "--project_name=it's; rm -rf $HOME" in words

"""The examples of docs/artifacts.md run, one after the other, as somebody would who reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.comet.artifacts.conftest import Shelf
from tests.fixtures.local_server import LocalServer

PAGE = Path(__file__).parents[3] / "docs" / "artifacts.md"


def test_the_examples_run(
    local_server: LocalServer,
    tmp_path: Path,
    journals: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = {"API_KEY": local_server.api_key, "URL_OVERRIDE": local_server.url, "WORKSPACE": "ws"}
    for name, value in settings.items():
        monkeypatch.setenv(f"COMET_{name}", value)
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(journals))
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "train.csv").write_text("a,1\n")
    (tmp_path / "data" / "images" / "0.png").write_bytes(b"png")
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), {})
    shelf = Shelf(local_server, "digits")
    assert shelf.states() == {"1.0.0": "CLOSED", "2.0.0": "CLOSED"}
    assert shelf.contents(version="1.0.0") == {
        "train.csv": b"a,1\n",
        "images/0.png": b"png",
        "about.json": b'{"classes": 10}',
    }
    assert shelf.contents()["about.json"] == b'{"classes": 10, "balanced": true}'
    assert shelf.version(alias="newest")["artifactVersion"] == "2.0.0"
    said = capsys.readouterr()
    assert said.out.startswith("1.0.0\nws 1.0.0 {'rows': 1797}")
    # No bar where nobody watches.
    assert said.err == ""

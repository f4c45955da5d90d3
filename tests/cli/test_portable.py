"""`export` and `import`: what they print, and the pages that tell of them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Typed
from tests.comet.portable.data import upload
from tests.fixtures.local_server import LocalServer, begin, serving
from zenml_comet_tracker.comet.verify import GROUPS, running

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def comet_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One that has nothing but what stands on the pages."""
    with serving(tmp_path_factory.mktemp("local-comet")) as server:
        yield server


@pytest.fixture(scope="module")
def digits(comet_server: LocalServer) -> str:
    """The project of the documentation, with the one experiment `first`."""
    workspace = str(comet_server.get("account-details")["defaultWorkspaceName"])
    key = begin(comet_server, teamName=workspace, projectName="digits")
    comet_server.post("write/experiment/log-other", experimentKey=key, key="Name", value="first")
    comet_server.post("write/experiment/tags", experimentKey=key, addedTags=["baseline"])
    comet_server.post("write/experiment/metric", experimentKey=key, metricName="loss", metricValue=0.25)
    comet_server.post("write/experiment/parameter", experimentKey=key, parameterName="lr", parameterValue=0.1)
    upload(comet_server, "clientlib/asset/upload", b"text", experimentId=key, fileName="notes.txt")
    comet_server.post("write/experiment/update-status", experimentKey=key, isAlive=False, hasCrashed=False)
    return key


def test_what_is_exported_is_said_and_there(typed: Typed, digits: str, tmp_path: Path) -> None:
    done = typed("export", "digits", str(tmp_path / "out"), "--json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["experiments"], said["reused"], said["notes"]) == (0, 1, 0, [])
    assert said["files"] == len((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()) - 2
    assert (tmp_path / "out" / "experiments" / digits / "metrics.jsonl").exists()
    again = typed("export", "digits", str(tmp_path / "out"))
    assert again.exit_code == 1
    assert "holds an export already" in again.stderr


def test_what_is_imported_is_said_and_there(
    typed: Typed, comet_server: LocalServer, digits: str, tmp_path: Path
) -> None:
    typed("export", "digits", str(tmp_path / "out"))
    words = ("import", str(tmp_path / "out"), "--workspace", "cli", "--project", "digits-2", "--json")
    done = typed(*words)
    said = json.loads(done.stdout)
    # Its own key is in use here; the one in its place is the same each time.
    assert json.loads(typed(*words).stdout)["keys"] == said["keys"]
    assert (done.exit_code, said["workspace"], said["project"], said["experiments"]) == (0, "cli", "digits-2", 1)
    (copy,) = comet_server.get("experiments", workspaceName="cli", projectName="digits-2")["experiments"]
    assert said["keys"] == {digits: copy["experimentKey"]}
    assert copy["experimentName"] == "first"


def test_a_damaged_export_ends_with_1_and_the_name_of_the_file(typed: Typed, digits: str, tmp_path: Path) -> None:
    typed("export", "digits", str(tmp_path))
    (tmp_path / "project.json").write_text("{}")
    done = typed("import", str(tmp_path), "--json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "project.json has 2 bytes" in done.stderr


def commands(page: str) -> list[str]:
    """The commands of the blocks that the page says are run."""
    blocks = re.findall(r"<!-- run -->\n```console\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize(("page", "count"), [("cli.md", 9), ("export.md", 2), ("verify.md", 1)])
def test_the_commands_of_the_documentation_run(
    typed: Typed, digits: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, count: int
) -> None:
    monkeypatch.chdir(tmp_path)
    # All of them are made in another test.
    monkeypatch.setattr(running, "GROUPS", GROUPS[:1])
    # They stand on --local alone.
    monkeypatch.delenv("COMET_API_KEY")
    monkeypatch.delenv("COMET_URL_OVERRIDE")
    found = commands(page)
    assert len(found) == count
    for command in found:
        program, *words = shlex.split(command)
        done = typed(*words)
        assert (program, done.exit_code) == ("zenml-comet", 0), command + done.output
        assert done.stdout, command
        if "experiments" in words or "query" in words:
            assert digits in done.stdout or "first" in done.stdout, command
    if page == "cli.md":
        assert (tmp_path / "first-files" / "assets" / "notes.txt").read_bytes() == b"text"

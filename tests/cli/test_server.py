"""`zenml-comet up`, `down`, `status`, `open`: what they print, and the exit codes of the table in the docs."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner, Result

from zenml_comet_tracker import __version__
from zenml_comet_tracker.cli import failures
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.local import launch

DOCS = Path(__file__).parents[2] / "docs" / "local-server.md"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def data(daemon_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the commands find in the environment."""
    monkeypatch.setenv("ZENML_COMET_LOCAL_DATA", str(daemon_folder))
    return daemon_folder


def test_up_status_open_down_from_start_to_end(data: Path) -> None:
    up = run("up", "--json")
    assert up.exit_code == 0, up.output
    facts = json.loads(up.output)
    server = launch.find(data)
    assert server is not None
    assert (facts["url"], facts["pid"], facts["version"]) == (server.url, server.pid, __version__)
    assert Path(facts["api_key_file"]).read_text() == server.api_key
    assert json.loads(run("status", "--json").output) == facts
    assert server.url in run("status").output
    assert server.api_key not in run("status").output + up.output
    link = run("open", "--print").output.strip()
    assert requests.get(link, timeout=20).status_code == 200
    assert run("down").output == "Stopped.\n"
    assert run("down").output == "No local Comet was running.\n"


def test_a_second_up_says_where_it_runs(data: Path) -> None:
    assert run("up").exit_code == 0
    server = launch.find(data)
    again = run("up", "--json")
    assert server is not None
    assert json.loads(again.output)["pid"] == server.pid
    other_port = run("up", "--port", "1")
    assert other_port.exit_code == 3
    assert "zenml-comet down" in other_port.stderr


def test_open_leads_to_the_page_that_was_named(data: Path) -> None:
    run("up")
    server = launch.find(data)
    assert server is not None
    link = json.loads(run("open", "--json", f"{server.url}/ws/a%20b/?sort=name").output)["url"]
    answer = requests.get(link, allow_redirects=False, timeout=20)
    assert answer.headers["Location"] == "/ws/a%20b/?sort=name"
    elsewhere = run("open", "--print", "https://www.comet.com/ws/p/k")
    assert elsewhere.exit_code == 2
    assert server.url in elsewhere.stderr
    nonsense = run("open", "--print", "http://127.0.0.1:abc/")
    assert (nonsense.exit_code, server.url in nonsense.stderr) == (2, True)


def test_open_tells_when_there_is_no_browser(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: bool(opened.append(url)))
    run("up")
    answer = run("open")
    assert answer.exit_code == 0
    assert opened == [answer.stdout.strip()]
    assert "No browser" in answer.stderr


@pytest.mark.parametrize("command", ["status", "open"])
def test_without_a_server_the_exit_code_is_6(data: Path, command: str) -> None:
    answer = run(command)
    assert answer.exit_code == 6
    assert (answer.stdout, "zenml-comet up" in answer.stderr) == ("", True)
    assert not data.exists()


def test_status_in_json_says_that_nothing_runs(data: Path) -> None:
    answer = run("status", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (6, {"running": False, "data": str(data)})


def test_a_taken_port_is_exit_code_3(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        answer = run("up", "--port", str(taken))
    assert answer.exit_code == 3
    assert str(taken) in answer.stderr


def test_an_unusable_folder_is_exit_code_4(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = run("up", "--data", str(tmp_path / "file" / "data"))
    assert answer.exit_code == 4
    assert "--data" in answer.stderr


def test_a_failed_start_is_exit_code_5(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_NEEDED", ("no_such_package",))
    assert run("up").exit_code == 5


@pytest.mark.parametrize(
    "arguments", [["nope"], ["up", "--port", "many"], ["up", "--port", "0"], ["up", "extra"], ["up", "--data", ""]]
)
def test_wrong_usage_is_exit_code_2(data: Path, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_every_message_is_one_and_goes_to_stderr(data: Path) -> None:
    answer = run("status")
    assert answer.stderr.count("Error:") == 1
    assert "Traceback" not in answer.stderr


def test_help_and_version_load_no_command() -> None:
    assert run("--version").output == f"zenml-comet, version {__version__}\n"
    code = (
        "import sys; from click.testing import CliRunner; from zenml_comet_tracker.cli.main import main\n"
        "print(CliRunner().invoke(main, ['--help']).output)\n"
        "print([m for m in sys.modules if m.startswith(('zenml.', 'fastapi', 'requests'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for command in ("up", "down", "status", "open", "demo"):
        assert f"\n  {command} " in done.stdout


def test_the_docs_name_every_command_and_exit_code() -> None:
    text = DOCS.read_text("utf-8")
    for command in ("up", "down", "status", "open"):
        assert f"`zenml-comet {command}`" in text
    for code in {*failures.EXIT_CODES.values(), failures.NOT_RUNNING, 2}:
        assert f"| {code} |" in text


def test_addresses_are_of_the_loopback(data: Path) -> None:
    run("up")
    server = launch.find(data)
    assert server is not None
    assert urlsplit(server.url).hostname == "127.0.0.1"

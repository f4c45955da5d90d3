"""create_experiment and get_experiment: what becomes of them on the server, read back raw."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.comet.cometr import active, create_experiment, get_experiment
from zenml_comet_tracker.comet.errors import ConfigurationError, ConnectionFailedError, StatusError, UnauthorizedError
from zenml_comet_tracker.comet.experiment import Experiment

QUIET = {"log_code": False, "log_system_details": False}


@pytest.fixture(autouse=True)
def _settings(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("COMET_API_KEY", local_server.api_key)
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    monkeypatch.setenv("COMET_WORKSPACE", "from-r")
    monkeypatch.setenv("COMET_PROJECT_NAME", "logged")
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(tmp_path / "journals"))
    yield
    for experiment in list(active._active):
        experiment.end(0)
    active._active.clear()


def _output(server: LocalServer, experiment: Experiment) -> str:
    return str(server.get("experiment/output", experimentKey=experiment.id)["output"])


def test_a_new_experiment_with_all_that_goes_with_it(
    local_server: LocalServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = tmp_path / "train.py"
    script.write_text("print('trained')\n")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    experiment = create_experiment("first", log_error=True)
    print("hello")
    print("\r10%", end="", file=sys.stderr)
    print("\r100%", file=sys.stderr)
    experiment.log_metric("loss", 0.5)
    page = f"{local_server.url}/from-r/logged/{experiment.id}"
    assert local_server.get("experiment/metadata", experimentKey=experiment.id)["running"] is True
    assert experiment.end().delivered
    assert tuple(capsys.readouterr()) == ("hello\n", f"Experiment created: {page}\n\r10%\r100%\n")
    metadata = local_server.get("experiment/metadata", experimentKey=experiment.id)
    assert (metadata["experimentName"], metadata["projectName"], metadata["running"]) == ("first", "logged", False)
    assert _output(local_server, experiment) == "hello\n100%\n"
    details = local_server.get("experiment/system-details", experimentKey=experiment.id)
    assert (details["executable"], details["user"] is not None) == (sys.executable, True)
    assert any(package.startswith("pytest==") for package in details["installedPackages"])
    code = local_server.get("experiment/code", experimentKey=experiment.id)["code"]
    assert code == script.read_text()
    assert local_server.get("experiment/git/metadata", experimentKey=experiment.id)["parent"] is None
    assert caplog.messages == []


def test_git_goes_along_where_it_is_wished(
    local_server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, git = tmp_path / "train.py", ["git", "-c", "user.name=Ada", "-c", "user.email=a@example.com"]
    script.write_text("one\n")
    for command in (["init", "-q"], ["add", "train.py"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    script.write_text("two\n")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    experiment = create_experiment(log_git_info=True, log_output=False, log_system_details=False)
    experiment.end()
    parent = local_server.get("experiment/git/metadata", experimentKey=experiment.id)["parent"]
    assert parent == head.stdout.strip()
    patch = local_server.call("GET", "api/rest/v2/experiment/git/patch", params={"experimentKey": experiment.id})
    with zipfile.ZipFile(io.BytesIO(patch.content)) as archive:
        assert b"-one\n+two" in archive.read("git_diff.patch")
    assert local_server.get("experiment/code", experimentKey=experiment.id)["code"] == "two\n"
    assert local_server.get("experiment/metadata", experimentKey=experiment.id)["fileName"] == "train.py"


def test_a_flush_takes_along_what_was_printed(local_server: LocalServer) -> None:
    experiment = create_experiment(**QUIET)
    for number in range(20):
        print(number)
    assert experiment.flush()
    assert _output(local_server, experiment) == "".join(f"{number}\n" for number in range(20))
    experiment.end()


def test_over_documented_rest_too(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENML_COMET_PROTOCOL", "rest")
    experiment = create_experiment(log_system_details=False)
    print("line\n\nline\nno end", end="")
    experiment.end()
    assert _output(local_server, experiment) == "line\n\nline\nno end\n"
    assert local_server.get("experiment/code", experimentKey=experiment.id)["code"]


def test_two_at_a_time_are_said_and_both_work(local_server: LocalServer, caplog: pytest.LogCaptureFixture) -> None:
    first = create_experiment(**QUIET)
    second = create_experiment(**QUIET)
    assert [first.id in message and "still active" in message for message in caplog.messages] == [True]
    print("both")
    first.end()
    print("second")
    second.end()
    third = create_experiment(**QUIET)
    assert len(caplog.messages) == 1
    third.end()
    assert (_output(local_server, first), _output(local_server, second)) == ("both\n", "both\nsecond\n")


def test_an_experiment_that_is_there_is_taken_up(local_server: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
    made = create_experiment("made", **QUIET)
    print("before")
    made.end()
    before = local_server.get("experiment/metadata", experimentKey=made.id)
    read = get_experiment(made.id)
    print("not captured")
    read.log_metric("late", 1)
    assert read.flush()
    assert read.url == f"{local_server.url}/from-r/logged/{made.id}"
    read.end()
    after = local_server.get("experiment/metadata", experimentKey=made.id)
    assert (after["running"], after["endTimeMillis"]) == (False, before["endTimeMillis"])
    again = get_experiment(made.id, keep_active=True, log_output=True)
    print("behind")
    assert again.flush()
    # With the first sign of life, which waits for nothing else and for which nothing waits.
    deadline = time.monotonic() + 20
    while not local_server.get("experiment/metadata", experimentKey=made.id)["running"]:
        assert time.monotonic() < deadline
    again.end()
    assert local_server.get("experiment/metadata", experimentKey=made.id)["running"] is False
    assert _output(local_server, made) == "before\nbehind\n"
    values = local_server.get("experiment/metrics/summary", experimentKey=made.id)["values"]
    assert [value["name"] for value in values] == ["late"]


def test_what_speaks_against_it_is_raised(
    local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(UnauthorizedError):
        create_experiment(api_key="wrong-key")
    with pytest.raises(UnauthorizedError):
        get_experiment(begin(local_server), api_key="wrong-key")
    with pytest.raises(StatusError):
        get_experiment("0" * 32)
    with pytest.raises(ConfigurationError, match="letters and digits"):
        get_experiment("no key")
    monkeypatch.delenv("COMET_API_KEY")
    with pytest.raises(ConfigurationError, match="COMET_API_KEY"):
        create_experiment()
    assert not (tmp_path / "journals").exists()


def test_a_server_that_is_away_harms_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("COMET_URL_OVERRIDE", "http://127.0.0.1:9")
    experiment = create_experiment(**QUIET)
    print("kept")
    report = experiment.end(0)
    assert not report.delivered
    assert report.journal is not None
    assert "kept" in "".join(path.read_text() for path in report.journal.glob("rest.*.jsonl"))
    assert f"not delivered yet: {experiment.id}" in capsys.readouterr().err
    assert "waits in the journal" in caplog.text
    with pytest.raises(ConnectionFailedError):
        get_experiment(experiment.id)


def test_offline_asks_nobody(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COMET_START_ONLINE", "false")
    monkeypatch.setenv("COMET_URL_OVERRIDE", "http://127.0.0.1:9")
    experiment = create_experiment(**QUIET)
    print("kept")
    assert experiment.end().reason == "offline"
    assert "not delivered yet" in capsys.readouterr().err

"""What an experiment took along, as the official SDK reads it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.capture import system_metrics
from zenml_comet_tracker.comet.cometr import create_experiment


@pytest.fixture(scope="module")
def official(local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An experiment of ours, captured whole, as the SDK's `APIExperiment`."""
    folder = tmp_path_factory.mktemp("code")
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    (folder / "train.py").write_text("one\n")
    for command in (["init", "-q", "-b", "main"], ["add", "train.py"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    (folder / "train.py").write_text("two\n")
    sampled = threading.Event()
    give = system_metrics.Sampler._give

    def give_and_say(sampler: system_metrics.Sampler, values: dict[str, float]) -> None:
        give(sampler, values)
        sampled.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMET_URL_OVERRIDE", local_server.url)
        patch.setenv("COMET_API_KEY", local_server.api_key)
        patch.setenv("COMET_WORKSPACE", "from-r")
        patch.setenv("ZENML_COMET_JOURNAL", str(folder / "journals"))
        patch.setattr(sys.modules["__main__"], "__file__", str(folder / "train.py"), raising=False)
        patch.setattr(sys, "argv", ["train.py", "--api-key", local_server.api_key, "--lr", "0.1"])
        patch.setattr(system_metrics, "FIRST_SECONDS", 0.0)
        patch.setattr(system_metrics.Sampler, "_give", give_and_say)
        experiment = create_experiment("captured", "captured", log_error=True, log_git_info=True)
        print("out")
        print("\r50%\r100%", file=sys.stderr)
        assert sampled.wait(20)
        experiment.end()
        import comet_ml.api

        api = comet_ml.api.API(api_key=local_server.api_key, cache=False)
        yield comet_ml.api.APIExperiment(api=api, previous_experiment=experiment.id)


def test_what_was_printed(official: Any) -> None:
    assert official.get_output() == "out\n100%\n"


def test_code_and_repository(official: Any) -> None:
    assert official.get_code() == "two\n"
    metadata = official.get_git_metadata()
    assert (metadata["branch"], len(metadata["parent"]), metadata["origin"]) == ("refs/heads/main", 40, None)
    with zipfile.ZipFile(io.BytesIO(official.get_git_patch())) as archive:
        assert b"-one\n+two" in archive.read("git_diff.patch")
    assert Path(official.get_metadata()["filePath"]).name == "train.py"


def test_machine_and_process(official: Any) -> None:
    assert official.get_command() == ["train.py", "--api-key", "***", "--lr", "0.1"]
    assert (official.get_executable(), int(official.get_pid())) == (sys.executable, os.getpid())
    assert official.get_python_version() == sys.version.split()[0]
    assert any(package.startswith(("comet-ml==", "comet_ml==")) for package in official.get_installed_packages())
    assert {"sys.cpu.percent.01", "sys.ram.total", "sys.load.avg"} <= set(official.get_system_metric_names())
    assert official.get_total_memory() > 0
    assert [point["runContext"] for point in official.get_metrics("sys.ram.used")] == [None]

"""What is captured of a step: its own output and source, whatever else runs in the process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests import context_pipelines
from tests.tracker.conftest import Readback
from zenml_comet_tracker import CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import capturing

Stack = Callable[..., str]
Steps = Callable[[str], dict[str, Any]]
Config = dict[str, Any]


def test_what_a_step_prints_lands_in_its_own_experiment_only(
    tracked_stack: Stack,
    local_config: Config,
    readback: Readback,
    steps_of: Steps,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tracked_stack(local_config)
    context_pipelines.meeting.reset()

    context_pipelines.talking()

    console = capsys.readouterr()
    for step in steps_of("talking").values():
        key = step.run_metadata["comet_experiment_key"]
        # What a dynamic pipeline gives to a step is an artifact for ZenML, and a parameter for its readers.
        name = readback.parameters(key)["name"]
        output = readback.get("experiment/output", experimentKey=key)["output"]
        other = {"left": "right", "right": "left"}[name]
        assert [line for line in output.splitlines() if other in line or "the body" in line] == []
        for number in range(3):
            assert output.count(f"{name} prints {number}\n") == 1
            assert output.count(f"{name} complains {number}\n") == 1
            assert output.count(f"{name} logs {number}") == 1
    # The console has what was printed and nothing else; threads mix there, as they always did.
    for shown, what, body in ((console.out, "prints", "the body prints\n"), (console.err, "complains", "")):
        said = [f"{name} {what} {number}\n" for name in ("left", "right") for number in range(3)]
        assert sorted(shown) == sorted("".join(said) + body)


def _info(module: str, name: str, **more: Any) -> Any:
    return SimpleNamespace(
        step_run_id="step run",
        run_id=more.pop("run_id", "run"),
        pipeline_step_name=name,
        spec=SimpleNamespace(source=SimpleNamespace(module=module, attribute=name)),
        step_run=SimpleNamespace(inputs={}),
        snapshot=SimpleNamespace(code_reference=None),
        **more,
    )


def _git(folder: Path, *arguments: str) -> None:
    name = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)


def test_source_and_repository_are_those_of_the_steps_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "training.py"
    file.write_text("def fit(): ...\n")
    _git(tmp_path, "init", "-b", "trunk")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-m", "first")
    file.write_text("def fit(): ...\nTOKEN = 'not committed'\n")
    module = ModuleType("training")
    module.__file__, module.fit = str(file), lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "training", module)

    part = capturing.options(_info("training", "fit"), CometExperimentTrackerSettings()).part
    asked = CometExperimentTrackerSettings(log_git_patch=True)
    with_patch = capturing.options(_info("training", "fit"), asked).part

    assert part is not None
    assert with_patch is not None
    source, state, whole = part.code(), part.git(), with_patch.git()
    assert source is not None
    assert (source.file_name, source.path) == ("training.py", str(file))
    assert source.text == file.read_text()
    assert state is not None
    # What is not committed is nobody's business unless somebody asks for it.
    assert (state.metadata["branch"], state.patch) == ("refs/heads/trunk", None)
    assert whole is not None
    assert whole.patch is not None
    assert b"not committed" in whole.patch


def test_without_a_repository_the_commit_is_the_one_that_zenml_took_the_code_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Snapshot:
        model_fields = {"code_reference": None}
        code_reference = SimpleNamespace(commit="c0ffee")

    class StepRun:
        model_fields = {"source_code": None}
        inputs: dict[str, Any] = {}
        source_code = "def elsewhere(): ..."

    monkeypatch.chdir(tmp_path)
    info = _info("no.such.module", "elsewhere", run_id="another")
    info.snapshot, info.step_run = Snapshot(), StepRun()
    part = capturing.options(info, CometExperimentTrackerSettings()).part
    assert part is not None
    state, source = part.git(), part.code()
    assert state is not None
    assert state.metadata == {"parent": "c0ffee"}
    assert source is not None
    assert (source.file_name, source.text) == ("elsewhere.py", "def elsewhere(): ...")


def test_what_cannot_be_found_out_costs_the_capture_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    found = capturing.options(SimpleNamespace(pipeline_step_name="broken"), CometExperimentTrackerSettings())  # type: ignore[arg-type]
    assert not found.log_output
    assert "Nothing is captured of step broken" in caplog.text

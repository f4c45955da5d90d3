"""`zenml-comet setup --from-builtin`: stacks with ZenML's own Comet tracker, before and after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli import test_setup
from tests.cli.test_setup import KEY, KIND, SetUp, commands, state, times, type_in_a_shell
from tests.fixtures.local_server import LocalServer

if TYPE_CHECKING:
    from zenml.client import Client

pytestmark = test_setup.pytestmark
set_up = test_setup.set_up

ROOT = Path(__file__).parents[2]


def register(client: Client, name: str, **configuration: Any) -> None:
    """A component of ZenML's own flavor, with a secret and a variable attached."""
    client.create_secret(f"{name}_attached", {"A": "b"})
    client.create_stack_component(
        name, "comet", KIND, configuration, secrets=[f"{name}_attached"], environment={"TEAM": "blue"}
    )


def make_stack(client: Client, name: str, *trackers: str) -> None:
    from zenml.enums import StackComponentType as Type

    default = dict.fromkeys((Type.ORCHESTRATOR, Type.ARTIFACT_STORE), "default")
    client.create_stack(name, {**default, Type.EXPERIMENT_TRACKER: list(trackers)})


def trackers(client: Client, stack: str) -> list[str]:
    from zenml.enums import StackComponentType as Type

    return [one.name for one in client.get_stack(stack).components[Type.EXPERIMENT_TRACKER]]


def test_every_stack_gets_ours_under_the_name_that_steps_use(set_up: SetUp, fresh_zenml: Client) -> None:
    settings = {"log_code": False, "project_name": "named there", "auto_histogram_weight_logging": True}
    register(
        fresh_zenml,
        "tracker",
        api_key=KEY,
        workspace="team",
        run_name="as ever",
        tags=["blue", "green"],
        settings=settings,
    )
    fresh_zenml.create_stack_component("notes", "vertex", KIND, {"project": "p", "location": "here"})
    make_stack(fresh_zenml, "one", "notes", "tracker")
    make_stack(fresh_zenml, "two", "tracker", "notes")
    make_stack(fresh_zenml, "three", "notes")
    before = state(fresh_zenml)

    dry = set_up("--from-builtin", "tracker", "--dry-run")
    assert state(fresh_zenml) == before
    done = set_up("--from-builtin", "tracker")
    after = state(fresh_zenml)
    assert after["trackers"]["tracker_builtin"] == before["trackers"]["tracker"]
    flavor, configuration, environment, secrets = after["trackers"]["tracker"]
    assert (flavor, environment, secrets) == ("comet_rest", {"TEAM": "blue"}, 1)
    assert configuration == {
        "api_key": "{{tracker.api_key}}",
        "workspace": "team",
        "project_name": "named there",
        "run_name": "as ever",
        "tags": ["blue", "green"],
        "log_code": False,
    }
    assert after["secrets"]["tracker"] == {"api_key": KEY}
    assert [trackers(fresh_zenml, name) for name in ("one", "two", "three")] == [
        ["notes", "tracker"],
        ["tracker", "notes"],
        ["notes"],
    ]
    assert after["active"] == before["active"]
    for words in ("'experiment_tracker.comet'", "auto_histogram_weight_logging", "tracker_builtin", "plain text"):
        assert words in done.output
    assert commands(done) == commands(dry)

    moment = times(fresh_zenml)
    assert commands(set_up("--from-builtin", "tracker")) == []
    assert (state(fresh_zenml), times(fresh_zenml)) == (after, moment)
    # A stack that was made from the old one since.
    make_stack(fresh_zenml, "later", "tracker_builtin")
    set_up("--from-builtin", "tracker")
    assert trackers(fresh_zenml, "later") == ["tracker"]
    assert state(fresh_zenml)["trackers"] == after["trackers"]


def test_a_reference_stays_and_a_name_of_its_own_leaves_the_old_one_as_it_is(
    set_up: SetUp, fresh_zenml: Client
) -> None:
    register(fresh_zenml, "tracker", api_key="{{elsewhere.key}}")
    make_stack(fresh_zenml, "one", "tracker")
    make_stack(fresh_zenml, "two", "tracker")
    untouched = state(fresh_zenml)

    for words, told in (
        (["tracker", "--stack", "one"], "two"),
        (["tracker", "--stack", "default"], "does not have tracker"),
        (["tracker", "--local"], "--from-builtin"),
    ):
        assert told in set_up("--from-builtin", *words, fails=2).output
    for words, told in ((["nobody"], "tracker"), (["tracker", "--stack", "no such"], "no such")):
        assert told in set_up("--from-builtin", *words, fails=7).output
    assert state(fresh_zenml) == untouched

    done = set_up("--from-builtin", "tracker", "--stack", "one", "--name", "ours")
    made = state(fresh_zenml)
    assert made["trackers"]["ours"][1] == {"api_key": "{{elsewhere.key}}"}
    assert made["trackers"]["tracker"] == untouched["trackers"]["tracker"]
    assert (trackers(fresh_zenml, "one"), trackers(fresh_zenml, "two")) == (["ours"], ["tracker"])
    assert "experiment_tracker='ours'" in done.output

    fresh_zenml.delete_stack("one")
    fresh_zenml.delete_stack_component("ours", KIND)
    fresh_zenml.delete_flavor("comet_rest")
    make_stack(fresh_zenml, "one", "tracker")
    type_in_a_shell(commands(done), {})
    assert state(fresh_zenml) == made


def test_a_conversion_that_fails_is_taken_back(
    set_up: SetUp, fresh_zenml: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(fresh_zenml, "tracker", api_key=KEY)
    make_stack(fresh_zenml, "one", "tracker")
    make_stack(fresh_zenml, "two", "tracker")
    before = state(fresh_zenml)
    update = type(fresh_zenml).update_stack
    updated: list[str] = []

    def once(self: Client, *arguments: Any, **options: Any) -> Any:
        updated.append("")
        if len(updated) == 2:
            raise RuntimeError("the store is away")
        return update(self, *arguments, **options)

    monkeypatch.setattr(type(fresh_zenml), "update_stack", once)
    assert "the store is away" in set_up("--from-builtin", "tracker", fails=1).output
    assert state(fresh_zenml) == before


def test_a_pipeline_of_the_built_in_tracker_runs_on_ours_unchanged(
    set_up: SetUp,
    fresh_zenml: Client,
    source_root: Path,
    local_server: LocalServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.cli import builtin_pipeline

    monkeypatch.setenv("COMET_URL_OVERRIDE", f"{local_server.url}/clientlib/")
    monkeypatch.setenv("ZENML_COMET_JOURNAL", str(tmp_path / "journal"))
    # What comet_ml would be asked for is not there, for all that this needs.
    monkeypatch.setitem(sys.modules, "comet_ml", None)
    register(
        fresh_zenml,
        builtin_pipeline.NAME,
        api_key=local_server.api_key,
        workspace="team",
        project_name="moved",
        tags=["ours"],
    )
    make_stack(fresh_zenml, "team", builtin_pipeline.NAME)
    fresh_zenml.activate_stack("team")
    set_up("--from-builtin", builtin_pipeline.NAME)

    # The built-in tracker has the step's tags in place of the component's; ours has both.
    check(local_server, builtin_pipeline.run(), "ours")


def check(server: LocalServer, metadata: dict[str, str], *tags: str) -> None:
    """What the pipeline logs is there, read over REST."""
    assert metadata["comet_experiment_name"] == "as configured"
    key = metadata["experiment_tracker_url"].rpartition("/")[2]
    assert metadata["experiment_tracker_url"].startswith(f"{server.url}/team/moved/")
    points = server.get("experiment/metrics/get-metric", experimentKey=key, metricName="loss")["metrics"]
    assert [float(point["metricValue"]) for point in points] == [1.0, 0.5, 1 / 3]
    assert {*tags, "of the step", "training"} <= set(server.get("experiment/tags", experimentKey=key)["tags"])
    parameters = server.get("experiment/parameters", experimentKey=key)["values"]
    assert ("rate", "0.1") in [(one["name"], one["valueCurrent"]) for one in parameters]
    others = server.get("experiment/log-other", experimentKey=key)["values"]
    assert ("note", "by the experiment itself") in [(one["name"], one["valueCurrent"]) for one in others]


@pytest.mark.timeout(400)
@pytest.mark.skipif("PARITY" not in os.environ, reason="a process of its own with comet_ml takes long: make parity")
def test_the_same_pipeline_ran_on_the_built_in_tracker(
    zenml_folder: Path, local_server: LocalServer, tmp_path: Path
) -> None:
    from tests.cli import builtin_pipeline

    environment = {
        **os.environ,
        "ZENML_CONFIG_PATH": str(zenml_folder),
        "ZENML_COMET_JOURNAL": str(tmp_path / "journal"),
        "COMET_URL_OVERRIDE": f"{local_server.url}/clientlib/",
        "PYTHONPATH": str(ROOT),
    }
    answer = tmp_path / "answer.json"

    def play(*words: str) -> None:
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]

    play("tests.cli.builtin_pipeline", str(answer), local_server.api_key)
    before = json.loads(answer.read_text())
    play("zenml_comet_tracker.cli.main", "setup", "--from-builtin", builtin_pipeline.NAME)
    play("tests.cli.builtin_pipeline", str(answer))
    after = json.loads(answer.read_text())
    check(local_server, before)
    check(local_server, after, "ours")
    assert before.keys() <= after.keys()
    assert before["experiment_tracker_url"] != after["experiment_tracker_url"]

"""Every setting at every level where it can be given: the same value comes out, and the nearest level wins.

Compiled and read back from ZenML's store, without a run; one run in the end shows that a step gets what was compiled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from zenml import pipeline, step
from zenml.client import Client

from tests.tracker.conftest import Readback
from zenml_comet_tracker import CometExperimentTrackerSettings, log_metrics

KEY = "experiment_tracker"
Settings = Mapping[str, Any]

# Three values of each setting that are none of the defaults; where there are but two, the first comes again.
VALUES: dict[str, tuple[Any, Any, Any]] = {
    "run_name": ("one", "two", "drei 🚀"),
    "tags": (["a"], ["b", "c"], ["d"]),
    "auto_tags": (["run"], [], ["pipeline", "zenml"]),
    "workspace": ("team", "other", "third"),
    "project_name": ("digits", "letters", "words"),
    "on_retry": ("new", "continue", "new"),
    "experiment_key": ("a" * 32, "b" * 40, "c" * 50),
    "finish_timeout": (1.5, 2.0, 0.0),
    "strict": (True, False, True),
    "durability": ("sync", "process", "sync"),
    "protocol": ("rest", "batch", "auto"),
    "ranks": ("all", "zero", "all"),
    "journal_persistent": (False, True, False),
    "log_step_parameters": (False, True, False),
    "log_zenml_context": (False, True, False),
    "log_artifacts": (False, True, False),
    "log_code": (False, True, False),
    "log_git": (False, True, False),
    "log_git_patch": (True, False, True),
    "log_environment": (False, True, False),
    "log_system_metrics": (False, True, False),
    "system_metrics_seconds": (5.0, 90.0, 1.0),
    "log_output": (False, True, False),
    "log_final_metrics": (False, True, False),
}
FIRST, SECOND, THIRD = ({name: values[place] for name, values in VALUES.items()} for place in range(3))


@step(experiment_tracker=True, enable_cache=False)
def one() -> None:
    log_metrics({"loss": 0.5})


@pipeline
def settled() -> None:
    one()


Level = Callable[[Settings, str, Path], Any]


def _on_component(settings: Settings, tracker: str, folder: Path) -> Any:
    Client().update_stack_component(tracker, "experiment_tracker", configuration=dict(settings))
    _anew()
    return settled


def _registered(settings: Settings, tracker: str, folder: Path) -> Any:
    _zenml("register", f"{tracker}_typed", "--flavor=comet_rest", *_options(settings))
    components = {"orchestrator": "default", "artifact_store": "default", "experiment_tracker": f"{tracker}_typed"}
    Client().create_stack(f"{tracker}_typed", components)
    Client().activate_stack(f"{tracker}_typed")
    return settled


def _updated(settings: Settings, tracker: str, folder: Path) -> Any:
    _zenml("update", tracker, *_options(settings))
    _anew()
    return settled


def _on_pipeline(settings: Settings, tracker: str, folder: Path) -> Any:
    return settled.with_options(settings={KEY: settings})


def _decorated(settings: Settings, tracker: str, folder: Path) -> Any:
    @pipeline(name="settled", settings={KEY: settings})
    def decorated() -> None:
        one()

    return decorated


def _in_yaml(settings: Settings, tracker: str, folder: Path) -> Any:
    return settled.with_options(config_path=_file(folder, {"settings": {KEY: dict(settings)}}))


def _on_step(settings: Settings, tracker: str, folder: Path) -> Any:
    return _with_step({KEY: settings})


def _in_yaml_of_a_step(settings: Settings, tracker: str, folder: Path) -> Any:
    content = {"steps": {"one": {"settings": {KEY: dict(settings)}}}}
    return settled.with_options(config_path=_file(folder, content))


def _as_a_class(settings: Settings, tracker: str, folder: Path) -> Any:
    return _with_step({KEY: CometExperimentTrackerSettings(**settings)})


def _as_a_class_on_the_pipeline(settings: Settings, tracker: str, folder: Path) -> Any:
    return settled.with_options(settings={KEY: CometExperimentTrackerSettings(**settings)})


LEVELS: dict[str, Level] = {
    "component": _on_component,
    "zenml experiment-tracker register": _registered,
    "zenml experiment-tracker update": _updated,
    "pipeline": _on_pipeline,
    "pipeline decorator": _decorated,
    "pipeline as a class": _as_a_class_on_the_pipeline,
    "pipeline in YAML": _in_yaml,
    "step": _on_step,
    "step as a class": _as_a_class,
    "step in YAML": _in_yaml_of_a_step,
}
COMPONENT = tuple(LEVELS)[:3]


def test_every_setting_has_a_row_of_the_matrix() -> None:
    fields = CometExperimentTrackerSettings.model_fields
    assert set(VALUES) == set(fields)
    for name, (first, second, _) in VALUES.items():
        default = fields[name].default
        assert first != default, name
        assert second != first, name


@pytest.mark.parametrize("level", COMPONENT)
def test_every_setting_of_a_component_comes_out_as_it_was_given(
    level: str, tracked_stack: Callable[..., str], tmp_path: Path
) -> None:
    tracker = tracked_stack({})

    assert _read_back(LEVELS[level](FIRST, tracker, tmp_path)) == FIRST


@pytest.mark.parametrize("level", [level for level in LEVELS if level not in COMPONENT])
def test_every_setting_of_a_nearer_level_wins_and_tags_add_up(
    level: str, tracked_stack: Callable[..., str], tmp_path: Path
) -> None:
    tracker = tracked_stack(FIRST)

    assert _read_back(LEVELS[level](SECOND, tracker, tmp_path)) == {**SECOND, "tags": ["a", "b", "c"]}


def test_a_step_wins_over_its_pipeline_and_that_over_the_component(tracked_stack: Callable[..., str]) -> None:
    tracked_stack(FIRST)
    compiled = _with_step({KEY: THIRD}).with_options(settings={KEY: SECOND})

    assert _read_back(compiled) == {**THIRD, "tags": ["a", "b", "c", "d"]}
    # ZenML asks for those of a whole pipeline too.
    of_pipeline = Client().active_stack.experiment_tracker.get_settings(_stored(compiled))
    assert of_pipeline.model_dump() == {**SECOND, "tags": ["a", "b", "c"]}


def test_a_file_wins_over_the_pipeline_in_code(tracked_stack: Callable[..., str], tmp_path: Path) -> None:
    tracked_stack({})
    path = _file(tmp_path, {"settings": {KEY: dict(FIRST)}})

    # ZenML lays the one over the other, and replaces a list, before anybody sees them.
    assert _read_back(settled.with_options(config_path=path, settings={KEY: SECOND})) == FIRST


@pytest.mark.parametrize("level", ["pipeline", "step", "step as a class", "step in YAML"])
def test_a_default_that_is_given_wins_and_none_says_nothing(
    level: str, tracked_stack: Callable[..., str], tmp_path: Path
) -> None:
    tracker = tracked_stack(FIRST)
    defaults = {name: field.default for name, field in CometExperimentTrackerSettings.model_fields.items()}

    found = _read_back(LEVELS[level](defaults, tracker, tmp_path))

    said = {name: default for name, default in defaults.items() if default is not None}
    assert found == {**FIRST, **said, "tags": FIRST["tags"]}


@pytest.mark.parametrize("key", [KEY, f"{KEY}.comet_rest", f"{KEY}:"])
def test_each_spelling_of_the_key_means_the_same(key: str, tracked_stack: Callable[..., str]) -> None:
    tracker = tracked_stack({})
    spelled = f"{key}{tracker}" if key.endswith(":") else key

    compiled = _with_step({spelled: SECOND}).with_options(settings={spelled: {"run_name": "pipeline's", "tags": ["p"]}})

    assert _read_back(compiled) == {**SECOND, "tags": ["p", "b", "c"]}


def test_zenml_fills_in_variables_when_it_compiles(
    tracked_stack: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked_stack({})
    monkeypatch.setenv("OF_THE_TEAM", "digits")

    assert _read_back(_with_step({KEY: {"project_name": "all-${OF_THE_TEAM}"}}))["project_name"] == "all-digits"


def test_each_of_several_trackers_has_settings_of_its_own(tracked_stack: Callable[..., str]) -> None:
    first = tracked_stack({"project_name": "first's", "strict": True}, {"tags": ["second's"]})
    (second,) = {tracker.name for tracker in Client().active_stack_model.components["experiment_tracker"]} - {first}
    compiled = _with_step({KEY: {"run_name": "to the first"}}).with_options(
        settings={f"{KEY}:{second}": {"run_name": "to the second", "tags": ["pipeline's"]}}
    )

    of_first, of_second = _read_back(compiled, first), _read_back(compiled, second)

    told = ("run_name", "project_name", "strict", "tags")
    assert [of_first[name] for name in told] == ["to the first", "first's", True, []]
    assert [of_second[name] for name in told] == ["to the second", None, False, ["second's", "pipeline's"]]


def test_the_settings_class_of_zenmls_own_integration_is_taken(
    tracked_stack: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    from zenml.integrations.comet.flavors.comet_experiment_tracker_flavor import (
        CometExperimentTrackerSettings as Theirs,
    )

    tracked_stack({"run_name": "component's", "tags": ["component's"]})

    found = _read_back(_with_step({KEY: Theirs(tags=["theirs"])}))
    assert (found["run_name"], found["tags"]) == ("component's", ["component's", "theirs"])
    assert caplog.records == []

    found = _read_back(_with_step({KEY: Theirs(run_name="theirs", settings={"log_code": False})}))
    assert found["run_name"] == "theirs"
    (said,) = {record.getMessage() for record in caplog.records}
    assert "settings of their own here: log_code" in said


@pytest.mark.parametrize("level", ["component", "pipeline", "step"])
def test_a_reference_to_a_secret_is_resolved_where_it_is_the_whole_of_a_text(
    level: str, tracked_stack: Callable[..., str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = tracked_stack({})
    Client().create_secret(f"of_{tracker}", {"project": "hidden"})
    reference = f"{{{{of_{tracker}.project}}}}"
    given = {"project_name": reference, "run_name": f"run of {reference}", "tags": [reference]}

    found = CometExperimentTrackerSettings(**_read_back(LEVELS[level](given, tracker, tmp_path)))

    assert found.project_name == "hidden"
    assert (found.run_name, found.tags) == (given["run_name"], given["tags"])
    said = [record.getMessage() for record in caplog.records if "reference" in record.getMessage()]
    assert sorted(line.partition("'")[2].partition("'")[0] for line in said) == ["run_name", "tags"]


@pytest.mark.parametrize("level", ["zenml experiment-tracker update", "pipeline", "step", "step in YAML"])
def test_a_value_that_cannot_be_used_is_named_at_every_level(
    level: str, tracked_stack: Callable[..., str], tmp_path: Path
) -> None:
    tracker = tracked_stack({})

    # By ZenML's own merging it goes through pydantic once more, which makes an error of its own of it.
    with pytest.raises(
        ValueError, match="on_retry should be 'continue' or 'new'; finish_timeout should be a valid num"
    ):
        _read_back(LEVELS[level]({"finish_timeout": "soon", "on_retry": "again"}, tracker, tmp_path))


def test_a_run_by_command_does_what_its_file_says(
    tracked_stack: Callable[..., str],
    local_config: dict[str, Any],
    readback: Readback,
    steps_of: Callable[[str], dict[str, Any]],
    tmp_path: Path,
) -> None:
    tracked_stack({**local_config, "tags": ["component's"], "project_name": "component's", "workspace": "component's"})
    of_step = {"settings": {f"{KEY}.comet_rest": {"tags": ["step's"], "project_name": f"step's {tmp_path.name}"}}}
    of_pipeline = {KEY: {"tags": ["pipeline's"], "workspace": "pipeline's", "run_name": "a name", "auto_tags": []}}
    path = _file(tmp_path, {"settings": of_pipeline, "steps": {"one": of_step}})

    _zenml("pipeline", "run", f"{__name__}.settled", "--config", path)

    key = steps_of("settled")["one"].run_metadata["comet_experiment_key"]
    about = readback.metadata(key)
    told = (about["workspaceName"], about["projectName"], about["experimentName"])
    assert told == ("pipeline's", f"step's {tmp_path.name}", "a name")
    assert readback.tags(key) == {"component's", "pipeline's", "step's"}


def _with_step(settings: Any) -> Any:
    """The pipeline with settings on its step."""

    @pipeline(name="settled")
    def changed() -> None:
        one.with_options(settings=settings)()

    return changed


def _read_back(compiled: Any, tracker: str | None = None) -> dict[str, Any]:
    """What a tracker makes of a pipeline that was compiled and stored."""
    stored = _stored(compiled)
    info = SimpleNamespace(config=stored.step_configurations["one"].config, pipeline=stored.pipeline_configuration)
    stack = Client().active_stack
    found = stack.experiment_trackers[tracker] if tracker else stack.experiment_tracker
    return dict(found.get_settings(info).model_dump())


def _stored(compiled: Any) -> Any:
    return Client().get_snapshot(compiled.create_snapshot(name="settled", replace=True).id)


def _anew() -> None:
    """ZenML keeps the components of a stack for as long as the stack does not change."""
    active = Client().active_stack_model
    Client().update_stack(active.id, description="changed")


def _file(folder: Path, content: Settings) -> str:
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return str(path)


def _zenml(*words: str) -> None:
    """A command as one types it; of `experiment-tracker` when it says no other group."""
    from zenml.cli.cli import cli

    group = [] if words[0] == "pipeline" else ["experiment-tracker"]
    result = CliRunner().invoke(cli, [*group, *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def _options(settings: Settings) -> list[str]:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()}
    return [f"--{name}={text}" for name, text in texts.items()]

"""What ZenML is told about the tracker, and what it does with it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.flavor import (
    SOURCE,
    CometExperimentTrackerConfig,
    CometExperimentTrackerFlavor,
    CometExperimentTrackerSettings,
)

KEY = "canary-key-0123456789"


def test_zenml_accepts_the_flavor_by_its_path(source_root: Path) -> None:
    from zenml.enums import StackComponentType
    from zenml.stack.flavor import validate_flavor_source

    # Raises when it does not; what it answers differs between ZenML's versions.
    validate_flavor_source(SOURCE, StackComponentType.EXPERIMENT_TRACKER)

    flavor = CometExperimentTrackerFlavor()
    assert flavor.name == "comet_rest"
    assert flavor.implementation_class.__name__ == "CometExperimentTracker"
    assert str(flavor.logo_url).endswith(".png")


def test_the_schema_marks_the_key_as_sensitive_and_describes_every_field() -> None:
    properties = CometExperimentTrackerFlavor().config_schema["properties"]

    assert properties["api_key"]["sensitive"] is True
    assert [name for name, field in properties.items() if not field.get("description")] == []


@pytest.mark.parametrize("field", ["api_key", "workspace", "project_name", "url", "run_name", "journal_folder"])
def test_text_fields_take_references_to_secrets_that_do_not_exist_yet(field: str) -> None:
    config = CometExperimentTrackerConfig(**{field: "{{comet.value}}"})
    assert config.model_dump()[field] == "{{comet.value}}"


def test_defaults_stay_in_the_settings() -> None:
    # ZenML hands only values that were set on a component to a step; a default of the configuration would be lost.
    config, settings = CometExperimentTrackerConfig.model_fields, CometExperimentTrackerSettings.model_fields
    assert {name: config[name].default for name in settings} == {name: settings[name].default for name in settings}


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        ({"run_nam": "x"}, "'run_nam' of the Comet experiment tracker is ignored. Did you mean 'run_name'?"),
        ({"workspac": "x"}, "Did you mean 'workspace'?"),
        ({"api_key": KEY}, "It belongs to the component: zenml experiment-tracker update <name> --api_key=..."),
        ({"project": "x"}, "Did you mean 'project_name'?"),
        ({"experiment_name": "x"}, "Did you mean 'run_name'?"),
        ({"settings": {"log_code": False}}, "settings of their own here: log_code,"),
        ({"zzz": 1}, "Known settings: "),
    ],
)
def test_an_unknown_setting_is_named_with_its_cure_and_goes_no_further(
    given: dict[str, Any], cure: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = CometExperimentTrackerSettings(**given)

    assert [cure in record.getMessage() for record in caplog.records] == [True]
    assert KEY not in caplog.text + repr(settings) + str(settings.model_dump())


def test_known_settings_are_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    CometExperimentTrackerConfig(api_key=KEY, url="local", tags='["a"]', finish_timeout=3)
    CometExperimentTrackerSettings(run_name="r", tags=["a"])
    # ZenML's own settings class brings along what was not set.
    CometExperimentTrackerSettings(run_name=None, settings={})
    assert caplog.records == []


def test_no_text_about_a_configuration_holds_the_key() -> None:
    config = CometExperimentTrackerConfig(api_key=KEY)
    with pytest.raises(ConfigurationError) as refused:
        CometExperimentTrackerConfig(api_key=[KEY], finish_timeout="soon")

    assert KEY not in repr(config) + str(config) + str(refused.value)
    assert "finish_timeout" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("on_retry", "again"), ("durability", "never")]
    + [("finish_timeout", seconds) for seconds in (-1, 86401, 1e10, float("inf"), float("nan"))],
)
def test_a_value_that_cannot_be_meant_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=name):
        CometExperimentTrackerSettings(**{name: value})


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"finish_timeout": "soon"}, "finish_timeout should be a valid number"),
        ({"on_retry": "again"}, "on_retry should be '"),
        ({"tags": "a,b"}, "Invalid json string 'a,b'"),
        ({"tags": ["a", {}]}, "tags[1] should be a valid string"),
        ({"strict": "{{comet.strict}}"}, "strict takes no reference to a secret, which only texts do"),
    ],
    ids=["number", "choice", "list", "member", "reference"],
)
def test_a_wrong_type_is_named_with_what_is_expected_and_without_its_value(given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        CometExperimentTrackerConfig(api_key=KEY, **given)

    assert wrong in str(refused.value)
    assert KEY not in str(refused.value)


def test_windows_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(RuntimeError, match="Linux and macOS"):
        _ = CometExperimentTrackerFlavor().implementation_class


def test_typos_in_a_pipeline_are_named_once_a_run(tracked_stack: Any, caplog: pytest.LogCaptureFixture) -> None:
    from tests.pipelines import typos

    tracked_stack({"api_key": KEY, "url": "http://127.0.0.1:9"})
    caplog.set_level(logging.WARNING)

    typos()

    messages = [record.getMessage() for record in caplog.records if "Did you mean" in record.getMessage()]
    assert len(messages) == 2
    assert "'run_name'?" in messages[0]
    assert "'tags'?" in messages[1]

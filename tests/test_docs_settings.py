"""docs/zenml-settings.md is what the models say, and what it tells to type can be typed."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.settings_page import ENVIRONMENT, OF_COMPONENTS, OF_STEPS, PAGE, written
from zenml_comet_tracker.comet import settings
from zenml_comet_tracker.flavor import CometExperimentTrackerFlavor, CometExperimentTrackerSettings

TEXT = PAGE.read_text("utf-8")


def test_the_page_is_up_to_date() -> None:
    assert written(TEXT) == TEXT, "make settings writes it anew"


def test_every_setting_has_a_row_and_a_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|.*\| ([^|]+) \|$", TEXT, re.MULTILINE)
    assert [name for name, *_ in rows] == [*OF_STEPS, *OF_COMPONENTS]
    assert [name for name, type_, meaning in rows if not type_.strip() or not meaning.strip().endswith(".")] == []


def test_zenmls_dashboard_is_told_of_the_page() -> None:
    assert str(CometExperimentTrackerFlavor().sdk_docs_url).endswith(f"docs/{PAGE.name}")


@pytest.mark.parametrize("name", ["workspace", "project_name", "api_key", "url"])
def test_the_environment_says_what_no_setting_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"url": "https://comet.example", "api_key": "of-the-environment"}
    monkeypatch.setenv("COMET_API_KEY", "k")
    monkeypatch.setenv(ENVIRONMENT[name], values.get(name, "of the environment"))

    found = settings.resolve()

    assert getattr(found, {"url": "root"}.get(name, name)) == values.get(name, "of the environment")


def test_the_examples_name_settings_that_there_are(caplog: pytest.LogCaptureFixture) -> None:
    options = set(re.findall(r"--(\w+)[= ]", TEXT)) - {"flavor", "config"}
    assert options >= {"project_name", "tags"}
    assert options <= {*OF_STEPS, *OF_COMPONENTS}
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    file = yaml.safe_load(block)
    for given in (file["settings"], file["steps"]["train"]["settings"]):
        CometExperimentTrackerSettings(**given["experiment_tracker"])
    assert caplog.records == []

"""What a panel is shown for, by each of the ways in which it can be said."""

from __future__ import annotations

import json
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import panels
from zenml_comet_tracker.comet.errors import ConfigurationError, ReadOnlyError
from zenml_comet_tracker.comet.panels import PanelContext
from zenml_comet_tracker.comet.resources import experiments

COLORS = {"a1": {"primary": "#c3406e", "light": "#e8a0b8"}}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "COMET_PANEL_OPTIONS": json.dumps({"metric": "loss"}),
        "COMET_EXPERIMENT_KEYS": json.dumps(["a1", "b2"]),
        "COMET_PANEL_EXPERIMENT_COLORS": json.dumps(COLORS),
        "COMET_PANEL_METRIC_COLORS": json.dumps({"loss": {"primary": "#1e76d8"}}),
        "COMET_PANEL_WIDTH": "640",
        "COMET_PANEL_HEIGHT": "480.4",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_there_is_no_panel_unless_one_is_given() -> None:
    assert panels.current() is None


@pytest.mark.usefixtures("environment")
def test_a_panel_by_the_environment() -> None:
    assert panels.current() == PanelContext(
        options={"metric": "loss"},
        experiment_keys=["a1", "b2"],
        experiment_colors=COLORS,
        metric_colors={"loss": {"primary": "#1e76d8"}},
        width=640,
        height=480,
    )


@pytest.mark.parametrize(
    ("written", "read"), [("a1,b2", ["a1", "b2"]), (" a1 , ", ["a1"]), ('["a1"]', ["a1"]), ("[]", [])]
)
def test_keys_are_a_json_list_or_have_commas_between_them(
    monkeypatch: pytest.MonkeyPatch, written: str, read: list[str]
) -> None:
    monkeypatch.setenv("COMET_EXPERIMENT_KEYS", written)
    panel = panels.current()
    assert panel is not None
    assert panel.experiment_keys == read


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("COMET_PANEL_OPTIONS", "metric=loss", "JSON object"),
        ("COMET_PANEL_OPTIONS", "[1]", "JSON object"),
        ("COMET_EXPERIMENT_KEYS", "[a1", "JSON list"),
        ("COMET_EXPERIMENT_KEYS", "[1]", "experiment keys"),
        ("COMET_PANEL_METRIC_COLORS", "red", "JSON object"),
        ("COMET_PANEL_WIDTH", "wide", "number of pixels"),
        ("COMET_PANEL_HEIGHT", "inf", "number of pixels"),
    ],
)
def test_what_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{name} is .*; expected .*{expected}"):
        panels.current()


@pytest.mark.usefixtures("environment")
def test_an_entered_panel_comes_before_the_environment_and_the_innermost_first() -> None:
    with PanelContext(width=1) as outer:
        with PanelContext(width=2) as inner:
            assert panels.current() is inner
        assert panels.current() is outer
    panel = panels.current()
    assert panel is not None
    assert panel.width == 640


def test_the_same_panel_may_be_entered_twice_and_by_two_threads() -> None:
    panel = PanelContext(width=3)

    def width(_: int) -> int:
        with panel, panel:
            found = panels.current()
            return found.width if found else 0

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(width, range(4))) == [3] * 4
    assert panels.current() is None


def run_page(monkeypatch: pytest.MonkeyPatch, folder: Path, state: dict[str, Any], name: str) -> Any:
    """What a page of Comet's panel runtime sees: a file `page_...` that Streamlit runs."""
    streamlit = types.ModuleType("streamlit")
    streamlit.session_state = state  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "streamlit", streamlit)
    page = folder / name
    page.write_text("from zenml_comet_tracker.comet import panels\nfound = panels.current()\n")
    scope: dict[str, Any] = {}
    exec(compile(page.read_text(), str(page), "exec"), scope)
    return scope["found"]


@pytest.mark.usefixtures("environment")
def test_a_panel_by_comets_own_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = {
        "comet_config_override": {
            "page_1.py": {
                "COMET_PANEL_OPTIONS": {"metric": "accuracy"},
                "COMET_EXPERIMENT_KEYS": ["c3"],
                "COMET_PANEL_WIDTH": 300,
                "comet.api_key": "theirs",
                "comet.workspace": "team",
                "comet.project_name": "digits",
            }
        }
    }
    seen = run_page(monkeypatch, tmp_path, state, "page_1.py")
    assert (seen.options, seen.experiment_keys) == ({"metric": "accuracy"}, ["c3"])
    assert (seen.workspace, seen.project_name, seen.api_key) == ("team", "digits", "theirs")
    # What the runtime does not say, the environment may.
    assert (seen.width, seen.height) == (300, 480)
    assert "theirs" not in repr(seen)
    assert run_page(monkeypatch, tmp_path, state, "page_2.py").experiment_keys == ["a1", "b2"]
    assert run_page(monkeypatch, tmp_path, state, "other.py").experiment_keys == ["a1", "b2"]


def test_inside_a_panel_one_may_only_read(local_server: LocalServer, key: str) -> None:
    arguments = {"api_key": local_server.api_key, "url": local_server.url}
    with PanelContext(workspace="ws", project_name="tests", **arguments):
        inside = panels.connect()
    with inside:
        assert (inside.settings.workspace, inside.settings.project_name) == ("ws", "tests")
        assert experiments.metadata(inside.transport, key)["experimentKey"] == key
        with pytest.raises(ReadOnlyError, match="inside a panel"):
            experiments.archive(inside.transport, key)
    assert not local_server.get("experiment/metadata", experimentKey=key)["archived"]
    with panels.connect(**arguments) as outside:
        experiments.archive(outside.transport, key)
    assert local_server.get("experiment/metadata", experimentKey=key)["archived"]

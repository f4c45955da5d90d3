"""Names of any length and script, as servers take them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import pipelines
from tests.tracker.conftest import Readback
from zenml_comet_tracker.tracker import naming

# What people, date formats and other languages put into names.
ODD = {
    "long": "n" * 600,
    "as long, and other": "n" * 599 + "m",
    "emoji": "🚀 läuft 👨‍👩‍👧" * 60,
    "right to left": "שלום עולם \u202e\u0627\u062e",
    "lines": "one\r\ntwo\u2028three\n",
    "control characters": "a\x00b\x07\x1b[31mc\x85",
    "half a character": "x\ud800y",
    "slashes": "a/b//c\\d",
    "address": "a?b#c%20&d=e;f",
}


@given(st.text())
def test_a_name_is_one_line_that_travels_and_stays_as_it_is(text: str) -> None:
    name = naming.experiment_name(text)

    assert len(name) <= 250
    assert len(name.splitlines()) <= 1
    assert name == name.strip() == naming.experiment_name(name)
    name.encode("utf-8")


@given(st.text())
def test_a_place_is_part_of_an_address(text: str) -> None:
    name = naming.place_name(text)

    if name is not None:
        assert 0 < len(name) <= 100
        assert name.isprintable()
        assert not {"/", "\\"} & set(name)
        assert name.strip(".")
        assert name == name.strip() == naming.place_name(name)


def test_names_that_differ_stay_different() -> None:
    names = [naming.experiment_name(name) for name in ODD.values()]
    places = [naming.place_name(name) for name in ODD.values()]
    assert len(set(names)) == len(set(places)) == len(ODD)


@pytest.mark.parametrize("nothing", ["", "   ", "\n\x00", "\u2028"])
def test_of_nothing_nothing_is_left(nothing: str) -> None:
    assert naming.experiment_name(nothing) == ""
    assert naming.place_name(nothing) is None


def test_no_name_keeps_a_step_from_being_tracked(
    tracked_stack: Callable[..., str],
    local_config: dict[str, Any],
    steps_of: Callable[[str], dict[str, Any]],
    readback: Readback,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # ZenML itself stores no half characters, and takes 255 of a run's name.
    storable = [name for name in ODD.values() if "\ud800" not in name]
    odd = "".join(storable)
    run_name = odd[-255:]
    settings = {"workspace": f"team\n{odd}", "project_name": f"/{odd}", "tags": [odd, *storable]}
    tracked_stack(local_config)
    caplog.set_level(logging.WARNING, logger="zenml_comet_tracker")

    pipelines.fitting.with_options(run_name=run_name, settings={"experiment_tracker": settings})([1.0])

    metadata = steps_of("fitting")["fit"].run_metadata
    key = metadata["comet_experiment_key"]
    about = readback.metadata(key)
    assert about["experimentName"] == naming.experiment_name(f"{run_name}_fit")
    assert about["workspaceName"] == naming.place_name(settings["workspace"])
    assert about["projectName"] == naming.place_name(settings["project_name"])
    assert metadata["experiment_tracker_url"] == readback.server.url + "/" + "/".join(
        quote(part, safe="") for part in (about["workspaceName"], about["projectName"], key)
    )
    assert readback.points(key, "loss") == [(1.0, 0, 0)]
    assert len(readback.tags(key)) == len({"the pipeline", "the run", "its id", *settings["tags"]})
    said = [record.getMessage().partition(" '")[0] for record in caplog.records if record.name == naming.__name__]
    assert said == ["No server has a workspace", "No server has a project"]

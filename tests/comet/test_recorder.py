"""What becomes of odd names and values on their way into the journal, seen at a server."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.comet.scripted import ScriptedComet
from tests.comet.test_values import CYCLE, Colour, Hostile, Tensor
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import names
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.structures import json_text
from zenml_comet_tracker.comet.texts import shortened

Make = Callable[..., Experiment]


def parameters_at(comet: ScriptedComet) -> dict[str, Any]:
    rows = [row for asked in comet.requests("/experiment/parameter") for row in asked.json["values"]]
    return {row["parameterName"]: row["parameterValue"] for row in rows}


def others_at(comet: ScriptedComet) -> dict[str, Any]:
    return {asked.json["key"]: asked.json["value"] for asked in comet.requests("/log-other")}


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@dataclasses.dataclass(repr=False)
class Holder:
    first: Any
    second: Any


ODD = [
    10**400, 2**60, "\ud800", "x" * 1500, Hostile(), Tensor(1.0), Tensor(1.0, 2.0), np.float32(1),
    np.zeros(3), {1, 2}, object(), Colour.SEVEN, Colour, print, b"x" * 2000,
]  # fmt: skip
KEYS = st.text(max_size=4) | st.integers() | st.none() | st.sampled_from([Colour.RED, "a/b", "a|b", " ", "n" * 120])
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.dates(),
    st.sampled_from(range(len(ODD))).map(lambda number: ODD[number]),
)


def holders(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(inner, max_size=3),
        st.builds(Holder, inner, inner),
    )


class Shown:
    """Holds a drawn value, because hypothesis shows what it draws and some of it cannot be shown."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return json_text(self.value)


NESTED = st.dictionaries(KEYS, st.recursive(JUNK, holders, max_leaves=12), max_size=5)


def leaves(value: Any) -> int:
    """How many values a call is to log, counted without the client."""
    if type(value) is Holder:
        return leaves(value.first) + leaves(value.second)
    if type(value) is dict and value:
        return sum(leaves(member) for member in value.values())
    return 1


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.tuples(NESTED, KEYS, JUNK).map(Shown))
def test_whatever_is_logged_raises_nothing_and_every_value_is_accepted_or_dropped(
    make: Make, comet: ScriptedComet, given: Shown
) -> None:
    junk, name, step = given.value
    with comet._lock:
        comet.asked.clear()
    experiment = make()
    experiment.log_metrics(junk, prefix=name, step=step, epoch=step)
    experiment.log_metric(name, junk, step=step)
    metrics_dropped = sum(experiment.stats().dropped.values())
    experiment.log_parameters(junk, prefix=name, step=step)
    experiment.log_parameter(name, step)
    dropped = sum(experiment.stats().dropped.values()) - metrics_dropped
    experiment.log_other(name, junk)
    experiment.log_others(junk)

    assert experiment.end(timeout=30).delivered

    total = sum(leaves(value) for value in junk.values())
    assert len(comet.metric_values()) + metrics_dropped == total + 1
    rows = [row for asked in comet.requests("/experiment/parameter") for row in asked.json["values"]]
    assert len(rows) + dropped == total + leaves(step)
    stats = experiment.stats()
    assert stats.accepted == stats.sent
    assert all(len(row["parameterName"]) <= 100 and len(str(row["parameterValue"])) <= 3000 for row in rows)


def test_a_long_value_is_an_asset_in_full_with_a_preview_and_one_warning(
    comet: ScriptedComet, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    prompt, many = "línea " * 200_000, list(range(1000))
    experiment = make()
    for _ in range(3):
        experiment.log_parameters({"model": {"prompt": prompt}, "many": many, "short": "y" * 1000})
    experiment.log_other("note", "z" * 1001)
    assert experiment.end(timeout=30).delivered

    sent = {asked.query["fileName"]: asked for asked in comet.requests("/asset/upload")}
    assert len(comet.requests("/asset/upload")) == 3
    assert prompt.encode() in sent["long-values/model|prompt.txt"].body
    assert json.dumps(many, separators=(",", ":")).encode() in sent["long-values/many.txt"].body
    assert b"z" * 1001 in sent["long-values/note.txt"].body
    at = parameters_at(comet)
    assert at["short"] == "y" * 1000
    assert len(at["model|prompt"]) == len(at["many"]) == 1000
    assert at["model|prompt"].startswith("línea línea ")
    assert at["model|prompt"].endswith("[1200000 characters, in full in the asset long-values/model|prompt.txt]")
    assert others_at(comet)["note"].startswith("zzz")
    (said,) = warnings_in(caplog)
    assert "model|prompt" in said
    assert "1200000 characters" in said


def test_a_long_value_that_changes_is_kept_again(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    for text in ("a" * 2000, "b" * 2000, "b" * 2000):
        experiment.log_parameter("prompt", text)
    assert experiment.end(timeout=30).delivered
    uploads = comet.requests("/asset/upload")
    assert [b"a" * 2000 in asked.body for asked in uploads] == [True, False]
    assert {asked.query["overwrite"] for asked in uploads} == {"True"}


def test_a_long_name_is_shortened_apart_from_others_and_kept_whole(
    comet: ScriptedComet, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = "n" * 500 + "1", "n" * 500 + "2"
    experiment = make()
    for _ in range(2):
        experiment.log_metrics({one: 1, two: 2, "n" * 100: 3})
        experiment.log_metric(one, 4)
    experiment.log_parameter(one, 1)
    experiment.log_other(one, 1)
    experiment.add_tag(one)
    experiment.log_asset_data(b"data", f"{'f' * 400}.json")
    assert experiment.end(timeout=30).delivered

    logged = {row["metricName"] for row in comet.metric_values()}
    assert {len(name) for name in logged} == {100}
    assert len(logged) == 3
    assert "n" * 100 in logged
    whole = {key: value for key, value in others_at(comet).items() if key.startswith("full_name_")}
    assert {name: whole.get(f"full_name_{name[-10:]}") for name in logged - {"n" * 100}} == {
        shortened(one): one,
        shortened(two): two,
    }
    (upload,) = comet.requests("/asset/upload")
    assert (len(upload.query["fileName"]), upload.query["fileName"][-5:]) == (250, ".json")
    assert whole[f"full_name_{upload.query['fileName'][-15:-5]}"] == f"{'f' * 400}.json"
    assert [asked.json["addedTags"] for asked in comet.requests("/add-tags-to-experiment")] == [[shortened(one)]]
    assert len(warnings_in(caplog)) == 1


def test_a_flood_of_names_is_not_kept_in_memory(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MAX_KNOWN", 50)
    experiment = make()
    for number in range(500):
        experiment.log_metric(f"metric {number}", 1)
    assert len(experiment._record._names) <= 50
    assert experiment.end(timeout=30).delivered


def test_what_is_changed_on_its_way_is_said_once(
    comet: ScriptedComet, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    experiment = make()
    for _ in range(3):
        experiment.log_metric("big", 2**60 + 1)
        experiment.log_metrics({"big": -(2**60) - 1, "exact": 2**53})
        experiment.log_metric("loss", 1, step="three", epoch=object())
    assert experiment.end(timeout=30).delivered
    said = warnings_in(caplog)
    assert [sum(word in line for line in said) for word in ("2^53", "step 'three'", "epoch '<object")] == [1, 1, 1]
    assert len(said) == 3
    assert {row["metricValue"] for row in comet.metric_values() if row["metricName"] == "big"} == {2.0**60, -(2.0**60)}
    assert all("step" not in row and "epoch" not in row for row in comet.metric_values())


def test_others_of_a_mapping_are_counted_one_by_one(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    experiment.log_others({"a": {"b": [1]}, "": 1, "c": Hostile(), 4: float("nan")})
    experiment.log_others(5)
    assert experiment.end(timeout=30).delivered
    text = "<Hostile whose text raised RuntimeError>"
    assert others_at(comet) == {"a": '{"b":[1]}', "c": text, "4": "NaN"}
    assert experiment.stats().dropped == {"empty name": 1, "no names": 1}


def test_values_come_back_from_the_local_comet_as_they_were_logged(local_server: LocalServer, journals: Path) -> None:
    numbers = {"int": 3, "float": 1e-300, "bool": True, "np": np.float32(0.5), "nested": {"deep": -0.0}}
    odd = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf"), "big": 2**60}
    given = {
        "int": 2**53 + 1, "text": "größer 🚀", "bool": False, "none": None, "float": 0.1, "list": [1, "a"],
        "layers": {"one": {"units": 3}}, "cycle": CYCLE, "long": "x" * 1_000_000, "nul": "a\0b", "🚀": 1,
    }  # fmt: skip
    where = {"api_key": local_server.api_key, "url": local_server.url, "journal_folder": journals}
    with Experiment(**where, workspace="team", project_name="values") as experiment:
        experiment.log_metrics({**numbers, **odd})
        experiment.log_parameters(given)

    key = experiment.get_key()
    points = local_server.get("experiment/metrics/get-all", experimentKey=key)["metrics"]
    back = {point["metricName"]: float(point["metricValue"]) for point in points}
    assert math.isnan(back.pop("nan"))
    assert back == {
        "int": 3.0, "float": 1e-300, "bool": 1.0, "np": 0.5, "nested/deep": 0.0,
        "inf": math.inf, "-inf": -math.inf, "big": 2.0**60,
    }  # fmt: skip
    found = local_server.get("experiment/parameters", experimentKey=key)["values"]
    texts = {entry["name"]: entry["valueCurrent"] for entry in found}
    whole = texts.pop("long")
    assert texts == {
        "int": "9007199254740993", "text": "größer 🚀", "bool": "false", "none": "None", "float": "0.1",
        "list": '[1,"a"]', "layers|one|units": "3", "cycle|a": "1", "nul": "a\0b", "🚀": "1",
        "cycle|self": json.dumps({"a": 1, "self": str(CYCLE)}, separators=(",", ":")),
    }  # fmt: skip
    (asset,) = local_server.get("experiment/asset/list", experimentKey=key, type="all")["assets"]
    assert asset["fileName"] in whole
    query = {"experimentKey": key, "assetId": asset["assetId"]}
    content = local_server.call("GET", "api/rest/v2/experiment/asset/get-asset", params=query).content
    assert content == b"x" * 1_000_000

"""What cannot be logged is counted and said; under strict it raises and says what was expected. Nothing is halved."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.comet.scripted import ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.experiment import Experiment

Make = Callable[..., Experiment]


class Hostile:
    """Raises from whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __str__(self) -> str:
        raise RuntimeError("text")

    __iter__ = __len__ = __float__ = __bool__ = __array__ = __str__  # type: ignore[assignment]


BAD: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], str]] = {
    "an asset that is not there": ("log_asset", ("nowhere.bin",), {}, "not there"),
    "a folder that is not there": ("log_asset_folder", ("nowhere",), {}, "no folder"),
    "an image of two numbers": ("log_image", ([1, 2],), {}, "shape"),
    "unknown channels": ("log_image", (np.zeros((2, 2)),), {"image_channels": "middle"}, "expected 'first'"),
    "an unknown figure format": ("log_figure", ("f",), {"format": "gif"}, "expected one of"),
    "audio without its rate": ("log_audio", ([0.5, 1],), {}, "sample_rate"),
    "an unknown normalization": ("log_audio", ([0.5],), {"sample_rate": 8, "normalize_data": "LOUD"}, "PCM_16_BIT"),
    "a film that is not there": ("log_video", ("nowhere.mp4",), {}, "not there"),
    "a curve with more x than y": ("log_curve", ("c", [1, 2], [1]), {}, "as many x as y"),
    "a curve of texts": ("log_curve", ("c", ["a"], [1]), {}, "holds numbers"),
    "a curve of a number": ("log_curve", ("c", 1, 2), {}, "list of numbers"),
    "a histogram of a text": ("log_histogram_3d", ("abc",), {}, "made of numbers"),
    "a histogram of texts": ("log_histogram_3d", (["a"],), {}, "made of numbers"),
    "bins without width": ("log_histogram_3d", ([1],), {"start": 0}, "0 < start < stop"),
    "a scene of nothing": ("log_points_3d", ("s",), {}, "points, boxes or both"),
    "a point of two numbers": ("log_points_3d", ("s", [[1, 2]]), {}, "three numbers"),
    "a box without a place": ("log_points_3d", ("s",), {"boxes": [{"label": "b"}]}, "position and size"),
    "rows under a name of no table": ("log_table", ("rows.json", [[1]]), {}, ".csv or .tsv"),
    "a table of a number": ("log_table", ("rows.csv", 3), {}, "list of rows"),
    "a profile of a list": ("log_dataframe_profile", ([1],), {}, "data frame"),
    "a model folder that is empty": ("log_model", ("net", "empty"), {}, "no file"),
    "a source folder without sources": ("log_code", (), {"folder": "empty"}, "no source code"),
    "a source that is not there": ("log_code", (), {"file_name": "nowhere.py"}, "no file"),
    "a notebook that is none": ("log_notebook", ("film.mp4",), {}, ".ipynb"),
    "a dependency without a name": ("log_dependency", ("", "1"), {}, "name"),
    "a system info without a key": ("log_system_info", (" ", "1"), {}, "key"),
    "the address of nothing": ("log_remote_asset", (None,), {}, "address"),
    "no dataset info": ("log_dataset_info", (), {}, "name, a version or a path"),
    "a time that is none": ("set_start_end_time", ("noon",), {}, "milliseconds"),
}


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Experiment]:
    folder = tmp_path_factory.mktemp("journals")
    return lambda **more: Experiment(url="offline", journal_folder=folder, **more)


@pytest.mark.usefixtures("where")
def test_each_is_counted_said_once_and_logs_nothing(
    offline: Callable[..., Experiment], caplog: pytest.LogCaptureFixture
) -> None:
    experiment = offline()
    caplog.set_level(logging.WARNING)
    for number, (method, args, kwargs, _) in enumerate(BAD.values(), start=1):
        assert getattr(experiment, method)(*args, **kwargs) is None
        assert sum(experiment.stats().dropped.values()) == number, method
    assert experiment.stats().accepted == 0
    methods = {method for method, *_ in BAD.values()}
    assert {reason.partition(":")[0] for reason in experiment.stats().dropped} == methods
    said = [record.getMessage() for record in caplog.records if "is dropped" in record.getMessage()]
    assert len(said) == len(experiment.stats().dropped)
    experiment.end()


@pytest.fixture(scope="module")
def strict(offline: Callable[..., Experiment]) -> Iterator[Experiment]:
    experiment = offline(strict=True)
    yield experiment
    experiment.end()


@pytest.mark.usefixtures("where")
@pytest.mark.parametrize("case", BAD)
def test_under_strict_it_says_what_was_expected(strict: Experiment, case: str) -> None:
    method, args, kwargs, words = BAD[case]
    with pytest.raises(InvalidValueError) as caught:
        getattr(strict, method)(*args, **kwargs)
    assert words in str(caught.value)
    assert strict.stats().accepted == 0


@pytest.mark.usefixtures("where")
def test_what_raises_from_everything_harms_nobody(offline: Callable[..., Experiment]) -> None:
    experiment, bad = offline(), Hostile()
    calls: dict[str, tuple[Any, ...]] = {
        **dict.fromkeys(
            ("log_html", "log_graph", "log_output", "log_image", "log_text", "set_filename", "log_asset"), (bad,)
        ),
        **dict.fromkeys(("log_histogram_3d", "log_others", "log_parameters", "log_metrics", "log_code"), (bad,)),
        **dict.fromkeys(("log_dataset_hash", "set_step", "set_epoch", "log_epoch_end", "send_notification"), (bad,)),
        **dict.fromkeys(("add_tags", "log_audio", "log_video", "log_notebook", "log_remote_asset"), (bad,)),
        **dict.fromkeys(("log_system_info", "log_dependency", "log_table", "log_model"), (bad, bad)),
        "log_curve": (bad, bad, bad),
        "log_points_3d": (bad, bad, bad),
        "log_system_details": (bad, bad, bad, bad, bad, bad, bad, bad),
        "log_git_metadata": (bad, bad),
        "log_confusion_matrix": (bad, bad),
        "log_metric": ("m", 1.0, bad, bad, bad),
    }
    for method, args in calls.items():
        getattr(experiment, method)(*args)
    with experiment.context_manager(bad):
        experiment.log_metric("m", 1)
    experiment.end()


def test_after_the_end_everything_is_dropped(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    experiment.end()
    experiment.log_output("late")
    experiment.log_remote_asset("s3://late")
    with experiment.train():
        experiment.log_curve("late", [1], [1])
    assert experiment.stats().dropped == {"the experiment has ended": 3}


@pytest.mark.parametrize("protocol", ["batch", "rest"])
def test_what_the_server_will_never_take_holds_nothing_up(
    local_server: LocalServer, tmp_path: Path, protocol: str
) -> None:
    experiment = Experiment(
        local_server.api_key, "tests", "ws", url=local_server.url, protocol=protocol, journal_folder=tmp_path
    )
    experiment.set_filename("n" * 10_001)
    experiment.log_other("after", 1)
    experiment.log_metric("after", 1)
    experiment.flush(20)
    stats = experiment.stats()
    assert (stats.pending, [(reason[:19], count) for reason, count in stats.refused.items()]) == (
        0,
        [("status 422 filePath", 1)],
    )
    others = local_server.get("experiment/log-other", experimentKey=experiment.id)["values"]
    assert [row["valueCurrent"] for row in others if row["name"] == "after"] == ["1"]
    experiment.end(5)

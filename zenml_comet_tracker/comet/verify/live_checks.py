"""A live experiment, as programs log it: through the journal, in both protocols."""

from __future__ import annotations

import functools
import logging
import tempfile
from dataclasses import replace
from typing import Literal

from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.resources import assets, experiments, metrics, others, parameters, tags
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.outcome import DifferenceError, LeftOutError
from zenml_comet_tracker.comet.verify.scratch import Scratch

group = Group("live experiments")

_POINTS = 250
_SECONDS = 60.0
Live = Literal["batch", "rest"]


def _log(scratch: Scratch, protocol: Live) -> None:
    # Points one by one are slow in documented REST, and count against Comet's hourly requests.
    points = _POINTS if protocol == "batch" else 10
    settings = replace(
        scratch.connection.settings, workspace=scratch.workspace, project_name=scratch.project, experiment_key=None
    )
    with tempfile.TemporaryDirectory(prefix="zenml-comet-verify-") as folder:
        # Where it cannot deliver it says so by itself; here the outcome does.
        logging.getLogger("zenml_comet_tracker.comet").addFilter(_no_record)
        try:
            experiment = Experiment(settings=settings, protocol=protocol, journal_folder=folder)
            try:
                _log_all(experiment, protocol, points)
            finally:
                # Also after Ctrl-C: what would be delivered later would make the project anew.
                report = experiment.end(timeout=_SECONDS)
        finally:
            logging.getLogger("zenml_comet_tracker.comet").removeFilter(_no_record)
    scratch.memory[f"live {protocol}"] = key = _key(scratch, experiment, protocol)
    scratch.memory[f"points of {key}"] = points
    if not report.delivered:
        raise DifferenceError("everything delivered", str(report))


def _log_all(experiment: Experiment, protocol: Live, points: int) -> None:
    experiment.set_name(f"live {protocol}")
    experiment.add_tags(["live", protocol])
    with experiment.train():
        for step in range(points):
            experiment.log_metric("loss", 1 / (step + 3), step=step, epoch=step // 10)
    experiment.log_parameters({"lr": 0.1, "net": {"layers": 3}})
    experiment.log_other("note", "ünïcode ✓")
    experiment.log_asset_data(b"live \x00\xff", name="live.bin")


def _no_record(_: logging.LogRecord) -> bool:
    return False


def _key(scratch: Scratch, experiment: Experiment, protocol: Live) -> str:
    """The key that the server knows it by, which in documented REST is the server's own."""
    rows = scratch.eventually(
        lambda: scratch.ask(experiments.of_project, scratch.place),
        lambda found: any(_is(row, experiment.id, protocol) for row in found),
        "the experiment in its project",
    )
    return next(str(row["experimentKey"]) for row in rows if _is(row, experiment.id, protocol))


def _is(row: dict[str, object], key: str, protocol: Live) -> bool:
    return row["experimentKey"] == key or row.get("experimentName") == f"live {protocol}"


def _logged(scratch: Scratch, protocol: Live) -> str:
    key = scratch.memory.get(f"live {protocol}")
    if key is None:
        raise LeftOutError("no live experiment arrived")
    return str(key)


def _points(scratch: Scratch, protocol: Live) -> None:
    key = _logged(scratch, protocol)
    count = int(scratch.memory[f"points of {key}"])
    expected = [(1 / (step + 3), step, step // 10) for step in range(count)]

    def read() -> list[tuple[float, object, object]]:
        rows = scratch.ask(metrics.points, key, "train_loss")
        return [(float(row["metricValue"]), row.get("step"), row.get("epoch")) for row in rows]

    scratch.eventually(read, lambda got: got == expected, f"{count} points in their order")


def _facts(scratch: Scratch, protocol: Live) -> None:
    key = _logged(scratch, protocol)
    expected = {"lr": "0.1", "net|layers": "3", "note": "ünïcode ✓", "Name": f"live {protocol}"}

    def read() -> dict[str, str]:
        rows = [*scratch.ask(parameters.summary, key), *scratch.ask(others.summary, key)]
        return {str(row["name"]): row["valueCurrent"] for row in rows if row["name"] in expected}

    scratch.eventually(read, lambda got: got == expected, expected)
    scratch.eventually(
        lambda: set(scratch.ask(tags.of_experiment, key)), lambda got: got == {"live", protocol}, {"live", protocol}
    )


def _files(scratch: Scratch, protocol: Live) -> None:
    key = _logged(scratch, protocol)
    found = scratch.eventually(
        lambda: [asset for asset in scratch.ask(assets.of_experiment, key) if asset["fileName"] == "live.bin"],
        lambda listed: len(listed) == 1,
        "one asset live.bin",
    )
    scratch.expect(b"live \x00\xff", assets.read, key, str(found[0]["assetId"]))


def _end(scratch: Scratch, protocol: Live) -> None:
    key = _logged(scratch, protocol)
    expected = {"running": False, "hasCrashed": False}

    def read() -> dict[str, object]:
        metadata = scratch.ask(experiments.metadata, key)
        return {name: metadata.get(name) for name in expected}

    scratch.eventually(read, lambda got: got == expected, expected)


def _collect(protocol: Live) -> None:
    said = {
        "what is logged is delivered": (_log, "clientlib/..." if protocol == "batch" else "write/experiment/..."),
        "its points are there, in their order": (_points, "GET experiment/metrics/get-metric"),
        "its parameters, others and tags are there": (_facts, "GET experiment/parameters"),
        "its file is there": (_files, "GET experiment/asset/get-asset"),
        "it has ended well": (_end, "GET experiment/metadata"),
    }
    for name, (function, endpoint) in said.items():
        group.check(name, endpoint, protocol)(functools.partial(function, protocol=protocol))


_collect("batch")
_collect("rest")

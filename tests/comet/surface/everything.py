"""Everything that an experiment can log, once: to be read back without the code that wrote it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.experiment import Experiment

POINTS = [[1, 2, 3], [4.5, 5, 6]]
BOXES = [{"position": [0, 0, 0], "size": {"height": 1, "width": 2, "depth": 3}, "label": "box"}]


def make_files(folder: Path) -> None:
    """What is logged as files."""
    (folder / "data" / "inner").mkdir(parents=True)
    (folder / "data" / "a.txt").write_text("a")
    (folder / "data" / "inner" / "b.txt").write_text("b")
    (folder / "board").mkdir()
    (folder / "board" / "events.out.tfevents.1").write_text("events")
    (folder / "board" / "notes.txt").write_text("notes")
    (folder / "sources" / ".hidden").mkdir(parents=True)
    (folder / "sources" / "one.py").write_text("one = 1\n")
    (folder / "sources" / ".hidden" / "two.py").write_text("two = 2\n")
    (folder / "sources" / "weights.bin").write_bytes(b"\0")
    (folder / "train.py").write_text("train = True\n")
    (folder / "film.mp4").write_bytes(b"film")
    (folder / "work.ipynb").write_text('{"cells": []}')
    (folder / "plain.csv").write_text("x\n1\n")


def log_everything(experiment: Experiment, folder: Path) -> dict[str, Any]:
    """Calls every logging method; what some of them returned."""
    log_values(experiment)
    log_facts(experiment, folder)
    return log_files(experiment, folder) | log_media(experiment, folder)


def log_values(experiment: Experiment) -> None:
    experiment.log_metric("loss", 0.5, step=1, epoch=1)
    experiment.log_metric("loss", 0.25, context="given")
    with experiment.train():
        experiment.log_metric("loss", 0.75, step=2)
        experiment.log_metric("bare", 1, include_context=False)
        experiment.log_metrics({"a": 1, "b": {"c": 2}}, prefix="p")
        experiment.log_parameter("rate", 0.1)
        experiment.log_output("in training\n")
        experiment.log_asset_data("inside", "inside.txt")
    with experiment.context_manager("own"):
        experiment.log_metric("loss", 4)
    experiment.set_step(7)
    experiment.log_metric("after", 1)
    experiment.log_epoch_end(5, step=8)
    experiment.log_metric("after", 2)
    experiment.set_epoch(6)
    experiment.log_metric("after", 3)
    experiment.log_current_epoch(9)
    experiment.log_parameters({"model": {"layers": [1, 2]}})
    experiment.log_parameters({"whole": {"a": 1}}, nested_support=False)
    experiment.log_other("note", "größer 🚀")
    experiment.log_others({"count": 3})
    experiment.log_dataset_info("digits", "v1", "/data")
    experiment.log_dataset_hash([1, 2, 3])
    experiment.log_optimization("opt1", "score", 0.9, {"depth": 3}, "maximize")


def log_facts(experiment: Experiment, folder: Path) -> None:
    experiment.set_name("everything")
    experiment.add_tags(["one", "two"])
    experiment.add_tag("three")
    experiment.log_html("<b>gone</b>")
    experiment.log_html("<b>first</b>", override=True)
    experiment.log_html_url("http://host/?a=1&b=2", text="<page>", label="see")
    experiment.log_graph({"layers": [1]})
    experiment.set_filename("/app/train.py")
    experiment.log_dependency("torch", "2.4")
    experiment.log_dependency("numpy", "2.0")
    experiment.log_output(["line one", "line two\n"], stderr=True)
    experiment.log_output("\rhalf a li")
    experiment.log_output("ne\n")
    experiment.log_git_metadata(branch="main", origin="git@host:a.git", parent="abc", user="me", root="/app")
    experiment.log_git_patch("--- a\n+++ b\n")
    experiment.log_system_info("mood", "good")
    experiment.log_system_details(
        command=["python", "train.py"],
        hostname="host",
        installed_packages=["torch==2.4"],
        gpu_static_info=[{"gpuIndex": 0, "name": "H200", "uuid": "u", "totalMemory": 10, "powerLimit": 700}],
        additional_system_info=[{"key": "rack", "value": "7"}],
        os_packages="libc=2",
        pid=12,
        r_version="4.0.2",
        r_version_verbose="R version 4.0.2",
        processor="x86",
    )
    experiment.log_code(folder=folder / "sources")
    experiment.log_code(folder / "train.py")
    experiment.log_notebook(folder / "work.ipynb")
    experiment.send_notification("hello", "fine", {"n": 1})


def log_files(experiment: Experiment, folder: Path) -> dict[str, Any]:
    experiment.log_asset(folder / "data" / "a.txt", step=3, metadata={"k": [1]})
    experiment.log_asset(io.BytesIO(b"opened"), file_name="opened.bin")
    experiment.upload_asset(folder / "data" / "a.txt", 4, None, "validate", "custom", "uploaded.txt", {"m": 1})
    folders = experiment.log_asset_folder(folder / "data")
    experiment.log_asset_folder(folder / "data", log_file_name=True, recursive=True)
    experiment.log_tensorflow_folder(folder / "data")
    remote = experiment.log_remote_asset("s3://bucket/path/file.bin?x=1", metadata={"far": True})
    experiment.log_remote_asset("http://host/sound", "sound.wav", asset_type="audio", step=2)
    model = experiment.log_model("net", folder / "data", metadata={"v": 1})
    experiment.log_model("flat", folder / "data", prepend_folder_name=False)
    experiment.log_model("single", io.BytesIO(b"weights"), file_name="w.bin")
    experiment.log_remote_model("far", "s3://bucket/model.bin", metadata={"o": 1})
    experiment.log_remote_model("near", (folder / "data").as_uri())
    return {"folder": folders, "remote": remote, "model": model}


def log_media(experiment: Experiment, folder: Path) -> dict[str, Any]:
    experiment.log_text("a sample", step=1, metadata={"t": 1})
    experiment.log_image(np.zeros((4, 5)), "grey.png", step=3, annotations=[{"name": "boxes"}], metadata="mine")
    channels = np.zeros((3, 4, 5))
    experiment.log_image(channels, "first.png", image_channels="first", image_scale=2.0, image_minmax=(-1, 1))
    experiment.log_image(Image.new("RGB", (8, 8)), "small.png", image_shape=(2, 3))
    figure = Figure()
    figure.subplots().plot([1, 2])
    experiment.log_figure("figure", figure)
    experiment.log_figure("drawing.svg", figure, format="svg", metadata={"f": 1})
    experiment.log_audio(np.array([0, 0.25, -0.5]), sample_rate=8000, file_name="sound.wav", metadata={"s": 1})
    experiment.log_audio(folder / "film.mp4")
    experiment.log_video(folder / "film.mp4", name="film", format="mp4", epoch=2)
    experiment.log_curve("roc", [0, 1], np.array([0.5, 1.0]), step=2)
    experiment.log_histogram_3d([1, [2, 2], -4], name="weights", step=1)
    experiment.log_confusion_matrix([0, 1, 1], [0, 1, 0], labels=["a", "b"])
    experiment.log_points_3d("scene", POINTS, BOXES, step=2, metadata={"s": 1})
    experiment.log_table("rows.csv", [[1, "a"], [2, "b"]], headers=["x", "y"])
    experiment.log_table("frame.json", pd.DataFrame({"x": [1, 2]}))
    experiment.log_table(folder / "plain.csv")
    return {"profile": experiment.log_dataframe_profile(pd.DataFrame({"x": [1, None]}), "profiled")}


@dataclass(frozen=True)
class Held:
    """What the server holds of one experiment, read past all of our clients."""

    server: LocalServer
    key: str
    protocol: str
    returned: dict[str, Any]

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """The JSON answer to a GET of documented REST about the experiment."""
        return self.server.get(path, experimentKey=self.key, **params)

    def points(self, name: str) -> list[tuple[Any, ...]]:
        """Value, step, epoch and context of every point of a metric."""
        found = self.get("experiment/metrics/get-metric", metricName=name)["metrics"]
        return [(float(p["metricValue"]), p["step"], p["epoch"], p["runContext"]) for p in found]

    def current(self, path: str) -> dict[str, str]:
        """The values of parameters or others by name."""
        return {entry["name"]: entry["valueCurrent"] for entry in self.get(path)["values"]}

    def assets(self, kind: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        """The assets of a type, and of a name, in order of their names."""
        listed = self.get("experiment/asset/list", **({"type": kind} if kind else {}))["assets"]
        return sorted((a for a in listed if name in (None, a["fileName"])), key=lambda a: (a["fileName"], a["type"]))

    def asset(self, name: str, kind: str | None = None) -> dict[str, Any]:
        """The one asset of a name."""
        (found,) = self.assets(kind, name)
        return found

    def content(self, asset: dict[str, Any]) -> bytes:
        """The bytes of an asset."""
        params = {"experimentKey": self.key, "assetId": asset["assetId"]}
        answered = self.server.call("GET", "api/rest/v2/experiment/asset/get-asset", params=params)
        assert answered.status_code == 200, answered.text
        return answered.content

    def json(self, name: str, kind: str | None = None) -> Any:
        """The JSON of the one asset of a name."""
        return json.loads(self.content(self.asset(name, kind)))

    def model(self, name: str) -> dict[str, dict[str, Any]]:
        """The files of a model by name."""
        listed = self.get("experiment/model/asset/list", modelName=name)["assets"]
        return {asset["fileName"]: asset for asset in listed}

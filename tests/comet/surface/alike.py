"""The same calls on any experiment, ours or the official SDK's; run as a program, on the SDK's.

python -m tests.comet.surface.alike API_KEY FOLDER
"""

from __future__ import annotations

import inspect
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WORKSPACE, PROJECT = "surface", "alike"


def log_alike(experiment: Any, folder: Path) -> None:
    """Calls that both have, with the same arguments."""
    _log_values(experiment)
    experiment.add_tags(["one", "two"])
    experiment.set_name("alike")
    experiment.log_html("<b>gone</b>")
    experiment.log_html("<b>first</b>", clear=True)
    experiment.log_html_url("http://host/x", text="text", label="label")
    experiment.set_model_graph("digraph {}")
    experiment.set_filename("train.py")
    experiment.log_system_info("mood", "good")
    experiment.log_dependency("torch", "2.4")
    _log_files(experiment, folder)
    _log_media(experiment)


def _log_values(experiment: Any) -> None:
    experiment.log_metric("m", 1)
    experiment.log_metric("m", 2, step=5)
    experiment.log_metric("m", 3, epoch=2)
    with experiment.train():
        experiment.log_metric("m", 4)
        experiment.log_metric("bare", 4, include_context=False)
        experiment.log_parameter("p", 1)
        with experiment.validate():
            experiment.log_metric("m", 5, step=6)
        experiment.log_metrics({"a": {"b": 6}}, prefix="x")
    with experiment.context_manager("own"):
        experiment.log_metric("m", 7)
    experiment.log_epoch_end(4, step=9)
    experiment.log_metric("m", 8)
    experiment.set_step(11)
    experiment.log_metric("m", 9)
    experiment.log_parameters({"model": {"depth": 3}, "list": [1, 2]})
    experiment.log_parameter("q", "text", step=12)
    experiment.log_others({"note": "hi", "n": 1})
    experiment.log_dataset_hash([1, 2, 3])
    experiment.log_dataset_info("digits", "v1", "/data")
    experiment.set_cmd_args()


def _log_files(experiment: Any, folder: Path) -> None:
    experiment.log_asset(str(folder / "data" / "a.txt"), step=13, metadata={"k": 1})
    experiment.log_asset(io.BytesIO(b"opened"), file_name="opened.bin")
    experiment.log_asset_data("data", name="data.txt")
    experiment.log_asset_folder(str(folder / "data"), log_file_name=True, recursive=True)
    experiment.log_asset_folder(str(folder / "data"), step=14)
    experiment.log_remote_asset("s3://bucket/file.bin", metadata={"far": True})
    experiment.log_remote_asset("http://host/x", "named.bin", asset_type="audio")
    experiment.log_model("net", str(folder / "data"))
    experiment.log_model("flat", str(folder / "data"), prepend_folder_name=False, metadata={"v": 1})
    experiment.log_model("single", str(folder / "data" / "a.txt"), file_name="w.bin")
    experiment.log_remote_model("far", "s3://bucket/model.bin", sync_mode=False, metadata={"o": 1})
    experiment.log_code(code="x = 1", code_name="code.py")
    experiment.log_notebook(str(folder / "work.ipynb"))
    experiment.log_tensorflow_folder(str(folder / "data"))
    experiment.log_tensorboard_folder(str(folder / "board"))


def _log_media(experiment: Any) -> None:
    experiment.log_text("sample", metadata={"t": 1})
    experiment.log_image(Image.new("RGB", (4, 4)), name="picture.png", step=14, metadata={"i": 1})
    experiment.log_audio(np.array([0, 100, -200], dtype="int16"), sample_rate=8000, file_name="sound.wav")
    experiment.log_curve("roc", [0, 1], [0.5, 1.0], metadata={"c": 1})
    experiment.log_histogram_3d([1, 2.5, 2.5, -4, 1e-3], name="weights.json", step=15)
    experiment.log_confusion_matrix([0, 1, 1], [0, 1, 0], labels=["a", "b"])
    experiment.log_table("rows.csv", [[1, "a"], [2, "b"]], headers=["x", "y"])
    experiment.log_table("generic.tsv", [[1, 2]], headers=True)
    boxes = [{"position": [0, 0, 0], "size": {"height": 1, "width": 1, "depth": 1}, "label": "b", "segments": []}]
    experiment.log_points_3d("scene", points=[[1, 2, 3]], boxes=boxes, step=16, metadata={"s": 1})


def _official(api_key: str) -> Any:
    import comet_ml

    quiet = ("log_code", "log_graph", "auto_param_logging", "auto_metric_logging", "parse_args", "log_env_details")
    quiet += ("log_git_metadata", "log_git_patch", "log_env_gpu", "log_env_cpu", "auto_output_logging")
    off = dict.fromkeys(quiet, False)
    return comet_ml.Experiment(
        api_key=api_key, workspace=WORKSPACE, project_name=PROJECT, display_summary_level=0, **off
    )


def _signatures(experiment: Any) -> dict[str, list[list[str]]]:
    """Of every public method the names of its arguments with their defaults, empty for none."""
    names = [name for name in dir(experiment) if not name.startswith("_") and callable(getattr(experiment, name))]
    return {name: arguments(getattr(experiment, name)) for name in names}


def arguments(method: Any) -> list[list[str]]:
    """Name and default of each argument, in order."""
    found = inspect.signature(method).parameters.values()
    return [[p.name, "" if p.default is p.empty else repr(p.default)] for p in found if p.kind is not p.VAR_KEYWORD]


if __name__ == "__main__":
    _, api_key, where = sys.argv
    sys.argv[1:] = ["--lr", "0.5", "--fast"]
    theirs = _official(api_key)
    log_alike(theirs, Path(where))
    theirs.end()
    print(json.dumps({"key": theirs.get_key(), "signatures": _signatures(theirs)}))

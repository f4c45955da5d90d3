"""What a user of the official SDK does: `python sdk_session.py ROOT KEY FOLDER` prints what it read back.

Run in a process of its own, because the SDK patches what it finds and keeps threads.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT, KEY, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
os.environ.update(
    COMET_URL_OVERRIDE=f"{ROOT}/clientlib/",
    COMET_API_KEY=KEY,
    COMET_ERROR_TRACKING_ENABLE="false",
    COMET_DISABLE_AUTO_LOGGING="1",
    COMET_LOGGING_CONSOLE="INFO",
)

import comet_ml  # noqa: E402

LOGS = {
    "auto_metric_logging": False,
    "auto_param_logging": False,
    "auto_output_logging": "simple",
    "auto_histogram_weight_logging": False,
    "log_code": False,
    "log_graph": False,
    "log_git_metadata": False,
    "log_git_patch": False,
    "log_env_details": False,
    "log_env_gpu": False,
    "log_env_cpu": False,
    "log_env_network": False,
    "log_env_disk": False,
    "log_env_host": False,
    "parse_args": False,
    "display_summary_level": 0,
}


def write() -> str:
    experiment = comet_ml.Experiment(workspace="sdk", project_name="oracle", **LOGS)
    experiment.set_name("by the SDK")
    experiment.add_tags(["one", "two"])
    for step in range(25):
        experiment.log_metric("loss", 1 / (step + 1), step=step, epoch=step // 5)
    with experiment.train():
        experiment.log_metric("accuracy", float("nan"), step=1)
        experiment.log_metric("accuracy", 0.5, step=2)
    experiment.log_parameters({"lr": 0.1, "layers": 3, "name": "adam", "nested": {"deep": True}})
    experiment.log_other("note", "hi")
    experiment.log_html("<b>hi</b>")
    experiment.log_text("a text", metadata={"k": 1})
    file = FOLDER / "weights.bin"
    file.write_bytes(bytes(range(256)) * 64)
    experiment.log_asset(str(file), file_name="data/weights.bin")
    experiment.log_model("digits", str(file))
    experiment.log_confusion_matrix(y_true=[0, 1, 1], y_predicted=[0, 1, 0])
    experiment.log_image(image_data=str(_png()), name="dot.png", step=3)
    print("printed by the program")
    experiment.end()
    return experiment.get_key()


def _png() -> Path:
    from PIL import Image

    path = FOLDER / "dot.png"
    Image.new("RGB", (2, 2), "red").save(path)
    return path


def join(key: str) -> None:
    experiment = comet_ml.ExistingExperiment(previous_experiment=key, **LOGS)
    experiment.log_metric("later", 7, step=1)
    experiment.end()


def read(key: str) -> dict[str, object]:
    api = comet_ml.API()
    experiment = api.get_experiment_by_key(key)
    assets = {asset["fileName"]: asset for asset in experiment.get_asset_list()}
    weights = experiment.get_asset(assets["data/weights.bin"]["assetId"])
    matrix = experiment.get_asset(assets["confusion-matrix.json"]["assetId"], return_type="json")
    return {
        "key": key,
        "name": experiment.name,
        "workspace": experiment.workspace,
        "project": experiment.project_name,
        "url": experiment.url,
        "state": experiment.get_state(),
        "tags": experiment.get_tags(),
        "loss": [[m["metricValue"], m["step"], m["epoch"]] for m in experiment.get_metrics("loss")],
        "accuracy": [[m["metricValue"], m["runContext"]] for m in experiment.get_metrics("train_accuracy")],
        "names": sorted(row["name"] for row in experiment.get_metrics_summary()),
        "summary": experiment.get_metrics_summary("loss"),
        "parameters": {row["name"]: row["valueCurrent"] for row in experiment.get_parameters_summary()},
        "note": experiment.get_others_summary("note"),
        "html": experiment.get_html(),
        "output": experiment.get_output(),
        "assets": {name: [asset["type"], asset["step"], asset["metadata"]] for name, asset in assets.items()},
        "weights": weights == (FOLDER / "weights.bin").read_bytes(),
        "matrix": matrix["matrix"],
        "models": experiment.get_model_names(),
        "model_files": [asset["fileName"] for asset in experiment.get_model_asset_list("digits")],
        "workspaces": api.get_workspaces(),
        "projects": api.get_projects("sdk"),
        "absent": api.get_project("sdk", "none"),
        "experiments": [found.id for found in api.get_experiments("sdk", "oracle")],
        "frame": api.get_metrics_df([key], ["loss"])["loss"].tolist(),
        "columns": sorted({str(variable) for variable in api.get_query_variables("sdk", "oracle")}),
    }


def edit() -> dict[str, object]:
    api = comet_ml.API()
    experiment = comet_ml.APIExperiment(workspace="sdk", project_name="edited", experiment_name="by REST")
    experiment.log_metric("loss", 0.25, step=1, epoch=0)
    experiment.log_parameter("lr", 0.5)
    experiment.add_tags(["best", "worst"])
    experiment.delete_tags(["worst"])
    experiment.log_output("one\ntwo\n")
    experiment.set_code("print(1)")
    experiment.set_model_graph('{"nodes":[]}')
    experiment.set_user("someone")
    experiment.set_pid(12)
    experiment.set_git_metadata(user="u", root="r", branch="b", parent="p", origin="o")
    beat = experiment.update_status()
    experiment.set_state("crashed")
    experiment.archive()
    archived = api.get_experiment_by_key(experiment.id)
    return {
        "beat": beat,
        "name": experiment.name,
        "tags": experiment.get_tags(),
        "output": experiment.get_output(),
        "code": experiment.get_code(),
        "graph": experiment.get_model_graph(),
        "user": experiment.get_user(),
        "pid": experiment.get_system_details()["pid"],
        "git": experiment.get_git_metadata(),
        "state": experiment.get_state(),
        "archived": archived.archived,
    }


if __name__ == "__main__":
    key = write()
    join(key)
    print("RESULT", json.dumps({"read": read(key), "edited": edit()}))

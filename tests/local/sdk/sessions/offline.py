"""Offline runs and `comet upload` (rows 70 to 75): an archive the SDK wrote, a hand-made one, and both again."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import comet_ml
from comet_ml.scripts import comet_upload

from tests.local.sdk.sessions.recorder import FOLDER, QUIET, WORKSPACE, Recorder, png

PROJECT = "offline"
HAND_MADE = "h" * 32


def _written() -> comet_ml.OfflineExperiment:
    experiment = comet_ml.OfflineExperiment(
        project_name=PROJECT, workspace=WORKSPACE, offline_directory=str(FOLDER / "runs"), **QUIET
    )
    text = FOLDER / "a.txt"
    text.write_text("hello world")
    experiment.set_name("off run")
    experiment.add_tags(["a", "b"])
    for step in range(25):
        experiment.log_metric("loss", step / 2, step=step, epoch=1)
    with experiment.train():
        experiment.log_metric("odd", float("inf"), step=1)
    experiment.log_parameters({"lr": 0.1, "opt": "adam"})
    experiment.log_other("k", "v")
    experiment.log_html("<b>gone</b>")
    experiment.log_html("<b>y</b>", clear=True)
    experiment.log_text("abc", step=1)
    experiment.log_asset(str(text), file_name="a.txt", metadata={"k": 1})
    experiment.log_asset_data({"a": 1}, name="q.json")
    experiment.log_remote_asset("s3://bucket/x.bin", remote_file_name="x.bin", metadata={"r": 1})
    experiment.log_image(png("red.png"), name="red")
    experiment.log_model("m", str(text))
    experiment.log_confusion_matrix(y_true=[0, 1], y_predicted=[0, 0])
    experiment.set_model_graph("{}")
    experiment.log_system_info("k", "v")
    experiment.register_model("m", version="1.0.0", public=False, tags=["t"], status="QA")
    experiment.end()
    return experiment


def _hand_made() -> str:
    """An archive with the required members only, as any program can write it."""
    now = 1_795_228_432_267
    about = {
        "project_name": PROJECT, "workspace": WORKSPACE, "start_time": now, "stop_time": now + 5000, "tags": ["ht"],
        "offline_id": HAND_MADE,
    }  # fmt: skip
    messages: list[tuple[str, dict[str, Any]]] = [
        ("log_other", {"key": "Name", "value": "hand made"}),
        ("metric_msg", {
            "local_timestamp": now, "context": None,
            "metric": {"metricName": "m", "metricValue": 1.5, "step": 1, "epoch": 0},
        }),
        ("parameter_msg", {
            "local_timestamp": now, "context": None, "param": {"paramName": "p", "paramValue": 3, "step": None},
        }),
        ("html", {"html": "<p>"}),
        ("graph", {"graph": "{}"}),
        ("standard_output", {"output": "hi\n", "stderr": False, "local_timestamp": now, "context": None}),
        ("file_upload", {
            "file_path": "first", "upload_type": "asset", "local_timestamp": now, "metadata": {"k": 1},
            "additional_params": {"context": None, "step": None, "fileName": "hand.txt", "assetId": "f" * 32},
        }),
    ]  # fmt: skip
    path = FOLDER / f"{HAND_MADE}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("experiment.json", json.dumps(about))
        lines = [json.dumps({"type": kind, "payload": payload}) for kind, payload in messages]
        archive.writestr("messages.json", "\n".join(lines) + "\n")
        archive.writestr("first", "by hand\n")
    return str(path)


def _upload(*arguments: str) -> int:
    """The exit code of `comet upload`."""
    try:
        comet_upload.main(list(arguments))
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def main() -> None:
    """Plays all rows."""
    recorder = Recorder()
    written = recorder.row("70-OfflineExperiment", _written)
    assert written is not None
    recorder.row("70-key", written.get_key)
    archive = str(next(Path(FOLDER / "runs").glob("*.zip")))
    hand_made = _hand_made()
    recorder.row("73-comet_upload", lambda: _upload(archive))
    recorder.row("75-comet_upload-handmade", lambda: _upload(hand_made))
    recorder.row("75-again", lambda: _upload(hand_made))
    recorder.row("75-force-upload", lambda: _upload("--force-upload", "--project-name", "forced", hand_made))
    recorder.row(
        "75-force-reupload",
        lambda: _upload("--force-reupload", "--workspace", WORKSPACE, "--project-name", "reforced", hand_made),
    )
    recorder.finish()


if __name__ == "__main__":
    main()

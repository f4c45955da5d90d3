"""A live experiment: every way the official SDK logs (rows 01 to 32), then how it joins experiments (rows 60 to 67)."""

from __future__ import annotations

from typing import Any

import comet_ml
from comet_ml import Artifact, Experiment

from tests.local.sdk.sessions.recorder import FOLDER, QUIET, WORKSPACE, Recorder, png

PROJECT = "live"


def _file(name: str, content: bytes) -> str:
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def _wav() -> str:
    import wave

    with wave.open(str(FOLDER / "a.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0\0" * 100)
    return str(FOLDER / "a.wav")


def _first(recorder: Recorder) -> str:
    experiment = recorder.row(
        "01-Experiment-create",
        lambda: Experiment(
            project_name=PROJECT,
            **{**QUIET, "auto_output_logging": "simple", "log_env_details": True, "log_code": True},
        ),
    )
    assert experiment is not None
    row = recorder.row
    row("01-url", lambda: [experiment.get_key(), experiment.url, experiment.alive])
    _values(experiment, row)
    _assets(experiment, row)
    _rich_assets(experiment, row)
    _machine_and_models(experiment, row)
    _artifacts(experiment, row)
    row("30-output", lambda: _say())
    row("31-heartbeat-wait", lambda: _beat(experiment))
    row("32-end", experiment.end)
    return str(experiment.get_key())


def _wait_until_uploaded(experiment: Experiment) -> None:
    """Returns when the artifact is closed, which the SDK does after its uploads."""
    experiment.flush()


def _say() -> None:
    print("one line")
    print("and", "another", 2)


def _beat(experiment: Experiment) -> bool:
    return bool(experiment.streamer.flush(5)) if hasattr(experiment, "streamer") else True


def _values(experiment: Experiment, row: Any) -> None:
    row("02-log_metric", lambda: _log_metrics(experiment))
    row(
        "03-log_parameters",
        lambda: experiment.log_parameters({"lr": 0.1, "layers": 3, "opt": "adam", "n": {"deep": True}}, step=2),
    )
    row(
        "04-log_other",
        lambda: [experiment.log_other("note", "hi"), experiment.log_others({"a": 1, "b": True})],
    )
    row("05-add_tags", lambda: [experiment.add_tag("t1"), experiment.add_tags(["t2", "t3"])])
    row("06-set_name", lambda: experiment.set_name("my run"))


def _log_metrics(experiment: Experiment) -> None:
    for step in range(25):
        experiment.log_metric("loss", 1 / (step + 1), step=step, epoch=step // 5)
    experiment.log_metrics({"a/b": 1, "big": 2**60, "odd": float("nan"), "far": float("-inf")}, step=25, epoch=5)
    with experiment.train():
        experiment.log_metric("acc", 0.5, step=1)
    with experiment.validate():
        experiment.log_metric("acc", 0.25, step=1)


def _assets(experiment: Experiment, row: Any) -> None:
    text, weights = _file("a.txt", b"hello world"), _file("w.bin", bytes(range(64)))
    _file("folder/deep/one.txt", b"1")
    _file("folder/two.txt", b"2")
    row(
        "07-log_asset",
        lambda: [
            experiment.log_asset(text, file_name="x/a.txt", metadata={"k": 1}, step=3),
            experiment.log_asset_data({"a": 1}, name="z.json", step=3, epoch=0),
            experiment.log_asset_folder(str(FOLDER / "folder"), log_file_name=True, recursive=True),
            experiment.log_asset(weights, file_name="again.bin"),
        ],
    )
    row(
        "08-log_remote_asset",
        lambda: experiment.log_remote_asset("s3://bucket/linked.bin", remote_file_name="linked.bin", metadata={"r": 1}),
    )
    row(
        "09-log_image",
        lambda: [
            experiment.log_image(png("red.png"), name="red.png", step=1),
            experiment.log_image([[0, 255], [255, 0]], name="grid", step=1),
        ],
    )
    row("10-log_text", lambda: experiment.log_text("some text", step=1, metadata={"t": 1}))
    row(
        "11-log_html",
        lambda: [experiment.log_html("<b>gone</b>"), experiment.log_html("<i>new</i>", clear=True)],
    )


def _rich_assets(experiment: Experiment, row: Any) -> None:
    row(
        "12-log_confusion_matrix",
        lambda: experiment.log_confusion_matrix(y_true=[0, 1, 1], y_predicted=[0, 1, 0], step=1),
    )
    row("13-log_table", lambda: experiment.log_table("t.csv", tabular_data=[[1, 2], [3, 4]], headers=["a", "b"]))
    row("14-log_curve", lambda: experiment.log_curve("roc", x=[0, 1], y=[0, 1], step=1))
    row("15-log_histogram_3d", lambda: experiment.log_histogram_3d([1, 2, 2, 3], name="h", step=1))
    row(
        "16-log_audio_video",
        lambda: [
            experiment.log_audio(_wav(), file_name="a.wav", metadata={"length": 1}, step=1),
            experiment.log_video(_file("v.mp4", b"not really"), name="v.mp4", step=1),
        ],
    )
    row("17-log_model", lambda: experiment.log_model("mymodel", str(FOLDER / "w.bin"), metadata={"m": 1}))
    row("18-set_model_graph", lambda: experiment.set_model_graph('{"nodes":[]}'))
    row("19-log_code", lambda: experiment.log_code(code="print(1)", code_name="c.py"))
    row(
        "21-log_points_3d",
        lambda: experiment.log_points_3d("scene", points=[[0, 0, 0], [1, 1, 1]], step=1),
    )
    row(
        "24-notebook_embedding",
        lambda: [
            experiment.log_notebook(_file("n.ipynb", b'{"cells": []}')),
            experiment.log_embedding([[1, 2], [3, 4]], labels=["one", "two"], title="space"),
        ],
    )


def _machine_and_models(experiment: Experiment, row: Any) -> None:
    row(
        "20-log_system_info",
        lambda: [
            experiment.log_system_info("cuda", "12"),
            experiment.log_dependency("lib", "1.0"),
            experiment.set_filename("foo.py"),
        ],
    )
    row(
        "22-register_model",
        lambda: [
            experiment.flush(),
            experiment.register_model(
                "mymodel",
                version="1.0.0",
                description="d",
                comment="c",
                tags=["tag"],
                status="Production",
                public=False,
            ),
        ],
    )
    row(
        "23-log_remote_model",
        lambda: experiment.log_remote_model("far", "s3://bucket/far.bin", sync_mode=False),
    )
    row("25-create_symlink", lambda: experiment.create_symlink("linked"))
    row(
        "26-send_notification",
        lambda: experiment.send_notification("title", status="ok", additional_data={"x": 1}),
    )


def _artifacts(experiment: Experiment, row: Any) -> None:
    folder = FOLDER / "artifact"

    def log() -> list[Any]:
        artifact = Artifact("art1", "dataset", version="1.2.0", aliases=["al"], metadata={"m": 1}, version_tags=["vt"])
        artifact.add(str(FOLDER / "a.txt"), logical_path="d/a.txt", metadata={"f": 1})
        artifact.add(str(FOLDER / "w.bin"), logical_path="mdl/w.bin")
        artifact.add_remote("http://127.0.0.1/remote.bin", logical_path="remote.bin", metadata={"far": True})
        logged = experiment.log_artifact(artifact)
        _wait_until_uploaded(experiment)
        return [logged.workspace, logged.name, str(logged.version), sorted(logged.aliases), logged.version_tags]

    def get() -> dict[str, Any]:
        logged = experiment.get_artifact("art1", version_or_alias="1.2.0")
        assets = sorted((a.logical_path, a.remote, a.size, a.metadata, a.link) for a in logged.assets)
        local = logged.download(str(folder), overwrite_strategy=True)
        one = logged.get_asset("d/a.txt").download(str(folder / "one"))
        logged.update_aliases(["x", "y"])
        logged.update_version_tags(["vt2"])
        logged.update_artifact_tags(["at"])
        producer = logged.get_source_experiment().key
        local.version = "1.3.0"
        local.version_tags = set()
        local.aliases = set()
        local.metadata = None
        again = experiment.log_artifact(local)
        _wait_until_uploaded(experiment)
        return {
            "assets": assets,
            "metadata": logged.metadata,
            "size": logged.size,
            "producer": producer,
            "a.txt": (folder / "d/a.txt").read_text(),
            "w.bin": list((folder / "mdl/w.bin").read_bytes()),
            "one": (folder / "one" / "a.txt").exists() or str(one.local_path_or_data),
            "again": str(again.version),
        }

    row("28-log_artifact", log)
    row("29-get_artifact", get)


def _joined(recorder: Recorder, key: str) -> None:
    row = recorder.row
    experiment = row("60-ExistingExperiment", lambda: comet_ml.ExistingExperiment(previous_experiment=key, **QUIET))
    assert experiment is not None

    def log_and_get() -> dict[str, Any]:
        experiment.set_step(9)
        experiment.log_metric("later", 0.1)
        experiment.log_other("o2", 4)
        experiment.log_parameter("p2", 3)
        return {
            "metric": experiment.get_metric("loss"),
            "parameter": experiment.get_parameter("lr"),
            "other": experiment.get_other("note"),
            "tags": sorted(experiment.get_tags()),
        }

    row("61-Existing.log get", log_and_get)
    row("62-Existing.end", experiment.end)
    copied = row(
        "63-step_copy",
        lambda: comet_ml.ExistingExperiment(previous_experiment=key, step_copy=1, **QUIET),
    )
    if copied is not None:
        row("63b-end", lambda: [copied.get_key(), copied.end()][:1])


def _started(recorder: Recorder) -> None:
    def start(mode: str, key: str | None) -> Any:
        config = comet_ml.ExperimentConfig(name="st", tags=["g"], **QUIET) if mode == "create" else None
        quiet = config or comet_ml.ExperimentConfig(**QUIET)
        return comet_ml.start(
            project_name="started", workspace=WORKSPACE, mode=mode, experiment_key=key, experiment_config=quiet
        )

    def run(name: str, mode: str, key: str | None) -> str:
        experiment = recorder.row(name, lambda: start(mode, key))
        if experiment is None:
            return ""
        number = name.partition("-")[0]
        recorder.row(f"{number}-key", lambda: [experiment.get_key(), type(experiment).__name__, experiment.alive])
        experiment.log_metric(f"by {number}", 1, step=1)
        recorder.row(f"{number}b-end", experiment.end)
        return str(experiment.get_key())

    key = run("64-comet_ml.start(create)", "create", None)
    run("65-comet_ml.start(get)", "get", key)
    run("66-comet_ml.start(get_or_create,existing)", "get_or_create", key)
    run("67-comet_ml.start(get_or_create,new)", "get_or_create", "k" * 32)


def main() -> None:
    """Plays all rows."""
    recorder = Recorder()
    key = _first(recorder)
    _joined(recorder, key)
    _started(recorder)
    recorder.finish()


if __name__ == "__main__":
    main()

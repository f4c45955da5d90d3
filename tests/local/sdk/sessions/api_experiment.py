"""One experiment over REST: every method of `APIExperiment` that writes or reads (rows 51 to 53)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comet_ml
from comet_ml import APIExperiment

from tests.local.sdk.sessions.recorder import FOLDER, QUIET, WORKSPACE, Recorder, png

PROJECT = "rest"
Rows = dict[str, Callable[[], Any]]


def _values(experiment: APIExperiment) -> Rows:
    return {
        "log_metric": lambda: experiment.log_metric("loss", 0.25, step=1, epoch=0, timestamp=1_795_228_406),
        "log_metrics": lambda: experiment.log_metrics({"a": {"b": 1}, "c": 2}, step=2),
        "log_metric_nan": lambda: experiment.log_metric("odd", float("nan"), step=3),
        "log_parameter": lambda: experiment.log_parameter("lr", 0.5, step=1),
        "log_parameters": lambda: experiment.log_parameters({"bs": 64, "n": {"x": 1}, "gone": 1}, nested_support=True),
        "log_other": lambda: experiment.log_other("k", "v"),
        "set_name": lambda: experiment.set_name("renamed"),
        "log_html": lambda: experiment.log_html("<b>1</b>"),
        "log_html_clear": lambda: experiment.log_html("<b>2</b>", clear=True),
        "add_tag": lambda: experiment.add_tag("best"),
        "add_tags": lambda: experiment.add_tags(["x", "y"]),
        "delete_tags": lambda: experiment.delete_tags(["y"]),
        "log_output": lambda: experiment.log_output("line1\nline2\n"),
        "set_code": lambda: experiment.set_code("print(1)"),
        "set_model_graph": lambda: experiment.set_model_graph('{"nodes":[]}'),
    }


def _system(experiment: APIExperiment) -> Rows:
    gpu = {"gpuIndex": 0, "name": "g", "uuid": "u", "totalMemory": 1, "powerLimit": 2}
    used = {"gpuId": 1, "freeMemory": 1, "usedMemory": 2, "gpuUtilization": 3, "totalMemory": 4}
    at: dict[str, Any] = {"context": "train", "step": 1, "epoch": 1, "timestamp": 123}
    return {
        "set_os_packages": lambda: experiment.set_os_packages(["a=1"]),
        "set_user": lambda: experiment.set_user("u"),
        "set_python_version": lambda: experiment.set_python_version("3.11"),
        "set_python_version_verbose": lambda: experiment.set_python_version_verbose("3.11 v"),
        "set_pid": lambda: experiment.set_pid(12),
        "set_os_type": lambda: experiment.set_os_type("Linux"),
        "set_os": lambda: experiment.set_os("Linux-5"),
        "set_os_release": lambda: experiment.set_os_release("5.1"),
        "set_ip": lambda: experiment.set_ip("10.0.0.1"),
        "set_hostname": lambda: experiment.set_hostname("h"),
        "set_gpu_static_info": lambda: experiment.set_gpu_static_info([gpu]),
        "log_additional_system_info": lambda: experiment.log_additional_system_info("k", "v"),
        "set_network_interface_ips": lambda: experiment.set_network_interface_ips(["127.0.0.1"]),
        "set_command": lambda: experiment.set_command(["s.py", "a"]),
        "set_executable": lambda: experiment.set_executable("/usr/bin/python"),
        "set_filename": lambda: experiment.set_filename("/a/f.py"),
        "set_installed_packages": lambda: experiment.set_installed_packages(["p==1"]),
        "set_machine": lambda: experiment.set_machine("x86"),
        "set_processor": lambda: experiment.set_processor("x86_64"),
        "log_ram_metrics": lambda: experiment.log_ram_metrics(1024, 12, **at),
        "log_gpu_metrics": lambda: experiment.log_gpu_metrics([used]),
        "log_cpu_metrics": lambda: experiment.log_cpu_metrics([1, 2], **at),
        "log_load_metrics": lambda: experiment.log_load_metrics(1.5, **at),
        "set_start_time": lambda: experiment.set_start_time(1_500_000_000_000),
        "set_end_time": lambda: [experiment.set_end_time(1_500_000_001_000), experiment.get_metadata()][1],
        "update_status": experiment.update_status,
        "set_git_metadata": lambda: experiment.set_git_metadata(user="u", root="r", branch="b", parent="p", origin="o"),
        "set_git_patch": lambda: experiment.set_git_patch("--- a\n+++ b\n"),
    }


def _files(experiment: APIExperiment) -> Rows:
    note = FOLDER / "n.txt"
    note.write_text("hello world")
    film = FOLDER / "v.mp4"
    film.write_bytes(b"a film")
    table = [[1, 2], [3, 4]]
    return {
        "log_asset": lambda: experiment.log_asset(
            str(note), step=1, name="n.txt", overwrite=True, context="train", metadata={"a": 1}
        ),
        "log_image": lambda: experiment.log_image(png("red.png"), image_name="red", step=2),
        "log_curve": lambda: experiment.log_curve("c", x=[1, 2], y=[3, 4], step=1),
        "log_table": lambda: experiment.log_table("t.csv", table, headers=["a", "b"]),
        "log_video": lambda: experiment.log_video(str(film), name="v.mp4"),
    }


def _readings(experiment: APIExperiment) -> Rows:
    def asset(name: str) -> Any:
        return next(a["assetId"] for a in experiment.get_asset_list() if a["fileName"] == name)

    return {
        "get_metadata": experiment.get_metadata,
        "get_name": experiment.get_name,
        "get_html": experiment.get_html,
        "get_code": experiment.get_code,
        "get_output": experiment.get_output,
        "get_system_details": experiment.get_system_details,
        "get_model_graph": experiment.get_model_graph,
        "get_tags": experiment.get_tags,
        "get_parameters_summary": experiment.get_parameters_summary,
        "get_metrics_summary": experiment.get_metrics_summary,
        "get_metrics": experiment.get_metrics,
        "get_metrics_named": lambda: experiment.get_metrics("loss"),
        "get_metric_total_df": lambda: _total(experiment),
        "get_asset_list": experiment.get_asset_list,
        "get_asset": lambda: experiment.get_asset(asset("n.txt"), return_type="text"),
        # The SDK itself says of this method, and of `get_model_data`, that it is old.
        "get_asset_by_name": lambda: experiment.get_asset_by_name("n.txt", return_type="text"),
        "get_assets_by_name": lambda: experiment.get_assets_by_name("n.txt", return_type="text"),
        "get_curves": experiment.get_curves,
        "get_git_patch": lambda: experiment.get_git_patch()[:2].decode(),
        "get_git_metadata": experiment.get_git_metadata,
        "set_state": lambda: experiment.set_state("crashed"),
        "get_state": experiment.get_state,
        "get_artifact_lineage": experiment.get_artifact_lineage,
        "to_json_full": lambda: experiment.to_json(full=True),
        "create_symlink": lambda: experiment.create_symlink("linked"),
        "archive": experiment.archive,
        "delete_parameter": lambda: experiment.delete_parameter("lr"),
        "delete_parameters": lambda: experiment.delete_parameters(["bs", "gone"]),
        "delete_asset": lambda: experiment.delete_asset(asset("n.txt")),
        "get_views": experiment.get_views,
    }


def _total(experiment: APIExperiment) -> Any:
    frame = experiment.get_metric_total_df("loss")
    return None if frame is None else frame.to_dict("list")


def _models(recorder: Recorder) -> None:
    live = comet_ml.Experiment(project_name=PROJECT, **QUIET)
    weights = FOLDER / "w.bin"
    weights.write_bytes(bytes(range(64)))
    live.log_model("mymodel", str(weights))
    live.end()
    experiment = recorder.row(
        "53-APIExperiment-previous", lambda: APIExperiment(previous_experiment=live.get_key(), cache=False)
    )
    if experiment is None:
        return
    rows: Rows = {
        "key": lambda: experiment.key,
        "get_model_names": experiment.get_model_names,
        "get_model_asset_list": lambda: experiment.get_model_asset_list("mymodel"),
        "get_model_data": lambda: experiment.get_model_data("mymodel"),
        "download_model": lambda: _downloaded(experiment),
        "register_model": lambda: experiment.register_model(
            "mymodel", version="2.0.0", registry_name="byrest", tags=["a"], status="QA",
            metadata={"x": 1},
        ),
    }  # fmt: skip
    for name, call in rows.items():
        recorder.row(f"53-APIExperiment.{name}", call)


def _downloaded(experiment: APIExperiment) -> list[int]:
    experiment.download_model("mymodel", output_path=str(FOLDER / "model"))
    return list((FOLDER / "model" / "w.bin").read_bytes())


def main() -> None:
    """Plays all rows."""
    recorder = Recorder()
    recorder.row("50-API()", lambda: str(comet_ml.API()))
    experiment = recorder.row(
        "51-APIExperiment-create",
        lambda: APIExperiment(workspace=WORKSPACE, project_name=PROJECT, experiment_name="api exp", cache=False),
    )
    assert experiment is not None
    recorder.row("51-key", lambda: [experiment.key, experiment.url, experiment.name])
    for rows in (_values, _system, _files, _readings):
        for name, call in rows(experiment).items():
            recorder.row(f"52-APIExperiment.{name}", call)
    _models(recorder)
    recorder.finish()


if __name__ == "__main__":
    main()

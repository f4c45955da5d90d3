"""A workspace over REST: every method of `API` and of the registry's `Model` (rows 54 to 58)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import comet_ml
from comet_ml.query import Metadata, Metric, Other, Parameter, Tag

from tests.local.sdk.sessions.recorder import FOLDER, QUIET, WORKSPACE, Recorder

PROJECT = "listed"
Rows = dict[str, Callable[[], Any]]


def _seed() -> str:
    """The key of an experiment with values, a model in two registered versions, and an artifact."""
    experiment = comet_ml.Experiment(project_name=PROJECT, **QUIET)
    experiment.set_name("first")
    experiment.add_tag("t1")
    experiment.log_parameters({"lr": 0.1, "opt": "adam"})
    experiment.log_other("note", "hi")
    for step in range(10):
        experiment.log_metric("loss", 1 / (step + 1), step=step)
    weights = FOLDER / "w.bin"
    weights.write_bytes(bytes(range(64)))
    experiment.log_model("mymodel", str(weights))
    artifact = comet_ml.Artifact("art2", "dataset", version="1.2.0", aliases=["latest"])
    artifact.add(str(weights), logical_path="w.bin")
    experiment.log_artifact(artifact)
    experiment.flush()
    experiment.register_model("mymodel", version="1.0.0", tags=["tag"], status="Production")
    experiment.register_model("mymodel", version="1.1.0")
    experiment.end()
    return str(experiment.get_key())


def _finding(api: comet_ml.API, key: str) -> Rows:
    def keys(found: Any) -> Any:
        return sorted(experiment.id for experiment in found)

    return {
        "54-API.get()": lambda: api.get(),
        "54-API.get(ws)": lambda: api.get(WORKSPACE),
        "54-API.get(ws,proj)": lambda: keys(api.get(WORKSPACE, PROJECT)),
        "54-API.get(ws/proj/name)": lambda: api.get(f"{WORKSPACE}/{PROJECT}/first").id,
        "54-API.get(ws,proj,key)": lambda: api.get(WORKSPACE, PROJECT, key).id,
        "54-API.get_workspaces": api.get_workspaces,
        "54-API.get_projects": lambda: api.get_projects(WORKSPACE),
        "54-API.get_project": lambda: api.get_project(WORKSPACE, PROJECT),
        "54-API.get_project_missing": lambda: api.get_project(WORKSPACE, "nope"),
        "54-API.get_project_by_id": lambda: api.get_project_by_id(_project(api)),
        "54-API.set_project_notes": lambda: api.set_project_notes(WORKSPACE, PROJECT, "N"),
        "54-API.get_project_notes": lambda: api.get_project_notes(WORKSPACE, PROJECT),
        "54-API.get_experiment": lambda: api.get_experiment(WORKSPACE, PROJECT, key).id,
        "54-API.get_experiment_by_key": lambda: api.get_experiment_by_key(key).id,
        "54-API.get_experiment_by_key_missing": lambda: api.get_experiment_by_key("0" * 32),
        "54-API.get_experiments": lambda: keys(api.get_experiments(WORKSPACE)),
        "54-API.get_experiments_pattern": lambda: keys(api.get_experiments(WORKSPACE, PROJECT, pattern="fir.*")),
        "54-API.get_experiments_paged": lambda: keys(
            api.get_experiments(WORKSPACE, PROJECT, page=1, page_size=10, sort_by="startTime", sort_order="desc")
        ),
        "54-API.get_archived_experiments": lambda: keys(api.get_archived_experiments(WORKSPACE, PROJECT)),
        "54-API.get_query_variables": lambda: sorted(map(str, api.get_query_variables(WORKSPACE, PROJECT))),
        "54-API.get_metrics_for_chart": lambda: api.get_metrics_for_chart([key], ["loss"], ["lr"]),
        "54-API.get_metrics_df": lambda: api.get_metrics_df([key], ["loss"])["loss"].tolist(),
        "54-API.get_account_details": api.get_account_details,
        "54-API.get_default_workspace": api.get_default_workspace,
        "54-API.get_panel_experiment_keys": lambda: _panel(api),
        "54-API.get_views": lambda: api.get_views(WORKSPACE, PROJECT),
    }


def _panel(api: comet_ml.API) -> Any:
    os.environ["COMET_PROJECT_NAME"] = PROJECT
    return [api.get_panel_experiment_keys(), api.get_panel_metrics_names(), api.get_panel_project_id()]


def _project(api: comet_ml.API) -> str:
    return str(api.get_project(WORKSPACE, PROJECT)["projectId"])


def _searching(api: comet_ml.API) -> Rows:
    conditions = {
        "and": (Metric("loss") < 0.2) & (Parameter("opt") == "adam"),
        "or": (Metric("loss") > 5) | Tag("t1"),
        "not": ~(Metric("loss") > 5),
        "between": Metric("loss").between(0.05, 0.2),
        "other": Other("note").startswith("h"),
        "metadata": Metadata("start_server_timestamp") > _long_ago(),
        "none": (Metric("loss") > 5) & (Parameter("opt") == "adam"),
    }
    rows: Rows = {}
    for name, condition in conditions.items():
        rows[f"57-API.query_{name}"] = lambda c=condition: [e.id for e in api.query(WORKSPACE, PROJECT, c)]
        rows[f"58-API.search_{name}"] = lambda c=condition: [e.id for e in api.search(WORKSPACE, PROJECT, c)]
    return rows


def _long_ago() -> Any:
    from datetime import datetime

    return datetime(2020, 1, 2, 3, 4, 5)


def _managing(api: comet_ml.API, key: str) -> Rows:
    spare = comet_ml.APIExperiment(workspace=WORKSPACE, project_name=PROJECT, cache=False).id

    def share() -> Any:
        made = api.create_project_share_key(_project(api))
        listed = api.get_project_share_keys(_project(api))
        return [made, listed]

    return {
        "54-API.create_project": lambda: api.create_project(WORKSPACE, "pnew", "desc", public=True),
        "54-API.update_project": lambda: api.update_project(
            WORKSPACE, "pnew", new_project_name="pnew2", description="d2", public=False
        ),
        "54-API.update_project_by_id": lambda: api.update_project_by_id(
            api.get_project(WORKSPACE, "pnew2")["projectId"], description="d3"
        ),
        "54-API.set_project_owner": lambda: api.set_project_owner(_project(api), "bob"),
        "54-API.create_project_share_key": share,
        "54-API.delete_project_share_key": lambda: api.delete_project_share_key(
            _project(api), api.get_project_share_keys(_project(api))[0]
        ),
        "54-API.get_project_share_keys": lambda: api.get_project_share_keys(_project(api)),
        "54-API.move_experiments": lambda: api.move_experiments([spare], WORKSPACE, "pnew2"),
        "54-API.stop_experiment": lambda: api.stop_experiment(spare),
        "54-API.archive_experiment": lambda: api.archive_experiment(spare),
        "54-API.archived": lambda: api.get_experiment_by_key(spare).archived,
        "54-API.restore_experiment": lambda: api.restore_experiment(spare),
        "54-API.restored": lambda: [
            api.get_experiment_by_key(spare).archived, api.get_experiment_by_key(spare).project_name,
        ],
        "54-API.delete_experiment": lambda: api.delete_experiment(spare),
        "54-API.deleted": lambda: api.get_experiment_by_key(spare),
        "54-API.delete_project": lambda: api.delete_project(WORKSPACE, "pnew2", delete_experiments=True),
        "54-API.deleted_project": lambda: api.get_project(WORKSPACE, "pnew2"),
    }  # fmt: skip


def _artifacts(api: comet_ml.API, key: str) -> Rows:
    def asset() -> str:
        return str(api.get_experiment_by_key(key).get_model_asset_list("mymodel")[0]["assetId"])

    def downloaded() -> list[int]:
        api.download_experiment_asset(key, asset(), str(FOLDER / "downloaded.bin"))
        return list((FOLDER / "downloaded.bin").read_bytes())

    return {
        "54-API.get_artifact_list": lambda: api.get_artifact_list(WORKSPACE),
        "54-API.get_artifact_details": lambda: api.get_artifact_details(WORKSPACE, "art2"),
        "54-API.get_artifact_files": lambda: api.get_artifact_files(WORKSPACE, "art2", version="1.2.0"),
        "54-API.get_artifact": lambda: str(api.get_artifact(WORKSPACE, "art2", version="1.2.0").version),
        "54-API.download_experiment_asset": downloaded,
    }


def _registry(api: comet_ml.API) -> Rows:
    def download() -> list[int]:
        api.download_registry_model(WORKSPACE, "mymodel", "1.0.0", output_path=str(FOLDER / "registered"))
        return list((FOLDER / "registered" / "w.bin").read_bytes())

    return {
        "54-API.get_registry_model_names": lambda: api.get_registry_model_names(WORKSPACE),
        "54-API.get_registry_model_count": lambda: api.get_registry_model_count(WORKSPACE),
        "54-API.get_registry_model_details": lambda: api.get_registry_model_details(WORKSPACE, "mymodel"),
        "54-API.get_registry_model_versions": lambda: api.get_registry_model_versions(WORKSPACE, "mymodel"),
        "54-API.update_registry_model_notes": lambda: api.update_registry_model_notes(WORKSPACE, "mymodel", "N"),
        "54-API.get_registry_model_notes": lambda: api.get_registry_model_notes(WORKSPACE, "mymodel"),
        "54-API.download_registry_model": download,
        "54-API.get_model_registry_version_assets": lambda: api.get_model_registry_version_assets(
            WORKSPACE, "mymodel", "1.0.0"
        ),
        "54-API.get_latest_registry_model_version_details": lambda: api.get_latest_registry_model_version_details(
            WORKSPACE, "mymodel"
        ),
        "54-API.model_registry_allowed_status_values": lambda: api.model_registry_allowed_status_values(WORKSPACE),
        "54-API.update_registry_model": lambda: api.update_registry_model(WORKSPACE, "mymodel", description="D"),
        "54-API.update_registry_model_version": lambda: api.update_registry_model_version(
            WORKSPACE, "mymodel", "1.0.0", comment="C", stages=["s"]
        ),
        "54-API.add_registry_model_version_stage": lambda: api.add_registry_model_version_stage(
            WORKSPACE, "mymodel", "1.0.0", "st"
        ),
        "54-API.delete_registry_model_version_stage": lambda: api.delete_registry_model_version_stage(
            WORKSPACE, "mymodel", "1.0.0", "st"
        ),
        "54-API.updated": lambda: api.get_registry_model_details(WORKSPACE, "mymodel"),
    }


def _model(recorder: Recorder, api: comet_ml.API) -> None:
    model = recorder.row("55-API.get_model", lambda: api.get_model(WORKSPACE, "mymodel"))
    if model is None:
        return

    def download() -> list[int]:
        model.download("1.0.0", str(FOLDER / "model"))
        return list((FOLDER / "model" / "w.bin").read_bytes())

    rows: Rows = {
        "find_versions": lambda: model.find_versions(version_prefix="1"),
        "get_details": lambda: model.get_details("1.0.0"),
        "add_tag": lambda: model.add_tag("1.0.0", "nt"),
        "tags": lambda: model.tags("1.0.0"),
        "delete_tag": lambda: model.delete_tag("1.0.0", "nt"),
        "tags_left": lambda: model.tags("1.0.0"),
        "set_status": lambda: model.set_status("1.0.0", "QA"),
        "status": lambda: model.status("1.0.0"),
        "get_version_history": lambda: model.get_version_history("1.0.0"),
        "get_assets": lambda: model.get_assets("1.0.0"),
        "download": download,
        "update_metadata": lambda: model.update_registry_model_metadata({"a": {"b": 1}}, version="1.0.0").status_code,
        "get_metadata": lambda: model.get_registry_model_metadata("1.0.0"),
        "get_status_configuration": lambda: model.get_registry_model_status_configuration("1.0.0"),
    }
    for name, call in rows.items():
        recorder.row(f"55-Model.{name}", call)


def main() -> None:
    """Plays all rows."""
    recorder = Recorder()
    key = str(recorder.row("50-seed", _seed))
    api = comet_ml.API(cache=False)
    groups = [_finding(api, key), _searching(api), _managing(api, key), _artifacts(api, key), _registry(api)]
    for rows in groups:
        for name, call in rows.items():
            recorder.row(name, call)
    _model(recorder, api)
    recorder.row(
        "56-API.delete_registry_model_version",
        lambda: api.delete_registry_model_version(WORKSPACE, "mymodel", "1.1.0"),
    )
    recorder.row("56-versions", lambda: api.get_registry_model_versions(WORKSPACE, "mymodel"))
    recorder.row("56-API.delete_registry_model", lambda: api.delete_registry_model(WORKSPACE, "mymodel"))
    recorder.row("56-names", lambda: api.get_registry_model_names(WORKSPACE))
    recorder.finish()


if __name__ == "__main__":
    main()

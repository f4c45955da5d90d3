"""What the official SDK's `API` and `Model` read is what stands there (rows 54 to 58); it complains of nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.sdk.conftest import Session, assert_clean

WEIGHTS = list(range(64))
LOSS = [1 / (step + 1) for step in range(10)]
OK = {"msg": "OK", "code": 200, "data": None, "sdk_error_code": 0}
DONE = "<Response [200]>"


@pytest.fixture(scope="module")
def session(play: Callable[[str], Session]) -> Session:
    return play("api")


@pytest.fixture(scope="module")
def key(session: Session) -> str:
    return str(session.value("50-seed"))


@pytest.fixture(scope="module")
def model(session: Session) -> Any:
    """The registered model as it was read after all changes to it."""
    return session.value("54-API.updated")


def api(row: str) -> str:
    return f"54-API.{row}"


def test_the_sdk_complains_of_nothing(session: Session) -> None:
    assert_clean(session)


@pytest.mark.parametrize(
    "row",
    [
        "get(ws,proj)", "get_experiments", "get_experiments_paged",
    ],
)  # fmt: skip
def test_experiments_are_listed(session: Session, key: str, row: str) -> None:
    found = session.value(api(row))
    assert key in found
    assert len(found) == 2


@pytest.mark.parametrize("row", ["get(ws/proj/name)", "get(ws,proj,key)", "get_experiment", "get_experiment_by_key"])
def test_an_experiment_is_found(session: Session, key: str, row: str) -> None:
    assert session.value(api(row)) == key


@pytest.mark.parametrize("row", ["get_experiment_by_key_missing", "get_project_missing", "deleted", "deleted_project"])
def test_what_is_not_there_is_none(session: Session, row: str) -> None:
    assert session.value(api(row)) is None


@pytest.mark.parametrize("row", ["get()", "get_workspaces"])
def test_workspaces(session: Session, row: str) -> None:
    assert "sdk" in session.value(api(row))


@pytest.mark.parametrize("row", ["get(ws)", "get_projects"])
def test_projects(session: Session, row: str) -> None:
    assert "listed" in session.value(api(row))


@pytest.mark.parametrize("row", ["get_project", "get_project_by_id"])
def test_a_project(session: Session, row: str) -> None:
    project = session.value(api(row))
    stands = session.server.get("project", workspaceName="sdk", projectName="listed")
    assert (project["projectId"], project["projectName"]) == (stands["projectId"], "listed")
    assert project["numberOfExperiments"] == 2


def test_project_notes(session: Session) -> None:
    assert session.value(api("set_project_notes")) == OK
    assert session.value(api("get_project_notes")) == "N"


def test_get_experiments_pattern(session: Session, key: str) -> None:
    assert session.value(api("get_experiments_pattern")) == [key]


def test_get_archived_experiments(session: Session) -> None:
    assert session.value(api("get_archived_experiments")) == []


def test_get_query_variables(session: Session) -> None:
    seen = set(session.value(api("get_query_variables")))
    assert {"Metric('loss')", "Parameter('lr')", "Other('note')", "Tag('t1')", "Metadata('duration')"} <= seen


def test_get_metrics_for_chart(session: Session, key: str) -> None:
    (chart,) = session.value(api("get_metrics_for_chart"))[key]["metrics"]
    assert (chart["metricName"], chart["values"], chart["steps"]) == ("loss", LOSS, list(range(10)))


def test_get_metrics_df(session: Session) -> None:
    assert session.value(api("get_metrics_df")) == LOSS


def test_account(session: Session) -> None:
    account = session.server.get("account-details")
    assert session.value(api("get_account_details")) == account
    assert session.value(api("get_default_workspace")) == account["defaultWorkspaceName"]


def test_panels(session: Session, key: str) -> None:
    keys, metrics, project = session.value(api("get_panel_experiment_keys"))
    assert key in keys
    assert "loss" in metrics
    assert project == session.value(api("get_project"))["projectId"]


def test_get_views(session: Session) -> None:
    assert session.value(api("get_views")) == []


@pytest.mark.parametrize("name", ["and", "or", "not", "between", "other", "metadata", "none"])
@pytest.mark.parametrize("row", ["57-API.query", "58-API.search"])
def test_conditions_find(session: Session, key: str, row: str, name: str) -> None:
    found = session.value(f"{row}_{name}")
    assert (key in found) is (name != "none")
    # The other experiment of the project has no value at all.
    assert len(found) == {"none": 0, "metadata": 2}.get(name, 1)


def test_projects_are_made_and_changed(session: Session) -> None:
    made = session.value(api("create_project"))
    assert (made["projectName"], made["projectDescription"], made["public"]) == ("pnew", "desc", True)
    for row in ("update_project", "update_project_by_id", "set_project_owner"):
        assert session.value(api(row)) == OK


def test_share_keys(session: Session) -> None:
    made, listed = session.value(api("create_project_share_key"))
    assert listed == [made]
    assert session.value(api("delete_project_share_key")) == OK
    assert session.value(api("get_project_share_keys")) == []


def test_experiments_are_moved_archived_restored_and_deleted(session: Session) -> None:
    assert session.value(api("move_experiments")) == DONE
    for row in ("stop_experiment", "archive_experiment", "restore_experiment", "delete_experiment"):
        assert session.value(api(row)) == OK
    assert session.value(api("archived")) is True
    assert session.value(api("restored")) == [False, "pnew2"]


def test_delete_project(session: Session) -> None:
    assert session.value(api("delete_project")) == DONE
    assert "pnew2" not in {p["projectName"] for p in session.server.get("projects", workspaceName="sdk")["projects"]}


def test_artifacts(session: Session, key: str) -> None:
    assert "art2" in {artifact["name"] for artifact in session.value(api("get_artifact_list"))["artifacts"]}
    details = session.value(api("get_artifact_details"))
    assert (details["name"], details["latestVersion"], details["sizeInBytes"]) == ("art2", "1.2.0", 64)
    (version,) = details["versions"]
    assert (version["version"], version["state"], version["experimentKey"]) == ("1.2.0", "CLOSED", key)
    (file,) = session.value(api("get_artifact_files"))["files"]
    assert (file["fileName"], file["fileSize"], file["remote"]) == ("w.bin", 64, False)
    assert session.value(api("get_artifact")) == "1.2.0"


@pytest.mark.parametrize(
    "row", ["54-API.download_experiment_asset", "54-API.download_registry_model", "55-Model.download"]
)
def test_files_are_downloaded(session: Session, row: str) -> None:
    assert session.value(row) == WEIGHTS


def test_registered_models_are_listed(session: Session) -> None:
    names = session.value(api("get_registry_model_names"))
    assert "mymodel" in names
    assert session.value(api("get_registry_model_count")) == len(names)
    assert session.value(api("get_registry_model_versions")) == ["1.1.0", "1.0.0"]
    details = session.value(api("get_registry_model_details"))
    assert (details["modelName"], details["isPublic"], len(details["versions"])) == ("mymodel", False, 2)
    assert session.value(api("get_latest_registry_model_version_details"))["version"] == "1.1.0"


def test_registry_notes(session: Session) -> None:
    assert session.value(api("update_registry_model_notes")) == DONE
    assert session.value(api("get_registry_model_notes")) == "N"


def test_assets_of_registered_models(session: Session) -> None:
    (asset,) = session.value(api("get_model_registry_version_assets"))["assets"]
    assert (asset["fileName"], asset["fileSize"], asset["type"]) == ("w.bin", 64, "model-element")
    assert [asset["assetId"]] == [found["assetId"] for found in session.value("55-Model.get_assets")]


def test_statuses_that_may_be_set(session: Session) -> None:
    assert {"QA", "Production"} <= set(session.value(api("model_registry_allowed_status_values")))


@pytest.mark.parametrize(
    "row",
    [
        "update_registry_model", "update_registry_model_version", "add_registry_model_version_stage",
        "delete_registry_model_version_stage",
    ],
)  # fmt: skip
def test_registered_models_are_changed(session: Session, model: Any, row: str) -> None:
    assert session.value(api(row)) == DONE
    (version,) = [version for version in model["versions"] if version["version"] == "1.0.0"]
    assert (model["description"], version["comment"], version["stages"]) == ("D", "C", ["s"])


def test_a_version_of_a_model(session: Session, key: str) -> None:
    assert session.value("55-API.get_model") == "Model('sdk', 'mymodel')"
    assert session.value("55-Model.find_versions") == ["1.1.0", "1.0.0"]
    details = session.value("55-Model.get_details")
    assert (details["version"], details["experimentModel"]["experimentKey"]) == ("1.0.0", key)


def test_tags_and_status_of_a_version(session: Session) -> None:
    for row in ("add_tag", "delete_tag", "set_status"):
        session.value(f"55-Model.{row}")
    assert session.value("55-Model.tags") == ["s", "nt"]
    assert session.value("55-Model.tags_left") == ["s"]
    assert session.value("55-Model.status") == "QA"


def test_the_history_of_a_version(session: Session) -> None:
    (day,) = session.value("55-Model.get_version_history").values()
    status, *_ = [change for change in day if change["newValue"].get("registryModelStatus") == "QA"]
    assert status["previousValue"]["registryModelStatus"] == "Production"
    assert (status["registryModelName"], status["registryModelItemVersion"]) == ("mymodel", "1.0.0")


def test_metadata_of_a_version(session: Session) -> None:
    assert session.value("55-Model.update_metadata") == 200
    assert session.value("55-Model.get_metadata") == [{"key": "a", "value": {"b": 1}}]
    assert session.value("55-Model.get_status_configuration") is None


def test_registered_models_are_deleted(session: Session) -> None:
    assert session.value("56-API.delete_registry_model_version") == DONE
    assert session.value("56-versions") == ["1.0.0"]
    assert session.value("56-API.delete_registry_model") == DONE
    assert "mymodel" not in session.value("56-names")

"""Workspaces and projects over the wire, and back."""

from __future__ import annotations

import uuid
from typing import Any

from tests.fixtures.local_server import LocalServer, begin


def test_the_one_user_and_the_workspaces(local_server: LocalServer) -> None:
    begin(local_server, teamName="team-a")
    details = local_server.get("account-details")
    assert details == {"userName": "local", "defaultWorkspaceName": "local"}
    assert {"local", "team-a"} <= set(local_server.get("workspaces")["workspaceNames"])


def test_a_project_is_made_once_and_found_by_name_and_id(local_server: LocalServer) -> None:
    name = f"project-{uuid.uuid4().hex}"
    made = local_server.post(
        "write/project/create", workspaceName="ws", projectName=name, projectDescription="d", isPublic=False
    )
    assert (made["projectName"], made["projectDescription"], made["numberOfExperiments"]) == (name, "d", 0)
    assert local_server.get("project", projectId=made["projectId"]) == made
    assert local_server.get("project", workspaceName="ws", projectName=name) == made
    assert made in local_server.get("projects", workspaceName="ws")["projects"]
    body = {"workspaceName": "ws", "projectName": name}
    assert local_server.call("POST", "api/rest/v2/write/project/create", json=body).status_code == 400


def test_a_project_counts_its_experiments(local_server: LocalServer) -> None:
    name = f"project-{uuid.uuid4().hex}"
    first, _ = (begin(local_server, projectName=name) for _ in range(2))
    local_server.get("write/experiment/archive", experimentKey=first)
    assert local_server.get("project", workspaceName="ws", projectName=name)["numberOfExperiments"] == 1


def test_an_unknown_workspace_is_404_and_names_those_that_are_there(local_server: LocalServer) -> None:
    answer = local_server.call("GET", "api/rest/v2/projects", params={"workspaceName": "nobodys"})
    assert answer.status_code == 404
    assert "'nobodys'" in answer.json()["msg"]
    assert "'local'" in answer.json()["msg"]


def test_a_workspace_stays_when_its_last_project_goes(local_server: LocalServer) -> None:
    workspace = uuid.uuid4().hex
    made = local_server.post("write/project/create", workspaceName=workspace, projectName="only")
    local_server.post("write/project/delete", projectId=made["projectId"], deleteAllExperiments=True)
    assert local_server.get("projects", workspaceName=workspace)["projects"] == []


def test_an_unknown_project_is_404(local_server: LocalServer) -> None:
    for query in ({"projectId": "0" * 32}, {"workspaceName": "ws", "projectName": "none"}):
        answer = local_server.call("GET", "api/rest/v2/project", params=query)
        assert (answer.status_code, answer.json()["code"]) == (404, 404)


def test_column_names_are_built_in_and_logged_ones(local_server: LocalServer) -> None:
    name = f"project-{uuid.uuid4().hex}"
    for _ in range(2):
        key = begin(local_server, projectName=name)
        local_server.post("write/experiment/metric", experimentKey=key, metricName="loss", metricValue=1)
        local_server.post("write/experiment/parameter", experimentKey=key, parameterName="lr", parameterValue=1)
        local_server.post("write/experiment/log-other", experimentKey=key, key="Name", value="n")
        local_server.post("write/experiment/tags", experimentKey=key, addedTags=["t"])
    columns = local_server.get("project/column-names", workspaceName="ws", projectName=name)["columns"]
    ids = [column["id"] for column in columns]
    assert len(ids) == len(set(ids))
    assert {"loss--metrics", "lr--params", "Name--log_other", "t--tag", "duration--metadata"} <= set(ids)
    assert {"name": "loss", "id": "loss--metrics", "type": "double", "source": "metrics"} in columns
    archived = local_server.get("project/column-names", workspaceName="ws", projectName=name, archived="TRUE")
    assert "loss--metrics" not in [column["id"] for column in archived["columns"]]


def new_project(server: LocalServer, **more: object) -> dict[str, Any]:
    name = f"project-{uuid.uuid4().hex}"
    return server.post("write/project/create", workspaceName="ws", projectName=name, **more)


def test_a_project_is_changed_by_id_or_by_name(local_server: LocalServer) -> None:
    made = new_project(local_server, projectDescription="d", isPublic="TRUE")
    project_id, renamed = made["projectId"], f"project-{uuid.uuid4().hex}"
    by_name = {"workspaceName": "ws", "projectName": made["projectName"]}
    local_server.post("write/project/update", **by_name, newProjectName=renamed, isPublic=False)
    expected = {"projectName": renamed, "projectDescription": "d", "public": False}
    assert expected.items() <= local_server.get("project", projectId=project_id).items()
    local_server.post("write/project/update", projectId=project_id, newProjectDescription="")
    local_server.post("write/project/update-owner", projectId=project_id, userName="bob")
    expected = {"projectName": renamed, "projectDescription": "", "public": False, "ownerUserName": "bob"}
    assert expected.items() <= local_server.get("project", projectId=project_id).items()


def test_a_new_name_has_to_be_free_and_good(local_server: LocalServer) -> None:
    first, second = new_project(local_server), new_project(local_server)
    for name in (second["projectName"], "a/b", "p" * 251, 3):
        body = {"projectId": first["projectId"], "newProjectName": name, "newProjectDescription": "new"}
        answer = local_server.call("POST", "api/rest/v2/write/project/update", json=body)
        assert answer.status_code == 400
    local_server.post(
        "write/project/update", projectId=first["projectId"], newProjectName=first["projectName"], isPublic=None
    )
    found = local_server.get("project", projectId=first["projectId"])
    assert (found["projectName"], found["projectDescription"]) == (first["projectName"], "")


def test_notes_are_kept_as_they_are(local_server: LocalServer) -> None:
    project = {"projectId": new_project(local_server)["projectId"]}
    assert local_server.get("project/notes", **project) == {"notes": ""}
    for notes in ("# Notes\n<script>", ""):
        local_server.post("write/project/notes", **project, notes=notes)
        assert local_server.get("project/notes", **project) == {"notes": notes}


def test_comets_address_of_a_project_leads_to_its_page(local_server: LocalServer) -> None:
    made = new_project(local_server)
    query = {"projectId": made["projectId"]}
    answer = local_server.call("GET", "api/projects/redirect", params=query, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/ws/{made['projectName']}/")
    assert local_server.call("GET", "api/projects/redirect", params=query).status_code == 200


def test_a_project_is_deleted_with_its_experiments_or_not_at_all(local_server: LocalServer) -> None:
    name = f"p{uuid.uuid4().hex}"
    where = {"workspaceName": "ws", "projectName": name}
    key = local_server.post("write/experiment/create", **where)["experimentKey"]
    local_server.get("write/experiment/archive", experimentKey=key)
    refused = local_server.call("POST", "api/rest/v2/write/project/delete", json=where)
    assert refused.status_code == 400
    assert "deleteAllExperiments" in refused.json()["msg"]
    assert local_server.get("experiment/metadata", experimentKey=key)["archived"]
    project_id = local_server.get("project", **where)["projectId"]
    answer = local_server.post("write/project/delete", projectId=project_id, deleteAllExperiments=True)
    assert (answer["code"], answer["sdk_error_code"]) == (200, 0)
    for path, query in (("project", where), ("experiment/metadata", {"experimentKey": key})):
        assert local_server.call("GET", f"api/rest/v2/{path}", params=query).status_code == 404

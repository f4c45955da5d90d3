"""What a local Comet does not have: answered so that clients go on, or refused in so many words."""

from __future__ import annotations

import pytest

from tests.fixtures.local_server import LocalServer


def project_of(server: LocalServer, key: str) -> str:
    project_id = server.get("experiment/metadata", experimentKey=key)["projectId"]
    assert isinstance(project_id, str)
    return project_id


@pytest.mark.parametrize("path", ["views/get-all", "views/chart-templates"])
def test_there_are_no_views(local_server: LocalServer, key: str, path: str) -> None:
    query = {"projectId": project_of(local_server, key), "experimentKey": key, "includeWorkspaceViews": "true"}
    assert local_server.get(path, **query) == {"views": []}
    answer = local_server.call("GET", f"api/rest/v2/{path}", params={"projectId": "none"})
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["write/views/upsert", "write/chart-templates/upsert"])
def test_a_view_is_not_taken_and_lost(local_server: LocalServer, key: str, path: str) -> None:
    body = {"projectId": project_of(local_server, key), "templateName": "mine"}
    answer = local_server.call("POST", f"api/rest/v2/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (501, 501)
    assert "views" in answer.json()["msg"]


def test_functions_are_registered_and_never_called(local_server: LocalServer, key: str) -> None:
    local_server.sdk(
        "rpc/register-rpc", experimentKey=key, functionName="f", functionDocumentation="", argumentNames=[]
    )
    answer = local_server.call("GET", "clientlib/rpc/get-pending-rpcs", params={"experimentKey": key})
    assert (answer.status_code, answer.json()) == (200, {"remoteProcedureCalls": []})
    local_server.sdk("rpc/save-rpc-result", experimentKey=key, callId="c", result="r")
    unknown = local_server.call("GET", "clientlib/rpc/get-pending-rpcs", params={"experimentKey": "0" * 32})
    assert unknown.status_code == 404


@pytest.mark.parametrize("path", ["notification/experiment", "notify/event"])
def test_notices_are_taken(local_server: LocalServer, path: str) -> None:
    assert local_server.sdk(path, api_key="k", title="t")["code"] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("next", "spec", "status", "algorithms")),
        *(("POST", path) for path in ("insert", "update")),
    ],
)
def test_there_is_no_optimizer_and_the_answer_says_so(local_server: LocalServer, method: str, path: str) -> None:
    answer = local_server.call(method, f"optimizer/{path}", params={"id": "x"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (501, "application/json")
    assert "no optimizer" in answer.json()["msg"]


def test_a_call_about_throttling_needs_an_experiment(local_server: LocalServer, key: str) -> None:
    local_server.post(f"write/experiment/{key}/mark-not-throttled")
    answer = local_server.call("POST", "api/rest/v2/write/experiment/none/mark-not-throttled", json={})
    assert answer.status_code == 404


@pytest.mark.parametrize(("right", "status"), [(True, 501), (False, 401)])
def test_the_optimizers_client_gives_its_key_in_a_header_of_its_own(
    local_server: LocalServer, right: bool, status: int
) -> None:
    headers = {"X-API-KEY": local_server.api_key if right else "another"}
    answer = local_server.session.get(f"{local_server.url}/optimizer/next", params={"id": "x"}, headers=headers)
    assert answer.status_code == status
    elsewhere = local_server.session.get(f"{local_server.url}/api/rest/v2/workspaces", headers=headers)
    assert elsewhere.status_code == 401

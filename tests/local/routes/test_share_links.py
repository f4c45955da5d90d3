"""Share links over the wire: made, listed, taken back."""

from __future__ import annotations

import uuid

from tests.fixtures.local_server import LocalServer


def test_share_links_are_listed_until_they_are_taken_back(local_server: LocalServer) -> None:
    made = local_server.post("write/project/create", workspaceName="ws", projectName=uuid.uuid4().hex)
    project = {"projectId": made["projectId"]}
    assert local_server.get("project/get-project-share-links", **project) == {"shareCodes": []}
    first, second = (local_server.get("write/project/add-share-link", **project)["shareCode"] for _ in range(2))
    assert sorted(local_server.get("project/get-project-share-links", **project)["shareCodes"]) == sorted(
        [first, second]
    )
    local_server.get("write/project/delete-project-share-link", **project, shareCode=first)
    assert local_server.get("project/get-project-share-links", **project) == {"shareCodes": [second]}


def test_a_share_link_is_the_projects_own(local_server: LocalServer) -> None:
    first, second = (
        local_server.post("write/project/create", workspaceName="ws", projectName=uuid.uuid4().hex) for _ in range(2)
    )
    code = local_server.get("write/project/add-share-link", projectId=first["projectId"])["shareCode"]
    query = {"projectId": second["projectId"], "shareCode": code}
    answer = local_server.call("GET", "api/rest/v2/write/project/delete-project-share-link", params=query)
    assert answer.status_code == 404
    kept = local_server.get("project/get-project-share-links", projectId=first["projectId"])
    assert kept == {"shareCodes": [code]}


def test_a_share_code_lets_nobody_in(local_server: LocalServer) -> None:
    made = local_server.post("write/project/create", workspaceName="ws", projectName=uuid.uuid4().hex)
    code = local_server.get("write/project/add-share-link", projectId=made["projectId"])["shareCode"]
    for place in (f"/ws/{made['projectName']}?shareable={code}", "/api/rest/v2/workspaces"):
        answer = local_server.session.get(local_server.url + place, headers={"Authorization": code})
        assert answer.status_code == 401

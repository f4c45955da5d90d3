"""Share links: whoever knows the code of one sees a private project without an account."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.resources import optional_text, texts
from zenml_comet_tracker.comet.transport import REST, Transport


def of_project(transport: Transport, project_id: str) -> list[str]:
    """The codes of all share links of a project. GET `project/get-project-share-links`."""
    answer = transport.get_json(f"{REST}project/get-project-share-links", {"projectId": project_id})
    return texts(answer, "shareCodes")


def create(transport: Transport, project_id: str) -> str:
    """The code of a new share link. GET `write/project/add-share-link`."""
    answer = transport.get_json(f"{REST}write/project/add-share-link", {"projectId": project_id})
    code = optional_text(answer, "shareCode")
    if code is None:
        raise errors.BrokenAnswerError("The server made a share link without saying its shareCode")
    return code


def delete(transport: Transport, project_id: str, code: str) -> dict[str, Any]:
    """Takes a share link back. GET `write/project/delete-project-share-link`."""
    params = {"projectId": project_id, "shareCode": code}
    return transport.get_json(f"{REST}write/project/delete-project-share-link", params)

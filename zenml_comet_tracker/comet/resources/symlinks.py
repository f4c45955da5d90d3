"""Experiments that are listed in more than one project."""

from __future__ import annotations

from zenml_comet_tracker.comet.resources import optional_text
from zenml_comet_tracker.comet.transport import REST, Transport


def create(transport: Transport, experiment_key: str, project_name: str) -> str | None:
    """The address of the experiment in another project of its workspace, where it is listed from now on too.

    GET `write/project/symlink`.
    """
    params = {"experimentKey": experiment_key, "projectName": project_name}
    return optional_text(transport.get_json(f"{REST}write/project/symlink", params), "link")

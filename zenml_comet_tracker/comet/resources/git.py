"""Where the code of an experiment comes from: git metadata, and the patch of what was not committed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport

MEMBERS = ("user", "root", "branch", "parent", "origin")
# The official SDK sends a patch as a zip with one entry of this name, and looks for it there.
PATCH_ENTRY = "git_diff.patch"
# How the answer begins, with status 200, when there is no patch.
_NO_PATCH = b'{"msg"'


def read_metadata(transport: Transport, experiment_key: str) -> dict[str, Any]:
    """`user`, `root`, `branch`, `parent` and `origin`, None where unknown. GET `experiment/git/metadata`."""
    return transport.get_json(f"{REST}experiment/git/metadata", {"experimentKey": experiment_key})


def write_metadata(
    transport: Transport, experiment_key: str, metadata: Mapping[str, str | None], headers: Headers = None
) -> dict[str, Any]:
    """Sets the metadata in place of what is there. POST `write/experiment/git/metadata`."""
    body = {"experimentKey": experiment_key, **{name: metadata.get(name) for name in MEMBERS}}
    return transport.post_json(f"{REST}write/experiment/git/metadata", body, headers=headers)


def read_patch(transport: Transport, experiment_key: str) -> bytes | None:
    """The patch as it was uploaded, a diff or a zip that holds one; None without one. GET `experiment/git/patch`."""
    found = transport.get_bytes(f"{REST}experiment/git/patch", {"experimentKey": experiment_key})
    return None if found.startswith(_NO_PATCH) else found


def write_patch(
    transport: Transport, experiment_key: str, patch: BinaryIO, *, file_name: str, headers: Headers = None
) -> dict[str, Any]:
    """Uploads a patch; the latest counts. POST `write/experiment/git/patch`, multipart."""
    params = {"experimentKey": experiment_key}
    return transport.upload(f"{REST}write/experiment/git/patch", params, patch, file_name=file_name, headers=headers)


def upload_patch(
    transport: Transport,
    experiment_key: str,
    handshake: Handshake,
    asset_id: str,
    patch: BinaryIO,
    *,
    file_name: str,
    headers: Headers = None,
) -> None:
    """As `write_patch`, under an id of ours. POST clientlib `git-patch/upload`, multipart."""
    params = {
        "experimentId": experiment_key,
        "projectId": handshake.project_id,
        "runId": handshake.run_id,
        "assetId": asset_id,
        "fileName": file_name,
    }
    transport.upload(f"{CLIENTLIB}git-patch/upload", params, patch, file_name=file_name, headers=headers)

"""Assets whose content lies elsewhere: their address, and the artifact of ZenML that they stand for."""

from __future__ import annotations

import json
from typing import Any

from zenml_comet_tracker.comet.portable.fetching import is_remote


def described(asset: dict[str, Any]) -> dict[str, str | None]:
    """`link`, `artifact` and `artifact_version` of a server's row; each None of what is not remote or no artifact."""
    about = _metadata(asset)
    return {
        "link": str(asset.get("link")) if is_remote(asset) else None,
        "artifact": _text(about.get("zenml_artifact")),
        "artifact_version": _text(about.get("zenml_artifact_version")),
    }


def _text(said: Any) -> str | None:
    # Whoever logs an asset may say anything of it.
    return None if said is None else str(said)


def _metadata(asset: dict[str, Any]) -> dict[str, Any]:
    said = asset.get("metadata")
    try:
        found = json.loads(said) if isinstance(said, str) else said
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

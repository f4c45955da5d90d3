"""Artifacts: versioned sets of files and links of a workspace, put together, logged, found and downloaded."""

from __future__ import annotations

from zenml_comet_tracker.comet.artifacts.artifact import Artifact, create_artifact
from zenml_comet_tracker.comet.artifacts.asset import ArtifactAsset
from zenml_comet_tracker.comet.artifacts.logged import LoggedArtifact
from zenml_comet_tracker.comet.artifacts.logged_asset import LoggedArtifactAsset

__all__ = ["Artifact", "ArtifactAsset", "LoggedArtifact", "LoggedArtifactAsset", "create_artifact"]

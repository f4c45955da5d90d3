"""The tables of the local Comet.

Conventions: times are milliseconds since the epoch and end in `_millis`; a metric value column is NULL for NaN (SQLite
has no NaN; the packed arrays of `chunk` keep it); an absent context is the empty string. Whoever changes a table
writes a step in `migrations` that does the same to a database of the version before.
"""

from __future__ import annotations

from zenml_comet_tracker.local.store.schema.access import api_key, session
from zenml_comet_tracker.local.store.schema.artifacts import artifact, artifact_alias, artifact_use, artifact_version
from zenml_comet_tracker.local.store.schema.assets import asset, kept_asset
from zenml_comet_tracker.local.store.schema.base import change, metadata, migration, setting
from zenml_comet_tracker.local.store.schema.experiments import (
    experiment,
    project,
    share_link,
    symlink,
    tag,
    workspace,
)
from zenml_comet_tracker.local.store.schema.registry import registry_history, registry_item, registry_model
from zenml_comet_tracker.local.store.schema.values import (
    chunk,
    detail,
    document,
    lane,
    metric,
    other,
    output,
    parameter,
    rollup,
)

__all__ = [
    "api_key",
    "artifact",
    "artifact_alias",
    "artifact_use",
    "artifact_version",
    "asset",
    "change",
    "chunk",
    "detail",
    "document",
    "experiment",
    "kept_asset",
    "lane",
    "metadata",
    "metric",
    "migration",
    "other",
    "output",
    "parameter",
    "project",
    "registry_history",
    "registry_item",
    "registry_model",
    "rollup",
    "session",
    "setting",
    "share_link",
    "symlink",
    "tag",
    "workspace",
]

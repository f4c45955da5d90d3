"""The folder of a tracker that ZenML's local containers mount."""

from __future__ import annotations

import os
from pathlib import Path

from zenml.config.global_config import GlobalConfiguration
from zenml.utils.secret_utils import is_secret_reference

from zenml_comet_tracker.flavor import CometExperimentTrackerConfig


def local_path(config: CometExperimentTrackerConfig) -> str | None:
    """The journal folder, when one is configured and lies below ZenML's local stores; else None.

    ZenML mounts its local stores into local containers and refuses stacks with a local path anywhere else, as remote
    orchestrators refuse those with any. So a folder elsewhere, say on a volume that every pod mounts, is none.
    """
    # Not read as an attribute: ZenML would ask the secret store, and it asks for local paths all the time.
    folder = config.__dict__.get("journal_folder")
    if not folder or is_secret_reference(folder):
        return None
    absolute = os.path.abspath(os.path.expanduser(folder))
    return absolute if Path(absolute).is_relative_to(GlobalConfiguration().local_stores_path) else None

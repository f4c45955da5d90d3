"""Where an import goes: a project of a server, and the keys that its experiments have there."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.portable.patience import Patient
from zenml_comet_tracker.comet.resources.experiments import Handshake

_KEY = re.compile("[0-9A-Za-z]{32,50}")


@dataclass
class Target:
    """A project of a server. `keys` leads from the exported keys to those that the server let the import use."""

    server: Patient
    api_key: str = field(repr=False)
    workspace: str
    project_name: str
    keys: dict[str, str] = field(default_factory=dict)
    # By the key on the server: what it said when the experiment was opened.
    handshakes: dict[str, Handshake] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def own_key(self, exported: str) -> str:
        """Another key for the experiment, the same whenever it is imported into this project."""
        text = f"{exported}/{self.workspace}/{self.project_name}"
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def is_key(text: str) -> bool:
    """Whether a server takes this as the key of a new experiment."""
    return _KEY.fullmatch(text) is not None


def is_absent(error: errors.StatusError) -> bool:
    """Whether the server says that there is no such thing; Comet does so by 400 as well as by 404."""
    return type(error) is errors.NotFoundError or error.status == 400

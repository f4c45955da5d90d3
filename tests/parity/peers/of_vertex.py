"""Vertex AI: without an account nothing answers its SDK, so the calls that it gets are recorded."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

from tests.parity.peers.stores import Kept, Peer

_NO_ACCOUNT = "PARITY_NO_ACCOUNT"


class Vertex(Peer):
    """A recorder stands where the SDK would be, with one run at a time as the SDK has."""

    flavor = "vertex"
    key, key_variable = "api_key", "GOOGLE_API_KEY"
    configuration = {"project": "parity", "location": "europe-west1"}
    has_tags = False
    # Nothing answers who asks for credentials, as on every machine without an account.
    away = {}, {_NO_ACCOUNT: "true"}

    def begin(self) -> None:
        """Puts the recorder in place."""
        import google.auth
        from google.api_core import exceptions
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import aiplatform

        default = google.auth.default
        google.auth.default = lambda: default() if _NO_ACCOUNT in os.environ else (AnonymousCredentials(), "parity")

        self._runs: dict[str, Kept] = {}
        self._active: Kept | None = None

        def start_run(run: str, *, resume: bool = False, **_: Any) -> None:
            if resume and run not in self._runs:
                raise exceptions.NotFound(run)
            self._active = self._runs.setdefault(run, Kept(run, run, "running"))
            self._active.status = "running"

        def end_run(state: Any) -> None:
            if self._active is not None:
                self._active.status = state.name.lower()
            self._active = None

        aiplatform.start_run, aiplatform.end_run, aiplatform.log_metrics = start_run, end_run, self._log
        aiplatform.init = lambda **_: None
        aiplatform.Experiment = lambda experiment_name: SimpleNamespace(
            dashboard_url=f"https://console.cloud.google.com/experiments/{experiment_name}",
            get_backing_tensorboard_resource=lambda: None,
        )

    def log(self, values: dict[str, float]) -> None:
        from google.cloud import aiplatform

        aiplatform.log_metrics(values)

    def kept(self) -> list[Kept]:
        return list(self._runs.values())

    def _log(self, values: dict[str, float]) -> None:
        if self._active is None:
            raise ValueError("No run set. Make sure to call aiplatform.start_run before trying to log")
        for name, value in values.items():
            self._active.values.setdefault(name, []).append(value)

"""Models of the experiment, registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml_comet_tracker.comet.api_experiment.base import ExperimentBase
from zenml_comet_tracker.comet.registry.registration import register, registration
from zenml_comet_tracker.comet.registry.status import ModelStatusConfiguration


class Registering(ExperimentBase):
    """The way from the experiment to the model registry."""

    def register_model(
        self,
        model_name: str,
        version: str | None = None,
        workspace: str | None = None,
        registry_name: str | None = None,
        public: bool | None = None,
        description: str | None = None,
        comment: str | None = None,
        status: str | None = None,
        tags: list[str] | None = None,
        stages: list[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        status_configuration: ModelStatusConfiguration | Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """Registers a model that the experiment logged, as a version of the registered model `registry_name` (the same
        name if left out), which is made when missing: `{"registryModelId": ..., "registryModelItemId": ...}`.

        `version` is a semantic version; left out, the server takes the next one, at first 1.0.0. `description` and
        `public` are for a model that is made now, the rest is the version's own. `stages` is an older name of `tags`;
        `workspace` is accepted and does nothing: the registry is that of the experiment's workspace.

        Raises `NotFoundError` for a model that the experiment did not log, `InvalidArgumentError` for a version that is
        none, `StatusError` for one that is there already. POST `write/registry-model/item/create`.
        """
        named = registry_name or model_name
        given = tags if tags is not None else stages
        wanted = registration(
            model_name, version, named, public, description, comment, given, status, metadata, status_configuration
        )
        return register(self._transport, self.key, wanted)

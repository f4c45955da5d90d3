"""Models of the experiment, registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.registry.registration import registration
from zenml_comet_tracker.comet.registry.status import ModelStatusConfiguration
from zenml_comet_tracker.comet.surface.base import Surface


class Registering(Surface):
    """The way from the experiment to the model registry."""

    @logging_call
    def register_model(
        self,
        model_name: str,
        version: str | None = None,
        workspace: str | None = None,
        registry_name: str | None = None,
        public: bool | None = None,
        description: str | None = None,
        comment: str | None = None,
        tags: list[str] | None = None,
        stages: list[str] | None = None,
        status: str | None = None,
        sync: bool = False,
        metadata: Mapping[str, Any] | None = None,
        status_configuration: ModelStatusConfiguration | Mapping[str, Any] | None = None,
        timeout: float = 10.0,
    ) -> None:
        """Registers a model that the experiment logged before, as a version of the registered model `registry_name`
        (the same name if left out), which is made when missing.

        It goes behind the model's files, in the background; with `sync` it is waited for, at most `timeout` seconds.
        `version` is a semantic version; left out, the server takes the next one, at first 1.0.0. `description` and
        `public` are for a model that is made now, the rest is the version's own. `stages` is an older name of `tags`;
        `workspace` is accepted and does nothing. What the server refuses, such as a version that is there already, is
        set aside, counted and said. POST `write/registry-model/item/create`.
        """
        given = tags if tags is not None else stages
        wanted = registration(
            model_name,
            version,
            registry_name,
            public,
            description,
            comment,
            given,
            status,
            metadata,
            status_configuration,
        )
        self._record.registration(model_name, wanted)
        if sync:
            self._live.flush(timeout)

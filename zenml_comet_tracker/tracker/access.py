"""Where a component's experiments go, and with which key."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from zenml_comet_tracker.comet import settings as comet_settings
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.flavor import LOCAL, CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import validation

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo
    from zenml.stack import StackComponent

    from zenml_comet_tracker.comet.settings import ResolvedSettings

logger = logging.getLogger(__name__)


def resolve(
    config: CometExperimentTrackerConfig,
    settings: CometExperimentTrackerSettings,
    secret_environment: dict[str, str],
    elsewhere: StackComponent | None = None,
) -> ResolvedSettings:
    """Server, key, workspace and project of a step: configuration, attached secrets, environment, Comet's files.

    With `url="local"` the embedded server is started when it is not running, unless a component takes the step
    `elsewhere`. Raises `ConfigurationError` for that, and without a usable key or address, `LocalServerError` when the
    embedded server cannot be started, `KeyError` for a secret reference that leads nowhere.
    """
    # Every read of a secret reference is a call to the secret store, so each is read once.
    url, api_key = config.url, config.api_key
    if url == LOCAL:
        if elsewhere is not None:
            raise ConfigurationError(validation.no_local_comet("<name>", elsewhere))
        url, api_key = _local_server(api_key)
    return comet_settings.resolve(
        api_key=api_key,
        workspace=settings.workspace,
        project_name=settings.project_name,
        url=url,
        fallback=secret_environment,
    )


def secret_environment(info: StepRunInfo, component_secrets: Sequence[UUID]) -> dict[str, str]:
    """What attached secrets add to the environment of the step's function, and of nothing else."""
    from zenml.stack import Stack
    from zenml.utils import env_utils

    if info.snapshot.stack is None:
        return env_utils.resolve_secrets(component_secrets)
    return env_utils.get_runtime_secret_environment(info.config, Stack.from_model(info.snapshot.stack))


def _local_server(api_key: str | None) -> tuple[str, str]:
    from zenml_comet_tracker.local import launch

    server = launch.ensure()
    if api_key and api_key != server.api_key:
        logger.warning(
            "The configured api_key is not that of the local Comet server, whose own is used. With url='local' the "
            "component needs none: zenml experiment-tracker remove-attribute <name> api_key"
        )
    return server.url, server.api_key

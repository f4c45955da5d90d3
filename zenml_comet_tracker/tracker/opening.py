"""How a step run gets its experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import access, capturing, identity, validation
from zenml_comet_tracker.tracker.introduction import introduce
from zenml_comet_tracker.tracker.permanence import find_journal
from zenml_comet_tracker.tracker.runs import StepRun, inert

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo


def open_run(
    component_id: UUID,
    config: CometExperimentTrackerConfig,
    component_secrets: Sequence[UUID],
    info: StepRunInfo,
    settings: CometExperimentTrackerSettings,
) -> StepRun:
    """A step run with a live experiment. Raises what keeps the step from being tracked.

    That is `ConfigurationError` for a missing key, an unusable setting, or the embedded server where the step runs on
    another machine or in a container, `LocalServerError` when that server cannot be started, `KeyError` for a secret
    reference that leads nowhere, `JournalError` without any journal.
    """
    elsewhere = validation.elsewhere(info)
    found = access.resolve(config, settings, access.secret_environment(info, component_secrets), elsewhere)
    key, earlier_key = identity.keys_of(component_id, info, settings.on_retry)
    name = settings.run_name or identity.experiment_name(info)
    folder = config.journal_folder or (found.offline_directory if found.offline else None)
    place = find_journal(folder, settings.journal_persistent, elsewhere=elsewhere is not None)
    experiment = Experiment(
        settings=replace(found, experiment_key=key),
        experiment_name=name,
        tags=identity.experiment_tags(info, settings.tags),
        # A step that is repeated after its process died comes back with the same key.
        mode="get_or_create",
        attempt=info.step_run.version,
        journal_folder=place.folder or folder,
        journal_max_bytes=config.journal_max_bytes,
        journal_persistent=place.persistent,
        strict=settings.strict,
        durability=settings.durability,
        protocol=settings.protocol,
        component_id=str(component_id),
        capture=capturing.options(info, settings),
    )
    experiment.log_others(identity.origin(info, earlier_key))
    introduce(experiment, info, settings, found.api_key)
    return StepRun(
        component_id,
        info.step_run_id,
        name,
        key,
        experiment,
        settings.finish_timeout,
        alone=_alone(info),
        # Who wants nothing sent collects the journals of his own machine; another one's go when its container goes.
        persistent=place.persistent or (found.offline and not elsewhere and settings.journal_persistent is None),
        offline=found.offline,
    )


def stand_in(component_id: UUID, info: StepRunInfo) -> StepRun:
    """A step run whose experiment keeps nothing, for a step that could not be tracked."""
    key, _ = identity.keys_of(component_id, info, "new")
    name = identity.experiment_name(info)
    return StepRun(component_id, info.step_run_id, name, key, inert(key), finish_timeout=0.0, alone=_alone(info))


def _alone(info: StepRunInfo) -> bool:
    # Steps of a dynamic pipeline share the process with other steps, and with those that no tracker hears of.
    return not info.snapshot.is_dynamic

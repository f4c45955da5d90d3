"""How a step run gets its experiment."""

from __future__ import annotations

import logging
import sys
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.ranks import Ranks
from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import access, attempts, capturing, identity, naming, outcomes, validation
from zenml_comet_tracker.tracker.introduction import introduce
from zenml_comet_tracker.tracker.permanence import find_journal
from zenml_comet_tracker.tracker.runs import StepRun, inert
from zenml_comet_tracker.tracker.telling import Telling

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo

logger = logging.getLogger(__name__)


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
    secrets = access.secret_environment(info, component_secrets)
    found = naming.placed(access.resolve(config, settings, secrets, elsewhere))
    keys = identity.keys_of(component_id, info, settings.on_retry, settings.experiment_key)
    name = identity.experiment_name(info, settings.run_name)
    folder = config.journal_folder or (found.offline_directory if found.offline else None)
    place = find_journal(folder, settings.journal_persistent, elsewhere=elsewhere is not None)
    experiment = Experiment(
        settings=replace(found, experiment_key=keys.own),
        # An experiment that is joined keeps its name.
        experiment_name=name if settings.experiment_key is None else settings.run_name,
        tags=identity.experiment_tags(info, settings.tags, settings.auto_tags),
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
        ranks=settings.ranks,
    )
    distributed = Ranks(settings.ranks)
    if distributed.silent:
        logger.warning("Step %s logs nothing here: %s", info.pipeline_step_name, distributed.explanation)
    if experiment.primary:
        # Where ZenML runs the step as several ranks, the first one says what is known of it.
        experiment.log_others(identity.origin(info, keys.earlier) | outcomes.earlier(info))
        introduce(experiment, info, settings, found.api_key)
    return StepRun(
        component_id,
        info.step_run_id,
        name,
        keys.own,
        experiment,
        settings.finish_timeout,
        alone=_alone(info),
        # Who wants nothing sent collects the journals of his own machine; another one's go when its container goes.
        persistent=place.persistent or (found.offline and not elsewhere and settings.journal_persistent is None),
        offline=found.offline,
        attempt=attempts.of_step(info, keys.later),
        strict=settings.strict,
        usual_name=identity.experiment_name(info),
        outer_error=sys.exc_info()[1],
        owner=weakref.ref(info),
        telling=Telling(
            info.run_id,
            info.pipeline_step_name,
            artifacts=settings.log_artifacts,
            context=settings.log_zenml_context,
            final_metrics=settings.log_final_metrics,
        ),
    )


def stand_in(component_id: UUID, info: StepRunInfo) -> StepRun:
    """A step run whose experiment keeps nothing, for a step that could not be tracked."""
    key = identity.keys_of(component_id, info, "continue").own
    name = identity.experiment_name(info)
    return StepRun(
        component_id,
        info.step_run_id,
        name,
        key,
        inert(key),
        finish_timeout=0.0,
        alone=_alone(info),
        outer_error=sys.exc_info()[1],
        owner=weakref.ref(info),
    )


def _alone(info: StepRunInfo) -> bool:
    # Steps of a dynamic pipeline share the process with other steps, and with those that no tracker hears of; the
    # invocations of a deployment do so too, whatever their pipeline is.
    from zenml.deployers.server import runtime

    return not (info.snapshot.is_dynamic or runtime.is_active())

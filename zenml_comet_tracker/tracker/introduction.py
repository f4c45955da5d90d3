"""What an experiment is told of its step before the step runs, each part when its setting asks for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from zenml_comet_tracker.comet.guard import interrupts
from zenml_comet_tracker.tracker import artifacts, context, grouping

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo

    from zenml_comet_tracker.comet.experiment import Experiment
    from zenml_comet_tracker.flavor import CometExperimentTrackerSettings

logger = logging.getLogger(__name__)


def introduce(
    experiment: Experiment, info: StepRunInfo, settings: CometExperimentTrackerSettings, api_key: str
) -> None:
    """Logs what ZenML knows of the step by now. Never raises: what cannot be told is said, and the step goes on."""
    secrets = (api_key,)
    tellers: list[tuple[bool, str, Callable[[], None]]] = [
        (settings.log_zenml_context, "context", lambda: experiment.log_others(context.others(info))),
        (settings.log_zenml_context, "page in ZenML's dashboard", lambda: grouping.tell_dashboard(experiment, info)),
        (settings.log_step_parameters, "parameters", lambda: _log_parameters(experiment, info, secrets)),
        (settings.log_artifacts, "input artifacts", lambda: artifacts.log_inputs(experiment, info)),
    ]
    for wanted, what, tell in tellers:
        try:
            if wanted:
                tell()
        except Exception as error:
            if interrupts(error):
                raise
            # The user logged none of this, so it fails no step, however strict.
            logger.warning("The %s of step %s are not logged.", what, info.pipeline_step_name, exc_info=True)


def _log_parameters(experiment: Experiment, info: StepRunInfo, secrets: tuple[str, ...]) -> None:
    if parameters := context.parameters(info, secrets):
        experiment.log_parameters(parameters)

"""The stack component: ZenML's hooks around a step, turned into the life of an experiment."""

from __future__ import annotations

import atexit
import functools
import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from zenml import exceptions
from zenml.experiment_trackers.base_experiment_tracker import BaseExperimentTracker
from zenml.stack import StackValidator

from zenml_comet_tracker.comet import guard
from zenml_comet_tracker.comet.delivery import adoption
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import (
    aftermath,
    artifacts,
    calls,
    ending,
    forks,
    grouping,
    layers,
    local_path,
    metadata,
    opening,
    publishing,
    requirements,
    steps,
    validation,
    watching,
)
from zenml_comet_tracker.tracker.runs import StepRun, step_runs

if TYPE_CHECKING:
    from uuid import UUID

    from zenml.config.step_run_info import StepRunInfo

logger = logging.getLogger(__name__)

_BY_SIGNAL = ("RunStoppedException", "RunInterruptedException")


class CometExperimentTracker(BaseExperimentTracker):
    """One Comet experiment for each step run; never a reason for a step to fail, unless `strict` asks for it.

    >>> from zenml import step
    >>> from zenml_comet_tracker import current_experiment, log_metrics
    >>> @step(experiment_tracker="comet")
    ... def train() -> None:
    ...     log_metrics({"loss": 0.3}, step=1)
    ...     current_experiment().log_text("first try")
    """

    @property
    def config(self) -> CometExperimentTrackerConfig:
        """The configuration of the component."""
        return cast(CometExperimentTrackerConfig, self._config)

    @property
    def settings_class(self) -> type[CometExperimentTrackerSettings]:
        """The settings that pipelines and steps may give."""
        return CometExperimentTrackerSettings

    @property
    def requirements(self) -> set[str]:
        """What ZenML installs into the images of a remote stack: this package, as it is installed here."""
        return requirements.for_images(self.config.requirements, self.name)

    @property
    def validator(self) -> StackValidator:
        """Refuses stacks on which nothing could be tracked; asks neither the network nor the secret store."""
        return StackValidator(custom_validation_function=functools.partial(validation.validate, self.name, self.config))

    @property
    def local_path(self) -> str | None:
        """The journal folder, when it is below ZenML's local stores, which local containers mount; else None."""
        return local_path.local_path(self.config)

    @property
    def experiment(self) -> Experiment:
        """The live experiment of the calling step. Raises `RuntimeError` where no tracked step is running."""
        return calls.current_experiment(self.id)

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None, epoch: int | None = None) -> None:
        """Log values to the calling step's experiment; a warning, and nothing else, when the step is not tracked."""
        calls.log_metrics(metrics, step=step, epoch=epoch, component_id=self.id)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters to the calling step's experiment; a warning, and nothing else, when it is not tracked."""
        calls.log_params(params, component_id=self.id)

    def get_settings(self, container: Any) -> CometExperimentTrackerSettings:
        """The settings in force for a step; `tags` are those of component, pipeline and step together."""
        # Snapshots that an older ZenML compiled have the second key.
        return layers.in_force(self.config, (f"{self.type}:{self.name}", f"{self.type}.{self.flavor}"), container)

    def prepare_step_run(self, info: StepRunInfo) -> None:
        """Open the step's experiment; when that cannot be done the step runs on untracked, with one warning."""
        ending.end_abandoned(step_runs.pop_abandoned(info.step_run_id, calls.calling_step()))
        strict = self.config.strict
        try:
            settings = self.get_settings(info)
            strict = settings.strict
            self._add(opening.open_run(self.id, self.config, self.secrets, info, settings))
        except Exception as error:
            if strict or guard.interrupts(error):
                # The frames below hold the API key, and rich tracebacks print the variables of every frame.
                raise error.with_traceback(None) from None
            logger.warning("Step %s runs on untracked. %s", info.pipeline_step_name, _plain(error))
            logger.debug("Why step %s is untracked:", info.pipeline_step_name, exc_info=True)
            self._add(opening.stand_in(self.id, info))

    def get_step_run_metadata(self, info: StepRunInfo) -> metadata.Metadata:
        """The experiment's URL, key, workspace and project, the count of what it logged and its last metric values.

        No URL without a workspace and a project, and none on a server that refuses; `comet_delivery` says so, and when
        no server has opened the experiment yet. What is lost by then is counted.
        """
        run = step_runs.get(self.id, info.step_run_id)
        if run is None:
            return {}
        aftermath.follow(run)
        if not run.inert and not run.experiment.primary:
            # Where ZenML runs the step as several ranks, the first one tells it.
            return {}
        try:
            run.told = metadata.of_run(run) | ending.losses(run)
            return metadata.labelled(run.told, run.label)
        except Exception as error:
            if guard.interrupts(error):
                # ZenML keeps to itself what is raised here.
                run.interruption = error.with_traceback(None)
            else:
                logger.warning("The metadata of experiment %s could not be collected.", run.key, exc_info=True)
            return metadata.labelled({"comet_experiment_key": run.key}, run.label)

    def get_pipeline_run_metadata(self, run_id: UUID) -> metadata.Metadata:
        """The page of the run's experiments, where the configuration names workspace and project; empty elsewhere.

        Called when ZenML makes the run. Where the page is not known by then, the first step tells it.
        """
        try:
            run = grouping.run_in_progress(run_id)
            page = run and grouping.page_before(self.config, self.get_settings(run), run_id)
            return publishing.of_pipeline_run(self.id, run_id, page)
        except Exception:
            logger.warning("The page of run %s is not known yet.", run_id, exc_info=True)
            return {}

    def cleanup_step_run(self, info: StepRunInfo, step_failed: bool) -> None:
        """End the experiment of a step that failed, with its traceback; waits `finish_timeout`.

        That of a step that did not fail ends when its outputs are stored, and fails when they cannot be.
        """
        run = step_runs.get(self.id, info.step_run_id)
        if run is None:
            return
        if step_failed:
            # ZenML calls this while the exception of the step is being handled.
            ending.finish(run, sys.exc_info()[1] or "The step failed.")
        elif run.interruption is not None:
            raise run.interruption
        elif aftermath.follow(run):
            run.succeeded = True
            ending.await_delivery(run)
            run.stop_the_clock()
        else:
            ending.finish(run, None)

    def _add(self, run: StepRun) -> None:
        if step_runs.of_caller(run.step_run_id):
            run.label = self.name
        step_runs.add(run)
        watching.begun(run)

    def __repr__(self) -> str:
        # ZenML's own version prints the API key when it is not a reference.
        return f"{type(self).__name__}(name={self.name!r}, flavor={self.flavor!r}, id={str(self.id)!r})"


def _plain(error: Exception) -> str:
    # The text of a KeyError is the repr of its message.
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else f"{error}" or type(error).__name__


# The client's own clean-up at exit, which would call them finished, was registered earlier and so runs later.
atexit.register(watching.at_exit)
adoption.listen(steps.adopted)
# ZenML's handlers of signals raise them, wherever the step is.
guard.let_through(*(getattr(exceptions, name) for name in _BY_SIGNAL if hasattr(exceptions, name)))
forks.watch()
aftermath.tell_when_stored(artifacts.log_outputs)

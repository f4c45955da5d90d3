"""The stack component: ZenML's hooks around a step, turned into the life of an experiment."""

from __future__ import annotations

import atexit
import logging
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from zenml.experiment_trackers.base_experiment_tracker import BaseExperimentTracker

from zenml_comet_tracker import __version__
from zenml_comet_tracker.comet.delivery import adoption
from zenml_comet_tracker.comet.errors import DeliveryError
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import access, calls, identity, metadata, steps
from zenml_comet_tracker.tracker.permanence import find_journal
from zenml_comet_tracker.tracker.runs import StepRun, inert, step_runs

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo

    from zenml_comet_tracker.comet.stats import DeliveryReport

logger = logging.getLogger(__name__)

# Seconds for all runs that ZenML forgot: nobody waits for them.
PATIENCE = 5.0
NEVER_CLEANED_UP = (
    "ZenML never cleaned up after this step: its function never ran because an input could not be loaded, or the "
    "process ended before it did."
)


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
        """What ZenML installs into the images of a remote stack: this version of this package."""
        return {f"zenml-comet-tracker=={__version__}"}

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
        names = CometExperimentTrackerSettings.model_fields.keys()
        # ZenML's own version of this hands on the whole configuration, with the API key in it.
        layers = [
            self.config.model_dump(include=set(names), exclude_unset=True),
            self._settings_on(getattr(container, "pipeline", None)),
            self._settings_on(getattr(container, "config", None)),
        ]
        merged = {name: value for layer in layers for name, value in layer.items() if name in names}
        merged["tags"] = list(dict.fromkeys(str(tag) for layer in layers for tag in layer.get("tags") or ()))
        return CometExperimentTrackerSettings(**merged)

    def prepare_step_run(self, info: StepRunInfo) -> None:
        """Open the step's experiment; when that cannot be done the step runs on untracked, with one warning."""
        _end_abandoned(step_runs.pop_abandoned(info.step_run_id, calls.calling_step()))
        strict = self.config.strict
        try:
            settings = self.get_settings(info)
            strict = settings.strict
            step_runs.add(self._open(info, settings))
        except Exception as error:
            if strict:
                # The frames below hold the API key, and rich tracebacks print the variables of every frame.
                raise error.with_traceback(None) from None
            logger.warning("Step %s runs on untracked. %s", info.pipeline_step_name, _plain(error))
            logger.debug("Why step %s is untracked:", info.pipeline_step_name, exc_info=True)
            step_runs.add(self._stand_in(info))

    def get_step_run_metadata(self, info: StepRunInfo) -> metadata.Metadata:
        """The experiment's URL, key, name, workspace and project; `comet_delivery` while no server has opened it.

        No URL without a workspace and a project, and none on a server that refuses. What is lost by then is counted.
        """
        run = step_runs.get(self.id, info.step_run_id)
        if run is None:
            return {}
        try:
            found = metadata.of_run(run)
            run.told = _losses(run)
            return found | run.told
        except Exception:
            logger.warning("The metadata of experiment %s could not be collected.", run.key, exc_info=True)
            return {"comet_experiment_key": run.key}

    def cleanup_step_run(self, info: StepRunInfo, step_failed: bool) -> None:
        """End the experiment, as failed with the step's traceback when the step failed; waits `finish_timeout`."""
        run = step_runs.pop(self.id, info.step_run_id)
        if run is None:
            return
        # ZenML calls this while the exception of the step is being handled.
        try:
            _finish(run, (sys.exc_info()[1] or "The step failed.") if step_failed else None)
        finally:
            if (found := _losses(run)) != run.told:
                metadata.publish(run.step_run_id, run.component_id, found)

    def __repr__(self) -> str:
        # ZenML's own version prints the API key when it is not a reference.
        return f"{type(self).__name__}(name={self.name!r}, flavor={self.flavor!r}, id={str(self.id)!r})"

    def _settings_on(self, configuration: Any) -> dict[str, Any]:
        """What a pipeline's or a step's configuration sets for this component, secret references unresolved."""
        settings = getattr(configuration, "settings", None) or {}
        keys = (f"{self.type}:{self.name}", f"{self.type}.{self.flavor}")
        return next((dict(settings[key]) for key in keys if key in settings), {})

    def _open(self, info: StepRunInfo, settings: CometExperimentTrackerSettings) -> StepRun:
        found = access.resolve(self.config, settings, access.secret_environment(info, self.secrets))
        key, earlier_key = identity.keys_of(self.id, info, settings.on_retry)
        name = settings.run_name or identity.experiment_name(info)
        folder = self.config.journal_folder or (found.offline_directory if found.offline else None)
        place = find_journal(folder, settings.journal_persistent)
        experiment = Experiment(
            settings=replace(found, experiment_key=key),
            experiment_name=name,
            tags=identity.experiment_tags(info, settings.tags),
            # A step that is repeated after its process died comes back with the same key.
            mode="get_or_create",
            attempt=info.step_run.version,
            journal_folder=place.folder or folder,
            journal_max_bytes=self.config.journal_max_bytes,
            journal_persistent=place.persistent,
            strict=settings.strict,
            durability=settings.durability,
            protocol=settings.protocol,
            component_id=str(self.id),
        )
        experiment.log_others(identity.origin(info, earlier_key))
        # Steps of a dynamic pipeline share the process with other steps, and with those that no tracker hears of.
        alone = not info.snapshot.is_dynamic
        return StepRun(
            self.id,
            info.step_run_id,
            name,
            key,
            experiment,
            settings.finish_timeout,
            alone=alone,
            persistent=place.persistent or (found.offline and settings.journal_persistent is None),
            offline=found.offline,
        )

    def _stand_in(self, info: StepRunInfo) -> StepRun:
        key, _ = identity.keys_of(self.id, info, "new")
        name = identity.experiment_name(info)
        alone = not info.snapshot.is_dynamic
        return StepRun(self.id, info.step_run_id, name, key, inert(key), finish_timeout=0.0, alone=alone)


def _finish(run: StepRun, error: BaseException | str | None) -> None:
    """End the experiment; one line says what is left, if anything is, and where it is kept."""
    if stand_in := run.inert:
        if stand_in.ignored_calls:
            logger.warning("Untracked: %d logging calls of %s were ignored.", stand_in.ignored_calls, run.name)
        return
    try:
        report = run.experiment.end(timeout=run.time_left(), error=error)
    except Exception as failure:
        # Only a strict experiment raises when it ends; a step that failed keeps its own exception.
        if isinstance(failure, DeliveryError) and error is None:
            run.lost = 0 if run.persistent else run.experiment.stats().pending
            raise
        logger.warning("Experiment %s (%s) did not end well. %s", run.name, run.key, failure)
        return
    run.lost = report.values_in_memory if run.persistent else report.values_left
    _say_left(run, report)


def _say_left(run: StepRun, report: DeliveryReport) -> None:
    """One line of what is not delivered; none where everything is, or the experiment says it itself."""
    who = f"Experiment {run.name} ({run.key})"
    if run.lost > report.values_in_memory and report.journal is not None:
        line = "%s: not everything is delivered: %s. What is left (%d values) is lost if %s goes with this step%s."
        deliver = f"; until then deliver it with: {report.command}" if report.command else ""
        why = (report.reason or "nobody knows why").rstrip(".")
        logger.warning(line, who, why, run.lost, report.journal, deliver)
    elif run.lost:
        logger.warning("%s: nothing keeps %d of its values when this step is gone: %s", who, run.lost, report.reason)
    elif not report.delivered and not run.offline:
        # An offline experiment says itself how it is delivered.
        logger.warning("%s: %s", who, report)


def _losses(run: StepRun) -> metadata.Metadata:
    """What is lost of a run so far; what waits is that when the run ended and nothing outlives it."""
    if run.inert:
        return {}
    try:
        return metadata.of_losses(run.experiment.stats(), run.lost)
    except Exception:
        logger.warning("The losses of experiment %s could not be counted.", run.key, exc_info=True)
        return {}


def _end_abandoned(runs: Iterable[StepRun]) -> None:
    """One time limit for all: nobody waits for them."""
    deadline = time.monotonic() + PATIENCE
    for run in runs:
        run.finish_timeout = min(run.finish_timeout, max(0.0, deadline - time.monotonic()))
        _finish(run, NEVER_CLEANED_UP)


def _end_at_exit() -> None:
    _end_abandoned(step_runs.pop_all())


def _plain(error: Exception) -> str:
    # The text of a KeyError is the repr of its message.
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else f"{error}" or type(error).__name__


# The client's own clean-up at exit, which would call them finished, was registered earlier and so runs later.
atexit.register(_end_at_exit)
adoption.listen(steps.adopted)

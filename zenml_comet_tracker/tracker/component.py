"""The stack component: ZenML's hooks around a step, turned into the life of an experiment."""

from __future__ import annotations

import atexit
import logging
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from zenml.experiment_trackers.base_experiment_tracker import BaseExperimentTracker
from zenml.metadata.metadata_types import MetadataType, Uri

from zenml_comet_tracker import __version__
from zenml_comet_tracker.comet.errors import DeliveryError
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.tracker import access, calls, identity
from zenml_comet_tracker.tracker.runs import StepRun, inert, step_runs

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo

logger = logging.getLogger(__name__)

# Seconds. A server that takes connections and never answers must not hold a step up; one that refuses is known at once.
PATIENCE = 5.0
NEVER_CLEANED_UP = (
    "ZenML never cleaned up after this step: its function never ran because an input could not be loaded, or the "
    "process ended before it did."
)
# ZenML's server keeps longer texts, its dashboard shows them badly.
METADATA_TEXT = 2000


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

    def get_step_run_metadata(self, info: StepRunInfo) -> dict[str, MetadataType]:
        """The experiment's URL, key, name, workspace and project; `comet_delivery` while no server has opened it.

        No URL without a workspace and a project, and none on a server that refuses.
        """
        run = step_runs.get(self.id, info.step_run_id)
        if run is None:
            return {}
        try:
            return _metadata(run)
        except Exception:
            logger.warning("The metadata of experiment %s could not be collected.", run.key, exc_info=True)
            return {"comet_experiment_key": run.key}

    def cleanup_step_run(self, info: StepRunInfo, step_failed: bool) -> None:
        """End the experiment, as failed with the step's traceback when the step failed; waits `finish_timeout`."""
        run = step_runs.pop(self.id, info.step_run_id)
        if run is None:
            return
        # ZenML calls this while the exception of the step is being handled.
        _finish(run, (sys.exc_info()[1] or "The step failed.") if step_failed else None)

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
        experiment = Experiment(
            found.api_key,
            found.workspace,
            found.project_name,
            url=found.root,
            experiment_key=key,
            experiment_name=name,
            tags=identity.experiment_tags(info, settings.tags),
            # A step that is repeated after its process died comes back with the same key.
            mode="get_or_create",
            attempt=info.step_run.version,
            journal_folder=self.config.journal_folder,
            strict=settings.strict,
            durability=settings.durability,
        )
        experiment.log_others(identity.origin(info, earlier_key))
        # Steps of a dynamic pipeline share the process with other steps, and with those that no tracker hears of.
        alone = not info.snapshot.is_dynamic
        return StepRun(self.id, info.step_run_id, name, key, experiment, settings.finish_timeout, alone)

    def _stand_in(self, info: StepRunInfo) -> StepRun:
        key, _ = identity.keys_of(self.id, info, "new")
        name = identity.experiment_name(info)
        alone = not info.snapshot.is_dynamic
        return StepRun(self.id, info.step_run_id, name, key, inert(key), finish_timeout=0.0, alone=alone)


def _metadata(run: StepRun) -> dict[str, MetadataType]:
    if run.inert:
        return {"comet_experiment_key": run.key, "comet_delivery": "untracked"}
    url, opening = run.experiment.wait_for_url(min(PATIENCE, run.time_left())), run.experiment.opening
    texts = {
        "comet_experiment_key": run.key,
        "comet_experiment_name": run.experiment.name or run.name,
        "comet_workspace": run.experiment.workspace,
        "comet_project_name": run.experiment.project_name,
        "comet_delivery": None if url and opening == "opened" else "refused" if opening == "refused" else "pending",
    }
    metadata: dict[str, MetadataType] = {name: text[:METADATA_TEXT] for name, text in texts.items() if text}
    if url and opening != "refused":
        metadata["experiment_tracker_url"] = Uri(url)
    return metadata


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
            raise
        logger.warning("Experiment %s (%s) did not end well. %s", run.name, run.key, failure)
        return
    if not report.delivered:
        logger.warning(
            "Experiment %s (%s) is not delivered whole: %s. Values waiting: %d, refused: %d. "
            "What waits is delivered by: zenml-comet sync %s",
            run.name,
            run.key,
            (report.reason or "").rstrip("."),
            report.stats.pending,
            report.stats.refused,
            report.journal,
        )


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

"""How the experiment of a step run ends, and what is then left or lost of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from zenml_comet_tracker.comet.errors import DeliveryError
from zenml_comet_tracker.tracker import metadata
from zenml_comet_tracker.tracker.runs import StepRun

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.stats import DeliveryReport

logger = logging.getLogger(__name__)

# Seconds for all runs that ZenML forgot: nobody waits for them.
PATIENCE = 5.0
NEVER_CLEANED_UP = (
    "ZenML never cleaned up after this step: its function never ran because an input could not be loaded, or the "
    "process ended before it did."
)


def end_run(run: StepRun, error: BaseException | str | None) -> None:
    """End the experiment; one line says what is left, if anything is, and where it is kept.

    Raises only for a strict step that has no error of its own.
    """
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


def end_abandoned(runs: Iterable[StepRun]) -> None:
    """End the runs that ZenML never cleaned up, as failed; one time limit for all, because nobody waits for them."""
    deadline = time.monotonic() + PATIENCE
    for run in runs:
        run.finish_timeout = min(run.finish_timeout, max(0.0, deadline - time.monotonic()))
        end_run(run, NEVER_CLEANED_UP)


def losses(run: StepRun) -> metadata.Metadata:
    """What is lost of a run so far; what waits is that when the run ended and nothing outlives it."""
    if run.inert:
        return {}
    try:
        return metadata.of_losses(run.experiment.stats(), run.lost)
    except Exception:
        logger.warning("The losses of experiment %s could not be counted.", run.key, exc_info=True)
        return {}


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

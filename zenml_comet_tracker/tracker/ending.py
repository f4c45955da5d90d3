"""How the experiment of a step run ends, and what is then left or lost of it."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from zenml_comet_tracker.comet.errors import DeliveryError
from zenml_comet_tracker.tracker import delivered, last_word, metadata, outcomes, publishing
from zenml_comet_tracker.tracker.background import background
from zenml_comet_tracker.tracker.outcomes import Outcome
from zenml_comet_tracker.tracker.runs import StepRun, step_runs

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.stats import DeliveryReport

logger = logging.getLogger(__name__)

# Seconds for all runs that ZenML forgot: nobody waits for them.
PATIENCE = 5.0
NEVER_CLEANED_UP = (
    "ZenML never cleaned up after this step: its function never ran because an input could not be loaded or another "
    "component was not ready, or the process ended before it did."
)


def finish(run: StepRun, error: BaseException | str | None) -> None:
    """End a run that is running, and tell ZenML what is true of it by then; nothing when it has ended before.

    What is delivered later, while this process lives, is told then.

    Raises only for a strict step that has no error of its own.
    """
    if step_runs.pop(run.component_id, run.step_run_id) is None:
        return
    # Not before: ZenML's local store takes one writer at a time, and the step writes to it until now.
    publishing.tell(run)
    try:
        end_run(run, error)
    finally:
        # Whatever fails here must not take the place of the step's own exception.
        try:
            _correct(run)
            if metadata.is_provisional(run):
                run.experiment.when_finished(lambda: background.submit(lambda: _correct_later(run)))
        except Exception:
            logger.warning("ZenML is not told how experiment %s ended.", run.key, exc_info=True)


def _correct(run: StepRun) -> None:
    if found := metadata.corrections(run, losses(run)):
        metadata.publish(run.step_run_id, run.component_id, metadata.labelled(found, run.label))
        run.told |= found
        # So are the run and the step's model version.
        if "experiment_tracker_url" in found:
            publishing.tell(run)


def _correct_later(run: StepRun) -> None:
    run.lost = 0
    _correct(run)
    # The step's context, by which ZenML's run and model version are known, is gone.
    if page := run.experiment.url:
        local = run.experiment.on_local_server
        delivered.tell_beside(run.step_run_id, run.component_id, run.label, page, local=local)


def await_delivery(run: StepRun) -> None:
    """Waits until all of a strict step is delivered, before ZenML calls it completed. Raises `DeliveryError`."""
    if not run.strict or run.offline or run.inert or run.experiment.flush(run.time_left()):
        return
    run.lost = 0 if run.persistent else run.experiment.stats().pending
    raise DeliveryError(f"Experiment {run.name} ({run.key}) is not delivered whole, and this step is strict.")


def end_run(run: StepRun, error: BaseException | str | None) -> None:
    """As `finish`, for a run that was taken out of the running ones; tells ZenML nothing."""
    if run.inert is None:
        _end(run, outcomes.of(run, error))
    elif run.inert.ignored_calls:
        logger.warning("Untracked: logging calls of %s that were ignored: %d.", run.name, run.inert.ignored_calls)


def end_abandoned(runs: Iterable[StepRun]) -> None:
    """End the runs that ZenML never cleaned up; one time limit for all, because nobody waits for them."""
    deadline = time.monotonic() + PATIENCE
    for run in runs:
        left = max(0.0, deadline - time.monotonic())
        if run.inert is None:
            outcome = outcomes.of_abandoned(run, NEVER_CLEANED_UP, left / 2)
            run.finish_timeout = min(run.finish_timeout, max(0.0, deadline - time.monotonic()))
            # A strict one raises, and whoever calls is at another step.
            with contextlib.suppress(DeliveryError):
                _end(run, outcome)


def _end(run: StepRun, outcome: Outcome) -> None:
    try:
        # The step may have ended it itself: what comes then is dropped, and would be counted as the step's.
        if run.experiment.primary and not run.experiment.ended:
            run.experiment.log_others(outcome.others(run.attempt))
        ended_as = outcome.ended_as(run.attempt)
        _say_waiting(run)
        report = run.experiment.end(timeout=run.time_left(), error=outcome.failure, ended_as=ended_as)
        last_word.await_word(run, outcome)
    except Exception as failure:
        # Only a strict experiment raises when it ends; a step that failed keeps its own exception.
        if isinstance(failure, DeliveryError) and outcome.error is None:
            run.lost = 0 if run.persistent else run.experiment.stats().pending
            raise
        logger.warning("Experiment %s (%s) did not end well. %s", run.name, run.key, failure)
        return
    run.lost = report.values_in_memory if run.persistent else report.values_left
    _say_left(run, report)


def _say_waiting(run: StepRun) -> None:
    """Why a step that is done goes on: nobody is to take that for a step that hangs."""
    seconds = run.time_left()
    if run.persistent or run.offline or run.experiment.opening in ("opened", "refused") or seconds < 1:
        return
    logger.warning(
        "Experiment %s (%s): the server is away, and what was logged may not outlive this step, which waits for it, "
        "up to %.0f s (finish_timeout). Where the journal lasts, journal_persistent=true spares the wait.",
        run.name,
        run.key,
        seconds,
    )


def losses(run: StepRun) -> metadata.Metadata:
    """What is lost of a run so far; what waits is that when the run ended and nothing outlives it.

    Nothing of a rank other than zero: it would stand in ZenML as what the step lost.
    """
    if run.inert or not run.experiment.primary:
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

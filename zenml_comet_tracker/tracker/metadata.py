"""What ZenML is told of a step's experiment: short texts, finite numbers and the address of its page."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from zenml.metadata.metadata_types import MetadataType, Uri

from zenml_comet_tracker.comet.last_values import MAX_NAMES
from zenml_comet_tracker.comet.texts import shortened
from zenml_comet_tracker.tracker.patience import in_time
from zenml_comet_tracker.tracker.runs import StepRun

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.stats import Stats

logger = logging.getLogger(__name__)

# Seconds. A server that takes connections and never answers must not hold a step up; one that refuses is known at once.
PATIENCE = 5.0
# ZenML's server keeps longer texts, its dashboard shows them badly.
TEXT_LIMIT = 2000
# Each takes ZenML's local store some ten milliseconds.
MAX_METRICS = 20
KEY_LIMIT = 250
# What a step says of its delivery that is not true any more when all of it is with a server.
UNDELIVERED = ("pending", "offline", "refused")

_KEY = "comet_experiment_key"
# What late delivery makes untrue.
_CORRECTED = ("comet_delivery", "comet_lost")

Metadata = dict[str, MetadataType]


def of_run(run: StepRun) -> Metadata:
    """What is known when the step's function is done, before the last values are delivered.

    Few keys: ZenML's local store takes a moment for each, and the step waits for it.
    """
    if run.inert:
        # No key: there is no experiment that has it.
        return {"comet_delivery": "untracked"}
    experiment = run.experiment
    if not run.offline:
        experiment.wait_for_url(min(PATIENCE, run.time_left()))
    metadata = {"comet_experiment_key": run.key, **_place(run)}
    if experiment.name and experiment.name != run.usual_name:
        metadata["comet_experiment_name"] = experiment.name[:TEXT_LIMIT]
    if run.attempt.number > 1:
        metadata["comet_attempt"] = run.attempt.number
    metadata["comet_values"] = experiment.stats().accepted
    if run.telling is not None and run.telling.final_metrics:
        metadata |= of_metrics(experiment.last_metrics())
    return metadata


def corrections(run: StepRun, losses: Metadata) -> Metadata:
    """What became true, or untrue, of a step's experiment since ZenML was told; empty when nothing did."""
    if run.inert or not run.experiment.primary:
        return {}
    # The key too: who interrupts a step may interrupt the telling of it.
    now = {_KEY: run.key} | _place(run) | losses
    if run.telling is not None and run.telling.final_metrics:
        # Hooks and materializers of the step log after ZenML asked.
        now |= of_metrics(run.experiment.last_metrics())
    told = run.told.get("comet_delivery")
    # What is told cannot be taken back, only be told anew.
    if told in UNDELIVERED and now.get("comet_delivery") is None:
        now["comet_delivery"] = "synced" if run.experiment.stats().pending == 0 else told
    if run.told.get("comet_lost"):
        now.setdefault("comet_lost", 0)
    return {name: value for name, value in now.items() if run.told.get(name) != value}


def is_provisional(run: StepRun) -> bool:
    """Whether what ZenML was told of a run changes when its journal is delivered after all, by this process."""
    waits = run.told.get("comet_delivery") in UNDELIVERED or run.told.get("comet_lost")
    return bool(waits and not run.inert and not run.offline)


def of_metrics(last: Mapping[str, float | str], prefix: str = "comet_metric_") -> Metadata:
    """The last value of each metric, under flat keys, as ZenML compares them: those of the first names that there are.

    Numbers are finite; NaN and infinities are texts. How many names are left out is counted.
    """
    metadata: Metadata = {}
    for name, value in last.items():
        # ZenML's keys hold no colon, and its server's column no longer ones.
        key = f"{prefix}{name}".replace(":", ".")
        if len(metadata) < MAX_METRICS and len(key) <= KEY_LIMIT:
            metadata[key] = value
    if left_out := len(last) - len(metadata):
        # No more names than that are remembered.
        metadata["comet_metrics_left_out"] = left_out if len(last) < MAX_NAMES else f"{left_out} or more"
    return metadata


def of_losses(stats: Stats, lost: int = 0) -> Metadata:
    """How many values of the step are with no server and will not be, and why; empty when there are none.

    `lost` are those that waited at the end in a journal which does not outlive the step.
    """
    dropped, refused = sum(stats.dropped.values()), sum(stats.refused.values())
    counts = {"comet_dropped": dropped, "comet_refused": refused, "comet_lost": lost}
    metadata: Metadata = {name: count for name, count in counts.items() if count}
    if reasons := [*stats.dropped.items(), *stats.refused.items()]:
        text = "; ".join(f"{reason}: {count}" for reason, count in reasons)
        metadata["comet_loss_reasons"] = text[:TEXT_LIMIT]
    return metadata


def labelled(metadata: Metadata, label: str) -> Metadata:
    """Under keys of their own, as `comet_experiment_key_<label>`: for a step's second tracker, because ZenML shows one
    value of each key, whoever it is from. Without a label as they are."""
    if not label:
        return metadata
    return {shortened(f"{key}_{label}".replace(":", "."), KEY_LIMIT): value for key, value in metadata.items()}


def label_of(known: Mapping[str, Any], experiment_key: str) -> str:
    """The label under which a step's metadata tell of an experiment; empty for that of its first tracker."""
    keys = (key for key, value in known.items() if key.startswith(_KEY) and value == experiment_key)
    return next(keys, _KEY).removeprefix(_KEY).removeprefix("_")


def labels(known: Mapping[str, Any]) -> list[str]:
    """The labels of the trackers of a step other than its first, by its metadata."""
    return [key.removeprefix(f"{_KEY}_") for key in known if key.startswith(f"{_KEY}_")]


def of_delivery(known: Mapping[str, Any], page: str | None) -> Metadata:
    """What the delivery of a step's whole journal makes untrue of its metadata; empty when nothing is."""
    metadata: Metadata = {}
    if known.get("comet_delivery") in UNDELIVERED:
        metadata["comet_delivery"] = "synced"
        if page is not None:
            metadata["experiment_tracker_url"] = Uri(page)
    if known.get("comet_lost"):
        metadata["comet_lost"] = 0
    return metadata


def publish(step_run_id: UUID, component_id: UUID, metadata: Metadata, patience: float = PATIENCE) -> None:
    """Adds to the metadata of a step run, after ZenML asked for it; waits `patience` seconds and never raises."""
    in_time(functools.partial(publish_now, step_run_id, component_id, metadata), patience)


def of_late_delivery(
    known: Mapping[str, Any], label: str, experiment_key: str, page: str | None, *, complete: bool
) -> Metadata:
    """What the delivery of a step's journal makes untrue of its metadata; its page alone unless that is `complete`."""
    if not complete:
        return {} if page is None else {"experiment_tracker_url": Uri(page)}
    if page is not None and not any(name.startswith(_KEY) for name in known):
        # The step's process died before ZenML asked it.
        return {"experiment_tracker_url": Uri(page), _KEY: experiment_key}
    return of_delivery({key: known.get(f"{key}_{label}" if label else key) for key in _CORRECTED}, page)


def publish_now(step_run_id: UUID, component_id: UUID, metadata: Metadata) -> None:
    """As `publish`, for who may wait as long as ZenML takes."""
    from zenml.orchestrators.publish_utils import publish_step_run_metadata

    try:
        publish_step_run_metadata(step_run_id, {component_id: metadata})
    except Exception:
        logger.warning("ZenML did not take the metadata %s of step run %s.", metadata, step_run_id, exc_info=True)


def _place(run: StepRun) -> Metadata:
    """Where the experiment is, as far as that is known now, and whether it is with a server."""
    experiment = run.experiment
    url = experiment.url
    delivery = _delivery(run, url)
    if url and delivery != "refused":
        # Which says workspace and project.
        metadata: Metadata = {"experiment_tracker_url": Uri(url)}
    else:
        texts = {"comet_workspace": experiment.workspace, "comet_project_name": experiment.project_name}
        metadata = {name: text[:TEXT_LIMIT] for name, text in texts.items() if text}
    return metadata if delivery is None else {**metadata, "comet_delivery": delivery}


def _delivery(run: StepRun, url: str | None) -> str | None:
    if run.offline:
        return "offline"
    opening = run.experiment.opening
    if opening == "opened" and url:
        return None
    return "refused" if opening == "refused" else "pending"

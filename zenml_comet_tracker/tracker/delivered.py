"""What ZenML is told once the experiment of a step is delivered after all: of the step, its run, its model version.

Told by whoever delivers it, the step's own process or another one, and once: what ZenML knows already is left alone.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from zenml.metadata.metadata_types import Uri

from zenml_comet_tracker.tracker import grouping, metadata, publishing
from zenml_comet_tracker.tracker.patience import in_time

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse, StepRunResponse

logger = logging.getLogger(__name__)

_METRIC = "comet_metric_"


def tell(
    step_run_id: UUID,
    component_id: UUID,
    experiment_key: str,
    page: str | None,
    *,
    local: bool = False,
    complete: bool = True,
    patience: float = metadata.PATIENCE,
) -> None:
    """Corrects what ZenML knows of a step whose journal is delivered by now; waits `patience` seconds, never raises.

    When it is not `complete`, its page is all that is told. `local` says that it is with the local Comet.
    """

    def call() -> None:
        step = _step(step_run_id)
        if step is None:
            return
        label = metadata.label_of(step.run_metadata, experiment_key)
        found = metadata.of_late_delivery(step.run_metadata, label, experiment_key, page, complete=complete)
        if found:
            metadata.publish_now(step_run_id, component_id, metadata.labelled(found, label))
            if page is not None:
                _tell_beside(step, component_id, label, page, local)

    in_time(call, patience)


def tell_beside(step_run_id: UUID, component_id: UUID, label: str, page: str, *, local: bool) -> None:
    """Corrects what ZenML knows of the step's run and model version, where the step's own metadata are right."""

    def call() -> None:
        step = _step(step_run_id)
        if step is not None:
            _tell_beside(step, component_id, label, page, local)

    in_time(call, metadata.PATIENCE)


def _step(step_run_id: UUID) -> StepRunResponse | None:
    from zenml.client import Client

    try:
        return Client().get_run_step(step_run_id)
    except KeyError:
        logger.debug("ZenML knows no step run %s any more.", step_run_id)
    except Exception:
        logger.warning("ZenML did not say what it knows of step run %s.", step_run_id, exc_info=True)
    return None


def _tell_beside(step: StepRunResponse, component_id: UUID, label: str, page: str, local: bool) -> None:
    from zenml.client import Client

    try:
        run = Client().get_pipeline_run(step.pipeline_run_id)
        publish = functools.partial(publishing.publish, component_id=component_id, step_run_id=step.id)
        if of_run := _of_run(run, page, local):
            publish("PIPELINE_RUN", run.id, of_run)
        version = step.model_version or run.model_version
        if version is not None:
            wanted = metadata.labelled(_of_model_version(step, label, page), label)
            # What is there may be that of a later attempt, or of a later run.
            known = version.run_metadata
            missing = {
                key: said for key, said in wanted.items() if key not in known or _newer(said, known[key], step, label)
            }
            if missing:
                publish("MODEL_VERSION", version.id, missing)
    except Exception:
        logger.warning("ZenML is not told of the run and the model version of step %s.", step.name, exc_info=True)


def _newer(said: object, known: object, step: StepRunResponse, label: str) -> bool:
    """Whether a step's page takes the place of a known one: not of a later step's."""
    if not isinstance(said, Uri) or str(known) == str(said):
        return False
    from zenml.client import Client

    # A page ends in the key of its experiment, which ZenML was told for the step.
    of_known = metadata.labelled({"comet_experiment_key": str(known).rpartition("/")[2]}, label)
    found = Client().list_run_steps(
        run_metadata=[f"{name}:equals:{key}" for name, key in of_known.items()],
        project=step.project_id,
        exclude_retried=False,
        sort_by="desc:created",
        size=1,
    )
    return not any(of.created > step.created for of in found.items)


def _of_run(run: PipelineRunResponse, page: str, local: bool) -> metadata.Metadata:
    """The run's page, unless there is one already: that of a later step, maybe, which went to another project."""
    project = page.rpartition("/")[0]
    wanted = grouping.page_in(project, run.id, local=local)
    known = run.run_metadata.get(publishing.PROJECT_URL)
    return {publishing.PROJECT_URL: Uri(wanted)} if known is None or (known == project != wanted) else {}


def _of_model_version(step: StepRunResponse, label: str, page: str) -> metadata.Metadata:
    last = _metrics(step.run_metadata, label)
    return publishing.of_model_version(step.name, page, last)


def _metrics(known: Mapping[str, Any], label: str) -> dict[str, float | str]:
    """The last values that the step's metadata tell for the tracker of this label."""
    labels = metadata.labels(known)
    found = {}
    for key, value in known.items():
        own = key.endswith(f"_{label}") if label else not key.endswith(tuple(f"_{other}" for other in labels))
        if key.startswith(_METRIC) and own:
            found[key.removeprefix(_METRIC).removesuffix(f"_{label}" if label else "")] = value
    return found

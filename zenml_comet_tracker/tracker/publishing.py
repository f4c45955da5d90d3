"""What ZenML is told of an experiment beside the metadata of its step: of the run, and of the model version."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from zenml.metadata.metadata_types import Uri
from zenml.steps.step_context import StepContext

from zenml_comet_tracker.tracker import grouping, metadata
from zenml_comet_tracker.tracker.background import background
from zenml_comet_tracker.tracker.context import held
from zenml_comet_tracker.tracker.runs import StepRun

if TYPE_CHECKING:
    from zenml_comet_tracker.tracker.telling import Telling

logger = logging.getLogger(__name__)

Kind = Literal["PIPELINE_RUN", "MODEL_VERSION"]
PROJECT_URL = "comet_project_url"
_MAX_RUNS = 1_000

# The page of each run that ZenML was told by this process, by component and run: the steps of a run have the same.
_told: dict[tuple[UUID, UUID], str] = {}


def of_pipeline_run(component_id: UUID, run_id: UUID, page: str | None) -> metadata.Metadata:
    """The metadata of a run whose steps are still to come: where its experiments will be, if that is known."""
    if page is None:
        return {}
    _remember(component_id, run_id, page)
    return {PROJECT_URL: Uri(page)}


def tell(run: StepRun) -> None:
    """Tells ZenML of the run's page and of the model version's experiment, in the background. Never raises.

    To be called in the step's context, when all is logged.
    """
    context, telling = StepContext.get(), run.telling
    if run.inert or telling is None or context is None:
        return
    try:
        _tell(run, telling, context)
    except Exception:
        logger.warning("ZenML is not told of the run and the model version of %s.", run.name, exc_info=True)


def _tell(run: StepRun, telling: Telling, context: StepContext) -> None:
    _tell_run(run, telling, context.pipeline_run)
    version = getattr(context, "model_version", None)
    if version is not None:
        if telling.context and not run.experiment.ended:
            run.experiment.log_other("zenml_model_version", held(version, "name") or str(version.number))
        _tell_model_version(run, telling, version.id)


def _tell_run(run: StepRun, telling: Telling, pipeline_run: Any) -> None:
    page = grouping.page_of(run.experiment, telling.run_id)
    known = (held(pipeline_run, "run_metadata") or {}).get(PROJECT_URL)
    if page is None or page in (known, _told.get((run.component_id, telling.run_id))):
        return
    _remember(run.component_id, telling.run_id, page)
    _publish(run, "PIPELINE_RUN", telling.run_id, {PROJECT_URL: Uri(page)})


def _tell_model_version(run: StepRun, telling: Telling, version_id: UUID) -> None:
    last = run.experiment.last_metrics() if telling.final_metrics else {}
    found = of_model_version(telling.step_name, run.experiment.url, last)
    if found:
        _publish(run, "MODEL_VERSION", version_id, metadata.labelled(found, run.label))


def of_model_version(step: str, page: str | None, last: Mapping[str, float | str]) -> metadata.Metadata:
    """What a model version is told of a step's experiment: by the step's name, for several may log the same metric."""
    found = metadata.of_metrics(last, f"comet_metric_{step}_")
    found.pop("comet_metrics_left_out", None)
    if page:
        found[f"comet_url_{step}".replace(":", ".")[: metadata.KEY_LIMIT]] = Uri(page)
    return found


def _publish(run: StepRun, kind: Kind, resource_id: UUID, found: metadata.Metadata) -> None:
    call = functools.partial(
        publish, kind, resource_id, found, component_id=run.component_id, step_run_id=run.step_run_id
    )
    background.submit(call)


def publish(kind: Kind, resource_id: UUID, found: metadata.Metadata, *, component_id: UUID, step_run_id: UUID) -> None:
    """Adds to the metadata of a run or a model version, in a step's name; raises what ZenML does."""
    from zenml.client import Client
    from zenml.enums import MetadataResourceTypes
    from zenml.models import RunMetadataResource

    Client().create_run_metadata(
        metadata=found,
        resources=[RunMetadataResource(id=resource_id, type=MetadataResourceTypes[kind])],
        stack_component_id=component_id,
        publisher_step_id=step_run_id,
    )


def _remember(component_id: UUID, run_id: UUID, page: str) -> None:
    if len(_told) >= _MAX_RUNS:
        _told.clear()
    _told[component_id, run_id] = page

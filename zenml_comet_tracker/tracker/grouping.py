"""How the steps of a run find each other, and how ZenML finds them all: the page that shows a run's experiments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode
from uuid import UUID

from zenml_comet_tracker.comet import settings as comet_settings
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.resources.experiments import project_page
from zenml_comet_tracker.flavor import LOCAL, CometExperimentTrackerConfig, CometExperimentTrackerSettings
from zenml_comet_tracker.tracker.background import background

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo

    from zenml_comet_tracker.comet.experiment import Experiment


# The projects' pages that turned out to be the local server's, so that the next run's page is right from the start.
_local_pages: set[str] = set()


def run_in_progress(run_id: UUID) -> Any:
    """What ZenML holds of a run while it runs in this process; None when it holds nothing."""
    try:
        from zenml.execution.context import ExecutionContext
    except ImportError:
        # Before ZenML 0.95 it held nothing.
        return None
    context = ExecutionContext.get()
    run = None if context is None else context.pipeline_run
    return run if run is not None and run.id == run_id else None


def page_before(
    config: CometExperimentTrackerConfig, settings: CometExperimentTrackerSettings, run_id: UUID
) -> str | None:
    """The page of a run whose steps are still to come; None where the configuration does not name it whole.

    Asks no network. The embedded server's is known where one has run before.
    """
    url: str | None = config.url
    own, api_key = url == LOCAL, None
    if own:
        # What serves the page is loaded only where it serves.
        from zenml_comet_tracker.local import launch

        address = launch.address()
        if address is None:
            return None
        url, api_key = address.url, address.api_key
    elif url is None:
        # A key may carry its server's address.
        api_key = config.api_key
    try:
        found = comet_settings.resolve(
            api_key=api_key or (None if url is None else "unused"),
            workspace=settings.workspace,
            project_name=settings.project_name,
            url=url,
        )
    except ConfigurationError:
        return None
    page = None if found.offline else project_page(found.root, found.workspace, found.project_name)
    return f"{page}?{_filter(run_id)}" if page and (own or page in _local_pages) else page


def page_of(experiment: Experiment, run_id: UUID) -> str | None:
    """The page of the run that an experiment belongs to, once its server has said where it is.

    On the local server it shows this run's experiments; Comet's own pages have no such address: it is the project's.
    """
    page = experiment.project_url
    return page and page_in(page, run_id, local=experiment.on_local_server)


def page_in(project: str, run_id: UUID, *, local: bool) -> str:
    """The page of a run whose experiments are in a project, by that project's page, on the local server or another."""
    if not local:
        return project
    _local_pages.add(project)
    return f"{project}?{_filter(run_id)}"


def tell_dashboard(experiment: Experiment, info: StepRunInfo) -> None:
    """Logs the run's page in ZenML's dashboard, in the background: ZenML may ask its server for the address.

    Nothing where ZenML works without a server, which has no dashboard that could be known.
    """
    from zenml.client import Client
    from zenml.enums import StoreType

    if Client().zen_store.type == StoreType.REST:
        run = _Run(info.run_id, info.step_run.project_id)
        background.submit(lambda: _log_dashboard(experiment, run))


def _log_dashboard(experiment: Experiment, run: _Run) -> None:
    from zenml.utils import dashboard_utils

    url = dashboard_utils.get_run_url(cast(Any, run))
    if url and not experiment.ended:
        experiment.log_other("zenml_dashboard_url", url)


@dataclass(frozen=True)
class _Run:
    """As much of a run as its address is made of."""

    id: UUID
    project_id: UUID

    @property
    def project(self) -> Any:
        from zenml.client import Client

        active = Client().active_project
        return active if active.id == self.project_id else Client().get_project(self.project_id)


def _filter(run_id: UUID) -> str:
    return urlencode({"q": f"zenml_run_id={run_id}"})

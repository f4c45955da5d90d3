"""How an experiment stands: signs of life, state, times, archive, links to it; and its page shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from zenml_comet_tracker.comet import browser
from zenml_comet_tracker.comet.api_experiment.writing import Writing, millis_of
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.resources import experiments, status, symlinks

STATES = ("running", "finished", "crashed")
TABS = (
    *(
        "artifacts",
        "assets",
        "audio",
        "charts",
        "code",
        "confusion-matrices",
        "graph",
        "graphics",
        "histograms",
        "html",
    ),
    *("installed-packages", "metrics", "notes", "other", "output", "panels", "parameters", "system-metrics", "text"),
)


class Life(Writing):
    """State and times, read and set; what is done with the experiment as a whole."""

    def get_state(self) -> str:
        """`running`, `finished` or `crashed`. GET `experiment/metadata`."""
        metadata = self.get_metadata()
        if metadata.get("running"):
            return "running"
        return "crashed" if metadata.get("hasCrashed") else "finished"

    def set_state(self, state: str) -> None:
        """Says that it is `running`, `finished` or `crashed`. POST `write/experiment/update-status`."""
        if state not in STATES:
            raise InvalidArgumentError(f"state={state!r} is unknown; expected one of {', '.join(map(repr, STATES))}")
        self._changed()
        status.write(self._transport, self.key, alive=state == "running", crashed=state == "crashed")

    def update_status(self) -> dict[str, Any]:
        """Says that the experiment is alive; how often to say so, and to measure, in milliseconds.

        `isAliveBeatDurationMillis`, `gpuMonitorIntervalMillis`, `cpuMonitorIntervalMillis`. GET
        `write/experiment/set-status`.
        """
        self._changed()
        return status.beat(self._transport, self.key)

    def end(self) -> None:
        """Nothing: every call has been answered already. `set_state` says that an experiment is over."""

    def set_start_time(self, start_server_timestamp: int) -> dict[str, Any]:
        """Sets when it began, in milliseconds since the epoch. POST `write/experiment/set-start-end-time`.

        When no end was set, the server sets it to one second later.
        """
        millis = millis_of(_given("start_server_timestamp", start_server_timestamp))
        self._changed()
        return status.set_times(self._transport, self.key, start_millis=millis)

    def set_end_time(self, end_server_timestamp: int) -> dict[str, Any]:
        """Sets when it ended, in milliseconds since the epoch. POST `write/experiment/set-start-end-time`.

        When no start was set, the server sets it to one second earlier.
        """
        millis = millis_of(_given("end_server_timestamp", end_server_timestamp))
        self._changed()
        return status.set_times(self._transport, self.key, end_millis=millis)

    def archive(self) -> dict[str, Any]:
        """Puts the experiment aside. GET `write/experiment/archive`."""
        self._changed()
        return experiments.archive(self._transport, self.key)

    def create_symlink(self, project_name: str) -> str | None:
        """Lists the experiment in another project of its workspace too; its address there. Not a copy: one experiment.

        The project is made when it is not there. GET `write/project/symlink`.
        """
        return symlinks.create(self._transport, self.key, project_name)

    def display(
        self, clear: bool = False, wait: bool = True, new: int = 0, autoraise: bool = True, tab: str | None = None
    ) -> None:
        """Shows the experiment's page: in a Jupyter notebook below the cell, else in a browser.

        `clear` and `wait` are for notebooks: whether the cell is emptied before, and only when there is something to
        show instead. `new=1` opens a new browser window, `autoraise` brings it to the front. `tab` is the part to show,
        such as `metrics`, `code` or `assets`.
        """
        if tab is not None and tab not in TABS:
            raise InvalidArgumentError(f"tab={tab!r} is unknown; expected one of {', '.join(TABS)}")
        url = self.url if tab is None else f"{self.url}?{urlencode({'experiment-tab': tab})}"
        browser.show(url, clear=clear, wait=wait, new=new, autoraise=autoraise)

    def display_project(
        self, view_id: str | None = None, clear: bool = False, wait: bool = True, new: int = 0, autoraise: bool = True
    ) -> None:
        """Shows the page of the experiment's project, in one view of it if `view_id` names one; else as `display`."""
        query = {"projectId": self.project_id, **({} if view_id is None else {"viewId": view_id})}
        url = f"{self._connection.root}/api/projects/redirect?{urlencode(query)}"
        browser.show(url, clear=clear, wait=wait, new=new, autoraise=autoraise)


def _given(name: str, timestamp: Any) -> Any:
    if timestamp is None:
        raise InvalidArgumentError(f"{name} is expected: a time in milliseconds since the epoch")
    return timestamp

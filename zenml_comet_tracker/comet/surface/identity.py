"""Which experiment it is, where it is seen, and how its delivery stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from zenml_comet_tracker.comet import browser
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.exits import FINISH_TIMEOUT
from zenml_comet_tracker.comet.inheritance import environment
from zenml_comet_tracker.comet.resources import experiments
from zenml_comet_tracker.comet.stats import Stats
from zenml_comet_tracker.comet.surface.base import Surface


class Identity(Surface):
    """Key, name, place and page; what was delivered so far."""

    @property
    def id(self) -> str:
        """The experiment key, made by the client: it exists before the network does."""
        return self._live.header.experiment_key

    def get_key(self) -> str:
        """The experiment key."""
        return self.id

    @property
    def primary(self) -> bool:
        """Whether this process sets the end status; one that joined does not, and no rank but zero does."""
        return self._live.header.primary

    def env(self) -> dict[str, str]:
        """The variables by which a child process writes to this experiment: `{**os.environ, **experiment.env()}`.

        There `Experiment()` joins it and does not end it; `comet_ml.start()` of Comet's own client joins it too. The
        API key is among them. Asks no server, and changes nothing in this process.
        """
        handshake = self._live.handshake
        handle = replace(self._live.handle(), name=self._name)
        server_key = None if handshake is None else handshake.experiment_key
        return environment(handle, server_key, *self._place_names())

    @property
    def name(self) -> str | None:
        """The name last set here."""
        return self._name

    @property
    def workspace(self) -> str | None:
        """The workspace; None while the server's default applies and the server has not said which that is."""
        return self._place_names()[0]

    @property
    def project_name(self) -> str | None:
        """The project; None while the server's default applies and the server has not said which that is."""
        return self._place_names()[1]

    @property
    def url(self) -> str | None:
        """The experiment's page; None until workspace and project are known. Never a guess."""
        if self._live.ranks.silent and self._settings.experiment_key is None:
            # The key that was made here is not that of the rank that logs.
            return None
        said = self._live.handshake and self._live.handshake.page
        return said or experiments.page(self._settings.root, *self._place_names(), self.id)

    @property
    def project_url(self) -> str | None:
        """The project's page; None until workspace and project are known."""
        handshake = self._live.handshake
        if handshake is not None and handshake.focus_url:
            return handshake.focus_url.rstrip("/")
        return experiments.project_page(self._settings.root, *self._place_names())

    @property
    def on_local_server(self) -> bool:
        """Whether the server that opened the experiment is the one that comes with this package."""
        handshake = self._live.handshake
        return handshake is not None and handshake.journal_lanes

    @property
    def opening(self) -> Literal["opened", "refused", "pending"]:
        """What the server said to opening the experiment; `pending` until it answers."""
        return self._live.opening()

    def wait_for_url(self, timeout: float) -> str | None:
        """The page once the server has opened the experiment; early when it refuses or cannot be reached."""
        self._live.wait_for_handshake(timeout)
        return self.url

    def stats(self) -> Stats:
        """How many values were accepted, sent, refused and dropped, and how many wait."""
        return self._live.stats()

    def last_metrics(self) -> dict[str, float | str]:
        """The last value of each metric that this process logged, by the name that Comet shows, first logged first.

        NaN and infinities as text. Of metrics with more than a thousand names the first thousand.
        """
        return self._record.last.shown()

    def get_url(self) -> str | None:
        """As `url`, for which it waits until the server has opened the experiment, at most 30 seconds."""
        return self.url or (None if self._settings.offline else self.wait_for_url(FINISH_TIMEOUT))

    @property
    def ended(self) -> bool:
        """Whether it was ended, so that nothing can be logged any more."""
        return self._live.ended

    def get_dynamic(self) -> bool:
        """Whether it can still be logged to."""
        return not self._live.ended

    def print(self) -> None:
        """Prints key and page."""
        print(f"Comet experiment {self.id}\n{self.url or 'not on a server yet'}")  # noqa: T201

    def display(
        self, clear: bool = False, wait: bool = True, new: int = 0, autoraise: bool = True, tab: str | None = None
    ) -> None:
        """Shows the experiment's page: in a notebook below the cell, else in a browser.

        `clear` empties the cell before, with `wait` only when the page is there. `new=1` asks for a new window, 2 for a
        new tab; `autoraise` for it to come to the front. `tab` is the part of the page to show, a part of its address.
        """
        address = self.get_url()
        if address is None:
            raise ConfigurationError("The experiment has no page yet: no server has opened it")
        shown = f"{address}?experiment-tab={tab}" if tab else address
        browser.show(shown, clear=clear, wait=wait, new=new, autoraise=autoraise)

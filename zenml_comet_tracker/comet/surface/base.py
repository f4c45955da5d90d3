"""What the methods of an experiment stand on."""

from __future__ import annotations

from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.guard import interrupts
from zenml_comet_tracker.comet.handle import Handle
from zenml_comet_tracker.comet.live import Live
from zenml_comet_tracker.comet.recorder import Recorder


class Surface:
    """One process's way to one experiment: where its records go, and what becomes of calls that cannot be logged."""

    def _open(self, handle: Handle, live: Live) -> None:
        self._settings = handle.settings
        self._strict = handle.strict
        self._name = handle.name
        self._live = live
        self._record = Recorder(live, strict=handle.strict)
        # For what reads or acts at once, beside the journal.
        self._connection = Connection(handle.settings)

    def _excuse(self, call: str, error: Exception) -> None:
        """Counts and says what a logging call failed of; raises it when strict."""
        if self._strict or interrupts(error):
            raise error
        self._live.drop(f"{call}: {type(error).__name__}", f"{call}: {error}")

    def _place_names(self) -> tuple[str | None, str | None]:
        handshake = self._live.handshake
        said = handshake.names if handshake is not None else (None, None)
        return said[0] or self._settings.workspace, said[1] or self._settings.project_name

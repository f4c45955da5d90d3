"""What is done to the experiment on the server, at once."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.errors import DeliveryError
from zenml_comet_tracker.comet.exits import FINISH_TIMEOUT
from zenml_comet_tracker.comet.resources import experiments, symlinks
from zenml_comet_tracker.comet.surface.readings import Readings


class Actions(Readings):
    """Each delivers what was logged before, for at most 30 seconds, acts, and raises as the reading methods do."""

    def archive(self) -> dict[str, Any]:
        """Puts the experiment aside; the server's answer. GET `write/experiment/archive`."""
        return experiments.archive(*self._server("archive"))

    def restore(self) -> dict[str, Any]:
        """Takes the archived experiment back; the server's answer. GET `write/experiment/restore`."""
        return experiments.restore(*self._server("restore"))

    def delete(self) -> dict[str, Any]:
        """Ends the experiment and deletes it for good; the server's answer. GET `write/experiment/delete`.

        `DeliveryError`, and nothing is deleted, when a part of it still waits: delivered later, it would bring the
        experiment back.
        """
        transport, key = self._server("delete")
        report = self._live.end(None, FINISH_TIMEOUT)
        if report.waiting:
            raise DeliveryError(f"Experiment {key} is not deleted, because {report}")
        return experiments.delete(transport, key)

    def create_symlink(self, project_name: str) -> dict[str, Any]:
        """Lists the experiment in another project of its workspace too; `{"link": ...}`, its address there.

        GET `write/project/symlink`.
        """
        return {"link": symlinks.create(*self._server("create_symlink"), project_name)}

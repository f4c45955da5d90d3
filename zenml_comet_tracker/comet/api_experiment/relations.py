"""What an experiment has to do with: artifacts, and views of its page."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.api_experiment.base import ExperimentBase
from zenml_comet_tracker.comet.errors import InvalidArgumentError
from zenml_comet_tracker.comet.resources import artifacts

DIRECTIONS = ("all", "output", "input")


class Relations(ExperimentBase):
    """Artifacts."""

    def get_artifact_lineage(self, direction: str = "all") -> dict[str, Any]:
        """The versions of artifacts that the experiment logged (`output`), used (`input`), or both (`all`).

        `experimentKey`, `artifacts`. GET `get/artifacts`.
        """
        if direction not in DIRECTIONS:
            raise InvalidArgumentError(
                f"direction={direction!r} is unknown; expected one of {', '.join(map(repr, DIRECTIONS))}"
            )
        return artifacts.of_experiment(self._transport, self.key, direction)

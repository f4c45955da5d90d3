"""The end of an experiment, and the waiting for delivery."""

from __future__ import annotations

import logging

from zenml_comet_tracker.comet.errors import DeliveryError
from zenml_comet_tracker.comet.exits import FINISH_TIMEOUT, error_text
from zenml_comet_tracker.comet.stats import DeliveryReport
from zenml_comet_tracker.comet.surface.base import Surface

logger = logging.getLogger(__name__)


class Life(Surface):
    """Flush and end."""

    def flush(self, timeout: float | None = None) -> bool:
        """Whether all that was logged so far was delivered within `timeout` seconds (30 by default)."""
        return self._live.flush(FINISH_TIMEOUT if timeout is None else timeout)

    def end(self, timeout: float | None = None, error: BaseException | str | None = None) -> DeliveryReport:
        """Ends the experiment, failed when an `error` is given, and waits for delivery at most `timeout` seconds.

        Without a `timeout` artifacts are waited for as long as they get on, and the rest for 30 s. Returns early when
        the server cannot be reached and the journal keeps the rest, and at once when offline. Raises nothing, except
        `DeliveryError` when strict, not offline, and something is left. Later logging calls are dropped and counted.
        """
        report = self._end(error, timeout)
        if self._strict and not report.delivered and not self._settings.offline:
            raise DeliveryError(
                f"Experiment {self._live.header.experiment_key} is not delivered whole: {report.reason}"
            )
        return report

    def _end(self, error: BaseException | str | None, timeout: float | None) -> DeliveryReport:
        first = not self._live.ended
        if timeout is None:
            self._live.companions.linger()
        report = self._live.end(error_text(error), FINISH_TIMEOUT if timeout is None else timeout)
        if first and self._settings.offline:
            logger.warning("%s", self._live.describe(report))
        return report

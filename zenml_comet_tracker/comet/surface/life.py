"""Start and end of an experiment, and the waiting for delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.delivery import offline
from zenml_comet_tracker.comet.errors import DeliveryError, InvalidValueError
from zenml_comet_tracker.comet.exits import FINISH_TIMEOUT, error_text
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.stats import DeliveryReport
from zenml_comet_tracker.comet.surface.base import Surface


class Life(Surface):
    """Start and end, and flush."""

    @logging_call
    def set_start_end_time(self, start: Any = None, end: Any = None) -> None:
        """Says when the experiment began and ended, in milliseconds since the epoch; what is left out stays.

        An end that is set here stays when the experiment ends.
        """
        start_millis, end_millis = (None if time is None else values.step_of(time) for time in (start, end))
        if (start is not None and start_millis is None) or (end is not None and end_millis is None):
            raise InvalidValueError(f"Times are milliseconds since the epoch, whole numbers; got {start!r} and {end!r}")
        if end_millis is not None:
            self._live.ended_millis = end_millis
        if start_millis is not None or end_millis is not None:
            self._record.times(start_millis, end_millis)

    def set_start_time(self, start_server_timestamp: Any) -> None:
        """As `set_start_end_time`, the start alone."""
        self.set_start_end_time(start=start_server_timestamp)

    def set_end_time(self, end_server_timestamp: Any) -> None:
        """As `set_start_end_time`, the end alone."""
        self.set_start_end_time(end=end_server_timestamp)

    def flush(self, timeout: float | None = None) -> bool:
        """Whether all that was logged so far was delivered within `timeout` seconds (30 by default)."""
        return self._live.flush(FINISH_TIMEOUT if timeout is None else timeout)

    def end(
        self,
        timeout: float | None = None,
        error: BaseException | str | None = None,
        *,
        ended_as: Literal["stopped", "retrying"] | None = None,
    ) -> DeliveryReport:
        """Ends the experiment, failed when an `error` is given, and waits for delivery at most `timeout` seconds.

        `ended_as` says that it was "stopped", which is no failure, or that this attempt failed and another follows.

        Without a `timeout` artifacts are waited for as long as they get on, and the rest for 30 s. Returns early when
        the server cannot be reached and the journal keeps the rest, and at once when offline. Raises nothing, except
        `DeliveryError` when strict, not offline, and something is left. Later logging calls are dropped and counted.
        """
        report = self._end(error, timeout, ended_as)
        if self._strict and not report.delivered and not self._settings.offline:
            raise DeliveryError(
                f"Experiment {self._live.header.experiment_key} is not delivered whole: {report.reason}"
            )
        return report

    def amend_end(
        self,
        error: str | None = None,
        *,
        ended_as: Literal["stopped"] | None = None,
        others: Mapping[str, Any] | None = None,
    ) -> None:
        """Says of an experiment that has ended well, or for the time being, that it failed, or was stopped after all.

        When it ended stays as it was. Waits for nothing; does nothing to one that had failed, or lives.
        """
        if self._live.ended:
            self._live.ended_millis = self._live.ended_millis or self._live.closed_millis
            self._live.close(error, ended_as, lambda: self._record.others(dict(others or {})))

    def when_finished(self, call: Callable[[], None]) -> None:
        """Calls it once the delivery of an experiment that has ended is over; at once where it is.

        It is called in a thread that delivers, which it must not hold up.
        """
        self._live.when_finished(call)

    def stop(self) -> DeliveryReport:
        """As `end()`."""
        return self.end()

    def _end(
        self, error: BaseException | str | None, timeout: float | None, ended_as: str | None = None
    ) -> DeliveryReport:
        first = not self._live.ended
        if timeout is None:
            self._live.companions.linger()
        text = None if ended_as == "stopped" else error_text(error)
        report = self._live.end(text, FINISH_TIMEOUT if timeout is None else timeout, ended_as)
        if first and self._settings.offline and not self._live.ranks.silent:
            offline.tell(self._live.describe(report), report)
        return report

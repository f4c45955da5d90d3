"""What a value belongs to: the part of the run, the step, the epoch."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.resources.parameters import AUTO_LOGGED
from zenml_comet_tracker.comet.stand import Within, context_of
from zenml_comet_tracker.comet.surface.base import Surface


class Contexts(Surface):
    """Contexts, each for the thread or task that is in it; step and epoch, for the whole experiment."""

    def train(self) -> AbstractContextManager[None]:
        """For `with`: metrics, parameters, files and output inside are those of training.

        Comet puts `train_` before the names of metrics and parameters. It holds for the thread or asyncio task that is
        inside, and for the tasks that it starts there; a thread that it starts enters contexts of its own.
        """
        return self.context_manager("train")

    def validate(self) -> AbstractContextManager[None]:
        """As `train`, for validation: `validate_`."""
        return self.context_manager("validate")

    def test(self) -> AbstractContextManager[None]:
        """As `train`, for the test: `test_`."""
        return self.context_manager("test")

    def context_manager(self, context: str) -> AbstractContextManager[None]:
        """As `train`, for a context of any name. The innermost of several counts."""
        return Within(self._record.stand, context_of(context))

    @logging_call
    def set_step(self, step: Any) -> None:
        """Sets the step of what is logged without one; `None` for none. Kept as the parameter `curr_step` too."""
        self._record.stand.step = None
        if step is not None:
            self._record.parameter("curr_step", step, step)

    @logging_call
    def set_epoch(self, epoch: Any) -> None:
        """Sets the epoch of what is logged without one; `None` for none. Kept as the parameter `curr_epoch` too."""
        self._record.stand.epoch = None
        if epoch is not None:
            self._record.go_to_epoch(epoch)
            self._record.parameter("curr_epoch", epoch, None)

    @logging_call
    def log_epoch_end(self, epoch_cnt: Any, step: Any = None) -> None:
        """Says that so many epochs are over, at a step: what follows is logged to that epoch."""
        self._record.go_to_epoch(epoch_cnt)
        self._record.parameter("curr_epoch", epoch_cnt, step, AUTO_LOGGED)

    @logging_call
    def log_current_epoch(self, value: Any) -> None:
        """Logs the metric `curr_epoch`."""
        self._record.metric("curr_epoch", value, None, None)

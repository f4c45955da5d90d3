"""What of the program an experiment takes along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.capture.part import Part


@dataclass(frozen=True)
class CaptureOptions:
    """What is captured, besides what is logged; the defaults are those of `create_experiment`.

    `log_output` and `log_error` are for what the program prints, which is still shown on the console. `log_git_info`
    sends the uncommitted changes as well. `system_metrics_seconds` is the time from one sample of CPU, memory, disk,
    network and GPU to the next, at least a second; None is what the server wishes, a minute until it says so. With a
    `part` only that part of the process is captured, as far as parts can be told from each other.

    >>> CaptureOptions(log_code=False).log_output
    True
    """

    log_output: bool = True
    log_error: bool = False
    log_code: bool = True
    log_system_details: bool = True
    log_git_info: bool = False
    log_system_metrics: bool = True
    system_metrics_seconds: float | None = None
    part: Part | None = None


NOTHING = CaptureOptions(
    log_output=False, log_code=False, log_system_details=False, log_git_info=False, log_system_metrics=False
)

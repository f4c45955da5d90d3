"""What an experiment takes along of its program without being told: output, code, git, the machine and what it does."""

from __future__ import annotations

from zenml_comet_tracker.comet.capture.options import NOTHING, CaptureOptions
from zenml_comet_tracker.comet.capture.sink import Sink

__all__ = ["NOTHING", "CaptureOptions", "Sink"]

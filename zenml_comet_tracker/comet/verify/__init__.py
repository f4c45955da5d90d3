"""Whether a server does what this client takes for granted: a check for every call, in a project made for them."""

from __future__ import annotations

from zenml_comet_tracker.comet.verify.outcome import Outcome
from zenml_comet_tracker.comet.verify.running import GROUPS, Report, verify
from zenml_comet_tracker.comet.verify.scratch import Limits

__all__ = ["GROUPS", "Limits", "Outcome", "Report", "verify"]

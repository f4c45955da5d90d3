"""What the store cannot do, told in Comet's codes."""

from __future__ import annotations

from fastapi import Response

from zenml_comet_tracker.local.routes.answers import UNKNOWN_EXPERIMENT, refused
from zenml_comet_tracker.local.store import faults

# For each fault the HTTP status and what Comet's clients look for in `sdk_error_code`. All else is not found.
_ANSWERS = {
    faults.UnknownExperimentError: (404, UNKNOWN_EXPERIMENT),
    faults.KeyNameError: (400, 0),
    faults.DatabaseLostError: (400, 0),
    faults.ProjectInUseError: (400, 0),
    faults.ReadOnlyError: (403, 0),
    faults.TakenError: (400, 0),
    faults.VersionTakenError: (400, 90399),
    faults.UnknownArtifactError: (404, 624523),
    faults.UnknownArtifactVersionError: (404, 624523),
    faults.ArtifactOpenError: (400, 90402),
    faults.ArtifactFailedError: (400, 90403),
    faults.ArtifactClosedError: (400, 0),
    faults.BadVersionError: (400, 42001),
    faults.DiskFullError: (507, 0),
    faults.DiskFaultError: (503, 0),
    faults.BusyError: (503, 0),
}


def refusal(error: faults.StoreError) -> Response:
    """The answer to a request that the store could not do."""
    status, sdk_error_code = _ANSWERS.get(type(error), (404, 0))
    return refused(str(error), status, sdk_error_code)

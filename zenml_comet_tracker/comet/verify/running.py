"""All checks, one after the other, in a project that is deleted whatever happens."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from zenml_comet_tracker import __version__
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.resources import account, projects
from zenml_comet_tracker.comet.transport import Transport
from zenml_comet_tracker.comet.verify import (
    artifact_checks,
    experiment_checks,
    fact_checks,
    file_checks,
    live_checks,
    metric_checks,
    project_checks,
    registry_checks,
    search_checks,
    text_checks,
)
from zenml_comet_tracker.comet.verify.checks import Check
from zenml_comet_tracker.comet.verify.outcome import DifferenceError, LeftOutError, Outcome, Result, shown
from zenml_comet_tracker.comet.verify.scratch import Limits, Scratch

GROUPS = (
    project_checks.group,
    experiment_checks.group,
    metric_checks.group,
    fact_checks.group,
    text_checks.group,
    file_checks.group,
    artifact_checks.group,
    registry_checks.group,
    live_checks.group,
    search_checks.group,
)

Told = Callable[[Outcome, int, int], None]


@dataclass
class Report:
    """What came of all checks, and what could not be taken away again."""

    root: str
    workspace: str
    version: str = __version__
    server_version: str | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    requests: int = 0
    interrupted: bool = False

    @property
    def held(self) -> bool:
        """Whether every check was made and held, or was not wanted."""
        return not self.interrupted and all(outcome.result == "held" for outcome in self.outcomes)


def verify(
    connection: Connection,
    workspace: str | None = None,
    *,
    artifacts: bool = True,
    limits: Limits | None = None,
    told: Told | None = None,
) -> Report:
    """Writes to a project of a random name, reads everything back, and deletes the project, also after Ctrl-C.

    `told` gets each outcome as it comes, its number and how many there are. Raises `RequestError` when not even the
    account can be read.
    """
    name = workspace or connection.settings.workspace or account.default_workspace(connection.transport)
    scratch = Scratch(connection, name, limits or Limits(), artifacts=artifacts)
    report = Report(connection.root, name)
    checks = [check for group in GROUPS for check in group.checks if artifacts or group is not artifact_checks.group]
    try:
        with contextlib.suppress(errors.RequestError):
            report.server_version = account.version(connection.transport)
        for number, check in enumerate(checks, start=1):
            outcome = make(check, scratch)
            report.outcomes.append(outcome)
            if told:
                told(outcome, number, len(checks))
    except KeyboardInterrupt:
        report.interrupted = True
    finally:
        report.left_behind = list(_clear_up(scratch))
        report.requests = connection.requests
    return report


def make(check: Check, scratch: Scratch) -> Outcome:
    """What comes of one check."""
    began = scratch.clock()
    result, detail = _result(check, scratch)
    seconds = round(scratch.clock() - began, 3)
    return Outcome(check.group, check.name, check.endpoint, check.protocol, result, detail, seconds)


def _result(check: Check, scratch: Scratch) -> tuple[Result, str]:
    try:
        scratch.require_room()
        check.function(scratch)
    except LeftOutError as reason:
        return "left out", str(reason)
    except DifferenceError as difference:
        return "differed", str(difference)
    except errors.BrokenAnswerError as error:
        return "differed", " ".join(str(error).split())[:300]
    except errors.CometError as error:
        return "refused", " ".join(str(error).split())[:300]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        # The answer has another shape than Comet's documentation says.
        return "differed", f"the answer has another shape: {type(error).__name__} {shown(str(error))}"
    return "held", ""


def _clear_up(scratch: Scratch) -> Iterator[str]:
    """Takes away what was made; yields what is still there, and why."""
    transport = scratch.connection.transport
    for what, take_away in registry_checks.made(scratch):
        if (problem := _taken(take_away)) is not None:
            yield f"{what}: {problem}"
    for name in (scratch.other_project, scratch.project):
        place = projects.named(scratch.workspace, name)
        if (problem := _taken(functools.partial(_delete, transport, place))) is not None:
            yield f"project {name}: {problem}"
    if scratch.memory.get("artifact_made"):
        yield f"artifact {scratch.artifact}: Comet has no call to delete an artifact"


def _delete(transport: Transport, place: projects.Place) -> None:
    try:
        projects.delete(transport, place, with_experiments=True)
    except errors.StatusError as error:
        if error.status not in (400, 404):
            raise
        with contextlib.suppress(errors.NotFoundError):
            projects.find(transport, place)
            raise


def _taken(take_away: Callable[[], Any]) -> str | None:
    """Why it could not be taken away; None when it is gone. A second Ctrl-C does not hinder it."""
    for _ in range(3):
        try:
            take_away()
        except errors.NotFoundError:
            return None
        except KeyboardInterrupt:
            continue
        except errors.CometError as error:
            return " ".join(str(error).split())[:300]
        else:
            return None
    return "interrupted"

"""What an experiment's status is: as it was reported, or lost when it fell silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row

from zenml_comet_tracker.local.store import experiments
from zenml_comet_tracker.local.store.database import Transaction

# The beat that the server asks for, and how many may be missed: one late beat on a busy machine is no death.
BEAT_MILLIS = 10_000
BEATS_MISSED = 3

Status = Literal["running", "finished", "failed", "lost"]


def of(experiment: Row[Any], now_millis: int) -> Status:
    """The status to show now."""
    if experiment.running:
        silent = now_millis - experiment.last_beat_millis
        return "lost" if silent > BEATS_MISSED * BEAT_MILLIS else "running"
    return "failed" if experiment.crashed else "finished"


def end_millis(experiment: Row[Any], now_millis: int) -> int:
    """When it ended; for a lost one the last sign of life, for a running one now."""
    status = of(experiment, now_millis)
    if status == "running":
        return now_millis
    if status == "lost":
        return int(max(experiment.last_beat_millis, experiment.start_millis))
    return int(experiment.start_millis if experiment.end_millis is None else experiment.end_millis)


@dataclass(frozen=True)
class Report:
    """What a client says of itself. `crashed` None = says nothing of it; no attempt = the newest one known;
    no time = now."""

    alive: bool
    crashed: bool | None = None
    error: str | None = None
    attempt: int | None = None
    at_millis: int | None = None


def apply(transaction: Transaction, experiment: Row[Any], report: Report) -> None:
    """Takes the report for the status, unless a newer one (by attempt, then by time) was taken before."""
    attempt = experiment.status_attempt if report.attempt is None else report.attempt
    at = transaction.now_millis if report.at_millis is None else report.at_millis
    if (attempt, at) < (experiment.status_attempt, experiment.status_millis):
        return
    columns: dict[str, Any] = {"running": report.alive, "status_attempt": attempt, "status_millis": at}
    if report.alive:
        columns.update(last_beat_millis=transaction.now_millis, end_millis=None)
    else:
        columns["end_millis"] = max(at, experiment.start_millis)
    if attempt > experiment.status_attempt:
        # A new attempt has a fate of its own.
        columns.update(crashed=False, error=None)
    if report.crashed is not None:
        columns["crashed"] = report.crashed
    if report.error is not None:
        columns["error"] = report.error
    experiments.change(transaction, experiment.id, **columns)


def beat(transaction: Transaction, experiment: Row[Any]) -> None:
    """Takes a bare sign of life."""
    apply(transaction, experiment, Report(alive=True))

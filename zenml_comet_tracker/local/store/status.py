"""What is reported of an experiment's status. How it stands by that is said in `standing`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from zenml_comet_tracker.local.store import experiments, metrics, standing
from zenml_comet_tracker.local.store.database import Transaction


@dataclass(frozen=True)
class Report:
    """What a client says of itself.

    `crashed` None = says nothing of it; no attempt = the newest one known; no time = now; `ended_as` is "stopped" or
    "retrying". `writer_start_millis` is when the process began that says it, by the clock of `at_millis`. A `guest`
    logs beside whoever named an attempt, and cannot know how the experiment goes on or ended.
    """

    alive: bool
    crashed: bool | None = None
    error: str | None = None
    attempt: int | None = None
    at_millis: int | None = None
    writer_start_millis: int | None = None
    ended_as: str | None = None
    guest: bool = False


def apply(transaction: Transaction, experiment: Row[Any], report: Report) -> None:
    """Takes the report for the status, unless a newer one was taken before: by attempt, then by time.

    Within an attempt that names itself an end stands against signs of life of any time: they left before it, whatever
    the clocks say, unless they are of a writer that began after it. A time to come counts as now, lest it outrank
    everything until then. A guest's word counts for nothing while the owner is heard, and after the owner's end unless
    the guest joined later.
    """
    if report.guest and _belongs_to_another(experiment, report, transaction.now_millis):
        return
    attempt = experiment.status_attempt if report.attempt is None else report.attempt
    at = transaction.now_millis if report.at_millis is None else min(report.at_millis, transaction.now_millis)
    owner = {} if report.attempt is None else {"owner_millis": transaction.now_millis}
    if _outranked(experiment, report, attempt, at):
        if report.alive and experiment.running and attempt == experiment.status_attempt:
            _hear(transaction, experiment, **owner)
        return
    if report.alive and experiment.running and _says_nothing_new(experiment, report, attempt):
        _hear(transaction, experiment, status_millis=at, **owner)
        return
    columns: dict[str, Any] = {"running": report.alive, "status_attempt": attempt, "status_millis": at, **owner}
    if report.alive:
        columns.update(last_beat_millis=transaction.now_millis, end_millis=None)
        if report.guest and not experiment.running:
            # It joined what was over, and is its only writer now.
            columns["owner_millis"] = 0
    else:
        # Start and end are of one clock, the client's, so that its error does not change how long it lasted.
        columns["end_millis"] = max(at if report.at_millis is None else report.at_millis, experiment.start_millis)
    resumed = (report.alive and not experiment.running) or _takes_up_again(experiment, report)
    # The first one may have left values and no word of how it stood.
    earlier = max(int(experiment.status_attempt), 1)
    if attempt > earlier:
        metrics.set_apart(transaction.connection, experiment.id, earlier)
    if resumed or attempt > experiment.status_attempt:
        # What begins anew has a fate of its own.
        columns.update(crashed=False, error=None, ended_as=None)
    if report.ended_as is not None:
        columns["ended_as"] = report.ended_as
    if report.crashed is not None:
        columns["crashed"] = report.crashed
    if report.error is not None:
        columns["error"] = report.error
    experiments.change(transaction, experiment.id, **columns)


def stop(transaction: Transaction, experiment: Row[Any]) -> None:
    """Ends what runs, now; what was lost ended when it was last heard of. What ended stays as it is."""
    if experiment.running:
        end = standing.require(transaction.connection, experiment.key, transaction.now_millis).ended_millis
        columns = {"running": False, "end_millis": end, "status_millis": transaction.now_millis}
        experiments.change(transaction, experiment.id, **columns)


def _outranked(experiment: Row[Any], report: Report, attempt: int, at_millis: int) -> bool:
    if attempt != experiment.status_attempt:
        return attempt < int(experiment.status_attempt)
    if report.attempt is not None and report.alive == (not experiment.running):
        return report.alive and not _takes_up_again(experiment, report)
    return at_millis < int(experiment.status_millis)


def _belongs_to_another(experiment: Row[Any], report: Report, now_millis: int) -> bool:
    """Whether somebody who named an attempt goes on with it, or ended it after the guest had joined."""
    if experiment.running:
        silent = now_millis - int(experiment.owner_millis) > standing.BEATS_MISSED * standing.BEAT_MILLIS
        return not report.alive and not silent
    return int(experiment.owner_millis) > int(experiment.joined_millis)


def _takes_up_again(experiment: Row[Any], report: Report) -> bool:
    """Whether the writer began after the experiment had ended."""
    start, end = report.writer_start_millis, experiment.end_millis
    return not experiment.running and start is not None and end is not None and start > int(end)


def _says_nothing_new(experiment: Row[Any], report: Report, attempt: int) -> bool:
    told = (report.crashed, report.error, report.ended_as)
    return attempt == int(experiment.status_attempt) and told == (None, None, None)


def _hear(transaction: Transaction, experiment: Row[Any], **columns: int) -> None:
    """Notes a sign of life that changes nothing else."""
    experiments.change_quietly(transaction, experiment.id, last_beat_millis=transaction.now_millis, **columns)

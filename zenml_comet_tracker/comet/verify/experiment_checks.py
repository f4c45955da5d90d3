"""Experiments as a whole: opened in both protocols, named, ended, archived, moved, linked, deleted."""

from __future__ import annotations

import uuid

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.resources import experiments, others, projects, status, symlinks
from zenml_comet_tracker.comet.resources.experiments import Opening
from zenml_comet_tracker.comet.resources.status import Moment
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.outcome import DifferenceError
from zenml_comet_tracker.comet.verify.scratch import Scratch, same

group = Group("experiments")


@group.check("a new experiment is in its project", "POST write/experiment/create")
def _create(scratch: Scratch) -> None:
    _in_project(scratch, scratch.rest)


@group.check("an experiment is opened under our own key", "POST clientlib/logger/add/run", "batch")
def _open(scratch: Scratch) -> None:
    _in_project(scratch, scratch.batch)


@group.check("a key in use is refused, and joined", "POST clientlib/logger/get/run", "batch")
def _join(scratch: Scratch) -> None:
    key, api_key = scratch.batch, scratch.connection.settings.api_key
    opening = Opening(key, scratch.workspace, scratch.project, scratch.millis, join=False)
    try:
        scratch.ask(experiments.open_experiment, api_key, opening)
    except errors.StatusError as error:
        same(errors.EXPERIMENT_EXISTS, error.sdk_error_code)
    else:
        raise DifferenceError("a refusal: the key is in use", "a second experiment")
    joined = scratch.ask(
        experiments.open_experiment,
        api_key,
        Opening(key, scratch.workspace, scratch.project, scratch.millis, join=True),
    )
    same(scratch.project, joined.names[1])


@group.check("an unknown key is said to be unknown", "GET experiment/metadata")
def _unknown(scratch: Scratch) -> None:
    try:
        scratch.ask(experiments.metadata, uuid.uuid4().hex)
    except errors.StatusError as error:
        same(True, error.status in (400, 404))
    else:
        raise DifferenceError("status 400 or 404", "an experiment")


@group.check("all experiments are listed, also page by page", "GET experiments")
def _listed(scratch: Scratch) -> None:
    both = {scratch.rest, scratch.batch}

    def pages() -> set[str]:
        rows = [row for page in (1, 2) for row in scratch.ask(experiments.of_project, scratch.place, page=page, size=1)]
        return {str(row["experimentKey"]) for row in rows}

    scratch.eventually(pages, lambda found: found == both, "both experiments on two pages of one")


@group.check("a name is kept", "POST write/experiment/log-other")
def _name(scratch: Scratch) -> None:
    scratch.ask(others.write, scratch.rest, others.NAME_KEY, "named ✓", scratch.millis)
    _eventually(scratch, scratch.rest, {"experimentName": "named ✓"})


@group.check("the path of the program is kept", "POST write/experiment/file-path")
def _file_path(scratch: Scratch) -> None:
    scratch.ask(experiments.set_file_path, scratch.rest, "/somewhere/train.py")
    _eventually(scratch, scratch.rest, {"filePath": "/somewhere/train.py"})


@group.check("a heartbeat is taken", "GET write/experiment/set-status")
def _beat(scratch: Scratch) -> None:
    rhythm = scratch.ask(status.keep_alive, scratch.rest, Moment(scratch.millis, 1, scratch.millis))
    same(True, 0 < rhythm.beat_seconds < 3_600)


@group.check("a heartbeat is taken", "POST clientlib/status-report/update", "batch")
def _beat_batch(scratch: Scratch) -> None:
    when = Moment(scratch.millis, 1, scratch.millis)
    handshake = scratch.handshake("batch")
    rhythm = scratch.ask(status.report, scratch.connection.settings.api_key, handshake, when, alive=True)
    same(True, 0 < rhythm.beat_seconds < 3_600)
    _eventually(scratch, scratch.batch, {"running": True})


@group.check("a failure is told", "POST write/experiment/update-status")
def _failure(scratch: Scratch) -> None:
    scratch.ask(status.write, scratch.rest, alive=False, crashed=True, error="Boom\n  at line 3")
    _eventually(scratch, scratch.rest, {"running": False, "hasCrashed": True})


@group.check("an experiment that runs is stopped", "GET write/experiment/stop")
def _stop(scratch: Scratch) -> None:
    scratch.ask(status.write, scratch.rest, alive=True, crashed=False)
    _eventually(scratch, scratch.rest, {"running": True})
    scratch.ask(experiments.stop, scratch.rest)
    _eventually(scratch, scratch.rest, {"running": False})


@group.check("start and end are kept to the millisecond", "POST write/experiment/set-start-end-time")
def _times(scratch: Scratch) -> None:
    start, end = scratch.millis - 90_123, scratch.millis - 11
    scratch.ask(status.set_times, scratch.rest, start, end)
    _eventually(scratch, scratch.rest, {"startTimeMillis": start, "endTimeMillis": end, "durationMillis": end - start})


@group.check("an experiment is archived and restored", "GET write/experiment/archive")
def _archive(scratch: Scratch) -> None:
    scratch.ask(experiments.archive, scratch.rest)
    _eventually(scratch, scratch.rest, {"archived": True})
    scratch.ask(experiments.restore, scratch.rest)
    _eventually(scratch, scratch.rest, {"archived": False})


@group.check("an experiment is listed in a second project", "GET write/project/symlink")
def _symlink(scratch: Scratch) -> None:
    _make_other(scratch)
    scratch.ask(symlinks.create, scratch.rest, scratch.other_project)
    _in_project(scratch, scratch.rest, scratch.other_project, own=scratch.project)


@group.check("an experiment is moved, and deleted for good", "POST write/experiment/move")
def _move(scratch: Scratch) -> None:
    _make_other(scratch)
    key = scratch.ask(experiments.create, scratch.workspace, scratch.project)
    scratch.ask(experiments.move, [key], scratch.workspace, scratch.other_project, symlink=False)
    _in_project(scratch, key, scratch.other_project)
    scratch.ask(experiments.delete, key)
    place = projects.named(scratch.workspace, scratch.other_project)
    scratch.eventually(
        lambda: [str(row["experimentKey"]) for row in scratch.ask(experiments.of_project, place)],
        lambda keys: key not in keys,
        "an experiment that was deleted not among those of its project",
    )


def _make_other(scratch: Scratch) -> None:
    if not scratch.memory.get("other_project"):
        scratch.ask(projects.create, scratch.workspace, scratch.other_project, None, public=False)
        scratch.memory["other_project"] = True


def _in_project(scratch: Scratch, key: str, project: str | None = None, own: str | None = None) -> None:
    """The experiment is among those of the project, and says that `own` is the one that it belongs to."""
    project = project or scratch.project
    place = projects.named(scratch.workspace, project)
    found = scratch.eventually(
        lambda: {str(row["experimentKey"]): row for row in scratch.ask(experiments.of_project, place)},
        lambda rows: key in rows,
        "the experiment among those of its project",
    )
    same(own or project, found[key]["projectName"])


def _eventually(scratch: Scratch, key: str, expected: dict[str, object]) -> None:
    def read() -> dict[str, object]:
        metadata = scratch.ask(experiments.metadata, key)
        return {name: metadata.get(name) for name in expected}

    scratch.eventually(read, lambda got: got == expected, expected)

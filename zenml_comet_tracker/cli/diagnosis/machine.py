"""This machine: where journals go, which versions are installed, what ZenML's store knows of our flavor."""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from zenml_comet_tracker import __version__
from zenml_comet_tracker.cli.diagnosis.findings import Finding, failed, note, ok, skipped
from zenml_comet_tracker.cli.diagnosis.subject import Subject

if TYPE_CHECKING:
    from zenml_comet_tracker.local.launch import RunningServer

_DISTRIBUTION = "zenml-comet-tracker"
# Below this a journal may not take the metrics of one long step.
_LEAST_FREE = 64 << 20
_ELSEWHERE = "Name a folder that can be written and lasts: ZENML_COMET_JOURNAL, or the component's journal_folder."


def journal(subject: Subject) -> Finding:
    """Whether values can wait for their delivery where they are to."""
    from zenml_comet_tracker.comet.journal import place

    folders = [*place.named_folders(subject.journal_folder), *place.state_folders()]
    if not folders:
        return failed("journal", "there is no home folder, so journals go to the temporary one", _ELSEWHERE)
    problem = place.problem_with(folders[0])
    if problem:
        return failed("journal", f"{folders[0]} cannot be used: {problem}", _ELSEWHERE)
    return _full(folders[0], subject) or _lasting(folders[0], subject)


def _full(folder: Path, subject: Subject) -> Finding | None:
    from zenml_comet_tracker.comet.errors import ConfigurationError
    from zenml_comet_tracker.comet.journal import room

    try:
        limit = room.limit_of(subject.journal_max_bytes)
    except ConfigurationError as error:
        return failed("journal", str(error), "")
    used, free = room.size_below(folder), shutil.disk_usage(folder).free
    deliver = "Deliver what waits: zenml-comet sync; zenml-comet pending says what that is."
    if used >= limit * room.FILES_SHARE:
        more = "journal_max_bytes of the component, or ZENML_COMET_JOURNAL_MAX_BYTES, allows more."
        return failed("journal", f"{folder} holds {_size(used)} of the {_size(limit)} it may", f"{deliver} {more}")
    if free < _LEAST_FREE:
        return failed("journal", f"the disk of {folder} has {_size(free)} left", f"Make room there. {deliver}")
    return None


def _lasting(folder: Path, subject: Subject) -> Finding:
    from zenml_comet_tracker.tracker.permanence import find_journal

    if find_journal(subject.journal_folder, subject.journal_persistent).persistent:
        return ok("journal", str(folder))
    if subject.journal_persistent is False:
        return note("journal", f"{folder}, which does not outlive the step (journal_persistent=false)")
    return note(
        "journal",
        f"{folder} is in a container and on no volume: what an outage leaves there is lost with the container",
        f"{_ELSEWHERE} If it does last, say so: journal_persistent=true.",
    )


def versions(subject: Subject) -> Finding:
    """Whether what is installed goes together: this package, ZenML, the local Comet that runs."""
    from packaging.requirements import Requirement

    from zenml_comet_tracker.local import launch

    told = [f"{_DISTRIBUTION} {__version__}"]
    try:
        required = [Requirement(line) for line in importlib.metadata.requires(_DISTRIBUTION) or ()]
        wanted = next(one.specifier for one in required if one.name == "zenml" and one.marker is None)
        zenml = importlib.metadata.version("zenml")
    except (importlib.metadata.PackageNotFoundError, StopIteration) as error:
        fix = f"Install it again: pip install {_DISTRIBUTION}"
        return failed("versions", f"what is installed cannot be made out ({error or 'no ZenML is required'})", fix)
    told.append(f"ZenML {zenml}")
    if not wanted.contains(zenml, prereleases=True):
        fix = f"Install one that does: pip install --upgrade {_DISTRIBUTION} 'zenml{wanted}'"
        return failed("versions", f"{told[0]} goes with ZenML {wanted}; {zenml} is installed", fix)
    running = launch.find()
    return _daemon(running, told) if running is not None else ok("versions", ", ".join(told))


def _daemon(running: RunningServer, told: list[str]) -> Finding:
    from packaging.version import Version

    told = [*told, f"local Comet {running.version}"]
    if Version(running.version) > Version(__version__):
        fix = f"Upgrade this one (pip install --upgrade {_DISTRIBUTION}), or stop it: zenml-comet down"
        return failed("versions", f"{', '.join(told)}: the local Comet is of a newer installation", fix)
    if running.version != __version__:
        return note("versions", f"{', '.join(told)}: the local Comet is started anew when it is next used")
    return ok("versions", ", ".join(told))


def flavor(subject: Subject) -> Finding:
    """Whether ZenML knows our flavor as this package has it."""
    from zenml_comet_tracker.cli.registration.flavors import compare_flavor, flavor_row

    if subject.client is None:
        return skipped("flavor", "ZenML was not asked")
    try:
        row = flavor_row(subject.client)
    except Exception as error:
        # The store was there a moment ago; its errors have no common base.
        return failed("flavor", f"ZenML's store cannot be read: {error}", "Look at it with: zenml status")
    if row is None:
        return note("flavor", "comet_rest is not registered in ZenML", "Register it: zenml-comet setup")
    difference = compare_flavor(row)
    if not difference.differs:
        return ok("flavor", "comet_rest is registered as this package has it")
    told = f"what ZenML has registered {difference}"
    if difference.only_there:
        return failed("flavor", told, f"It may be newer than this package: pip install --upgrade {_DISTRIBUTION}")
    cure = "Bring it up to date: zenml-comet setup"
    return failed("flavor", told, cure) if difference.matters else note("flavor", told, cure)


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"

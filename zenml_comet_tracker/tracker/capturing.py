"""What of a step is captured without being logged: its output, source and repository, and the machine it runs on."""

from __future__ import annotations

import functools
import logging
import sys
import tokenize
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from zenml_comet_tracker.comet import forks
from zenml_comet_tracker.comet.capture import NOTHING, CaptureOptions, git
from zenml_comet_tracker.comet.capture import code as programs
from zenml_comet_tracker.comet.capture.code import Code
from zenml_comet_tracker.comet.capture.git import GitState
from zenml_comet_tracker.comet.capture.part import Part
from zenml_comet_tracker.tracker import calls
from zenml_comet_tracker.tracker.context import held
from zenml_comet_tracker.tracker.runs import step_runs

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo
    from zenml.models.v2.core.step_run import StepRunInputResponse

    from zenml_comet_tracker.flavor import CometExperimentTrackerSettings

logger = logging.getLogger(__name__)

# Larger ones are seen as input artifacts.
_PLAIN = {"builtins.bool", "builtins.int", "builtins.float", "builtins.str"}
# One look at a repository at a time: steps that begin together take the answer of the first.
_looking = forks.Lock()


def options(info: StepRunInfo, settings: CometExperimentTrackerSettings) -> CaptureOptions:
    """What is to be captured of a step, by its settings; nothing, with a warning, when that cannot be found out."""
    try:
        return _options(info, settings)
    except Exception:
        logger.warning("Nothing is captured of step %s.", info.pipeline_step_name, exc_info=True)
        return NOTHING


def _options(info: StepRunInfo, settings: CometExperimentTrackerSettings) -> CaptureOptions:
    # Nothing below keeps the info: ZenML letting go of it is how one knows that a step never ran.
    file = _file(info)
    text = None if file is not None or _in_notebook(info) else held(info.step_run, "source_code")
    name = info.spec.source.attribute or info.pipeline_step_name
    reference = held(info.snapshot, "code_reference")
    commit = None if reference is None else reference.commit
    return CaptureOptions(
        log_output=settings.log_output,
        log_error=settings.log_output,
        log_code=settings.log_code,
        log_system_details=settings.log_environment,
        log_git_info=settings.log_git,
        log_system_metrics=settings.log_system_metrics,
        system_metrics_seconds=settings.system_metrics_seconds,
        part=Part(
            speaks=_speaks(info.step_run_id),
            code=functools.partial(_source, file, text, f"{name}.py"),
            git=functools.partial(_repository, file, info.run_id, commit, patch=settings.log_git_patch),
            consoles=console_streams,
            parameters=_given(info) if settings.log_step_parameters else None,
        ),
    )


def _given(info: StepRunInfo) -> Callable[[], dict[str, Any]] | None:
    """What finds the plain values that a dynamic pipeline gave to the step: ZenML makes artifacts of them."""
    inputs = info.step_run.inputs.items()
    given = {name: version for name, (version, *more) in inputs if not more and _is_plain(version)}
    return functools.partial(_loaded, given) if given else None


def _is_plain(version: StepRunInputResponse) -> bool:
    return version.input_type.value == "external" and version.data_type.import_path in _PLAIN


def _loaded(given: Mapping[str, StepRunInputResponse]) -> dict[str, Any]:
    from zenml.artifacts.utils import load_artifact_from_response

    return {name: load_artifact_from_response(version) for name, version in given.items()}


def _source(file: Path | None, text: str | None, name: str) -> Code | None:
    """The file that the step's function stands in; without one, what ZenML keeps of the function's source.

    None in a notebook, whose cells are the source.
    """
    if file is not None and file.stat().st_size <= programs.MAX_BYTES:
        with tokenize.open(str(file)) as stream:
            return Code(stream.read(), file.name, str(file))
    return Code(text, name) if text else None


def _repository(file: Path | None, run_id: UUID, commit: str | None, *, patch: bool) -> GitState | None:
    """The repository that the step's source lies in; without one, the commit that ZenML took the code from.

    Looked at once for all steps of a run in this process: they run the same code.
    """
    with _looking:
        found = _state(Path.cwd() if file is None else file.parent, run_id, patch)
    return found or (GitState({"parent": commit}, None) if commit else None)


def console_streams() -> list[Any]:
    """Where ZenML's own log handlers write: beside `sys.stdout`, to show on the console what is logged."""
    return [
        handler.stream
        for handler in logging.root.handlers
        if isinstance(handler, logging.StreamHandler)
        and type(handler).__module__.split(".")[0] == "zenml"
        and handler.stream not in (sys.stdout, sys.stderr)
    ]


@functools.lru_cache(maxsize=8)
def _state(folder: Path, run_id: UUID, patch: bool) -> GitState | None:
    return git.state_of(folder, patch=patch)


def _speaks(step_run_id: UUID) -> Callable[[], bool]:
    """Whether the calling thread is the step's, by the same rule as for its logging calls."""

    def speaks() -> bool:
        return any(run.step_run_id == step_run_id for run in step_runs.of_caller(calls.calling_step()))

    return speaks


def _file(info: StepRunInfo) -> Path | None:
    file = getattr(_module(info), "__file__", None)
    path = Path(file).absolute() if isinstance(file, str) else None
    return path if path is not None and path.is_file() and path.suffix == ".py" else None


def _in_notebook(info: StepRunInfo) -> bool:
    return _module(info) is sys.modules.get("__main__")


def _module(info: StepRunInfo) -> Any:
    """The module of the step's function, which ZenML has imported by now; its name may be that of the script."""
    for known in (info.spec.source.module, "__main__"):
        module = sys.modules.get(known)
        if module is not None and hasattr(module, (info.spec.source.attribute or "").split(".")[0]):
            return module
    return None

"""The experiment that is being logged now: a new one, or one that is taken up again."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import weakref
from dataclasses import replace

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.arguments import checked_key
from zenml_comet_tracker.comet.capture import CaptureOptions
from zenml_comet_tracker.comet.connection import Connection, connect
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.resources import experiments

logger = logging.getLogger(__name__)

_active: weakref.WeakSet[Experiment] = weakref.WeakSet()


def create_experiment(
    experiment_name: str | None = None,
    project_name: str | None = None,
    workspace_name: str | None = None,
    api_key: str | None = None,
    keep_active: bool = True,
    log_output: bool = True,
    log_error: bool = False,
    log_code: bool = True,
    log_system_details: bool = True,
    log_git_info: bool = False,
) -> Experiment:
    """A new experiment, with what its program prints, its code and the machine it runs on; says where it is shown.

    It ends by itself with the program. `keep_active` marks it as running until it is stopped. `log_error` logs what
    goes to stderr, and still shows it. `log_system_details` samples CPU, memory, disk, network and GPU as well.
    `log_git_info` needs `git`. What is left out comes from the environment and from Comet's configuration files.

    Raises what the server says against it (`UnauthorizedError`, `StatusError`, ...), `ConfigurationError` without an
    API key. A server that does not answer is no reason to fail: what is logged waits in the journal.

    >>> experiment = create_experiment(project_name="digits")        # doctest: +SKIP
    Experiment created: https://www.comet.com/me/digits/...
    """
    _warn_of_others()
    connection = connect(api_key, workspace_name, project_name)
    settings, key = connection.settings, checked_key(connection.settings.experiment_key)
    page = None if settings.offline else _opened(connection, key)
    # Before anything is captured: it is no output of the program.
    logger.info("Experiment %s is %s", key, f"opened: {page}" if page else "not opened yet")
    _say(f"Experiment created: {page}" if page else f"Experiment created, not delivered yet: {key}")
    experiment = Experiment(
        settings=replace(settings, experiment_key=key),
        experiment_name=experiment_name,
        # It is opened already, unless nobody answered.
        mode="get_or_create",
        primary=keep_active,
        capture=CaptureOptions(
            log_output=log_output,
            log_error=log_error,
            log_code=log_code,
            log_system_details=log_system_details,
            log_git_info=log_git_info,
            log_system_metrics=log_system_details,
        ),
    )
    _active.add(experiment)
    return experiment


def get_experiment(
    experiment_key: str,
    api_key: str | None = None,
    keep_active: bool = False,
    log_output: bool = False,
    log_error: bool = False,
    log_code: bool = False,
    log_system_details: bool = False,
    log_git_info: bool = False,
) -> Experiment:
    """An experiment that exists, to read it and to log more to it; arguments as for `create_experiment`.

    Without `keep_active` it stays as it is: neither running nor ended by us. Raises `NotFoundError` when there is none
    of this key, and `ConnectionFailedError` when nobody can say so.
    """
    with connect(api_key) as connection:
        found = experiments.metadata(connection.transport, checked_key(experiment_key))
    capture = CaptureOptions(
        log_output=log_output,
        log_error=log_error,
        log_code=log_code,
        log_system_details=log_system_details,
        log_git_info=log_git_info,
        log_system_metrics=log_system_details,
    )
    if keep_active:
        _warn_of_others()
    settings = replace(
        connection.settings,
        workspace=found.get("workspaceName"),
        project_name=found.get("projectName"),
        experiment_key=experiment_key,
    )
    experiment = Experiment(
        settings=settings,
        mode="get_or_create",
        primary=keep_active,
        capture=capture,
    )
    if keep_active:
        _active.add(experiment)
    return experiment


def _opened(connection: Connection, key: str) -> str | None:
    """The page of the experiment that is opened now; None when nobody answers, or the server takes no key of ours."""
    settings = connection.settings
    opening = experiments.Opening(
        key,
        settings.workspace,
        settings.project_name,
        time.time_ns() // 1_000_000,
        join=settings.experiment_key is not None,
    )
    try:
        with connection:
            handshake = experiments.open_experiment(connection.transport, settings.api_key, opening)
    except errors.RequestError as error:
        no_such_path = isinstance(error, errors.NotFoundError) and not error.sdk_error_code
        if not error.retryable and not no_such_path:
            raise
        logger.warning("%s. What is logged waits in the journal.", error)
        return None
    return handshake.page or experiments.page(connection.root, settings.workspace, settings.project_name, key)


def _warn_of_others() -> None:
    """Comet's habit is one at a time, but who forgot to stop one is to lose nothing of either."""
    for other in list(_active):
        if other.ended:
            _active.discard(other)
            continue
        logger.warning(
            "Experiment %s is still active, and gets what the program prints, too. Call stop() on one that is over.",
            other.id,
        )


def _say(text: str) -> None:
    # There may be no console, or one that is closed.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(f"{text}\n")

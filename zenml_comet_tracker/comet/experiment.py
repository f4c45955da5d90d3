"""Live logging to one experiment. No call waits for the network, none raises into the step (unless `strict`)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet.handle import Handle, new_handle
from zenml_comet_tracker.comet.inheritance import settled
from zenml_comet_tracker.comet.live import Live
from zenml_comet_tracker.comet.ranks import is_first_on_its_node
from zenml_comet_tracker.comet.settings import ResolvedSettings
from zenml_comet_tracker.comet.surface.actions import Actions
from zenml_comet_tracker.comet.surface.artifacts import Artifacts
from zenml_comet_tracker.comet.surface.charts import Charts
from zenml_comet_tracker.comet.surface.contexts import Contexts
from zenml_comet_tracker.comet.surface.facts import Facts
from zenml_comet_tracker.comet.surface.files import Files
from zenml_comet_tracker.comet.surface.identity import Identity
from zenml_comet_tracker.comet.surface.life import Life
from zenml_comet_tracker.comet.surface.machine import Machine
from zenml_comet_tracker.comet.surface.models import Models
from zenml_comet_tracker.comet.surface.registry import Registering
from zenml_comet_tracker.comet.surface.sources import Sources
from zenml_comet_tracker.comet.surface.tables import Tables
from zenml_comet_tracker.comet.surface.values import Values

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.capture import CaptureOptions


class Experiment(
    Identity,
    Values,
    Contexts,
    Facts,
    Machine,
    Sources,
    Files,
    Charts,
    Tables,
    Models,
    Artifacts,
    Registering,
    Actions,
    Life,
):
    """One experiment that is being logged. Constructing it does no network I/O; what is logged goes to a journal on
    disk first and is delivered in the background; with `url="offline"` it stays there for `zenml-comet sync`.

    Arguments left out come from the environment and Comet's configuration files (see `comet.settings`). With `strict`,
    a value that cannot be logged raises `InvalidValueError`, and an `end` that leaves something undelivered raises
    `DeliveryError`. `durability="sync"` survives a power cut too, at the price of one fsync a call. `protocol` is
    "batch", "rest", or "auto", which finds out what the server allows. Only a `primary` writer sets the end status.
    `capture` says what of the program is taken along: what it prints, its code, git, the machine. `ranks` is for
    distributed training: "zero" has rank 0 alone log, "all" has all of them log to one experiment, each by its name. A
    process that was started with the environment of an experiment (see `env`) joins that one. Raises
    `ConfigurationError` for a missing API key or an unusable setting, `JournalError` when no journal can be written.

    >>> with Experiment(project_name="digits") as experiment:        # doctest: +SKIP
    ...     experiment.log_metric("loss", 0.3, step=1)
    """

    def __init__(
        self,
        api_key: str | None = None,
        project_name: str | None = None,
        workspace: str | None = None,
        *,
        url: str | None = None,
        experiment_key: str | None = None,
        experiment_name: str | None = None,
        tags: Iterable[str] = (),
        mode: str = "create",
        attempt: int = 1,
        primary: bool = True,
        journal_folder: str | PathLike[str] | None = None,
        strict: bool = False,
        durability: str = "process",
        journal_max_bytes: int | None = None,
        journal_persistent: bool | None = None,
        protocol: str | None = None,
        component_id: str | None = None,
        settings: ResolvedSettings | None = None,
        capture: CaptureOptions | None = None,
        ranks: str | None = None,
    ) -> None:
        joined = None
        if settings is None:
            settings, joined = settled(api_key, workspace, project_name, url, experiment_key)
        if joined is not None:
            handle = joined.with_own(strict=strict, journal_folder=journal_folder, ranks=ranks)
        else:
            handle = new_handle(
                settings,
                mode=mode,
                attempt=attempt,
                primary=primary,
                journal_folder=journal_folder,
                strict=strict,
                durability=durability,
                journal_max_bytes=journal_max_bytes,
                journal_persistent=journal_persistent,
                protocol=protocol,
                component_id=component_id,
                ranks=ranks,
            )
        self._open(handle, Live(handle, lazy=joined is not None))
        if capture is not None and not self._live.ranks.silent:
            self._capture(capture)
        self.add_tags(tags)
        # Behind the tags: it is one of the others, and goes with those that are logged first.
        if experiment_name:
            self.set_name(experiment_name)

    def _capture(self, options: CaptureOptions) -> None:
        # Who captures nothing need not wait for its import.
        from zenml_comet_tracker.comet.capture.capture import begin

        if self._live.ranks.context is not None:
            # Program and machine are those of rank zero, but for the load of other machines.
            load = options.log_system_metrics and is_first_on_its_node(os.environ)
            options = replace(
                options, log_code=False, log_system_details=False, log_git_info=False, log_system_metrics=load
            )
        secrets = (self._settings.api_key, *self._settings.extra_headers.values())
        taken = begin(options, self._record, secrets, self._live.monitor_seconds)
        self._live.companions.attend(taken)

    def __reduce__(self) -> tuple[Any, ...]:
        """A handle for another process: it writes to the same experiment, with its first call, and does not end it."""
        return _arrive, (type(self), replace(self._live.handle(), name=self._name))

    def __copy__(self) -> Experiment:
        """Itself: there is one of it in a process."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Experiment:
        """Itself, as with `copy.copy`."""
        return self

    def __repr__(self) -> str:
        return f"Experiment({self.id!r}, root={self._settings.root!r})"

    def __enter__(self) -> Experiment:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.end()
        else:
            # Nothing may take the place of the exception that is on its way.
            self._end(error, None)


def _arrive(kind: type[Experiment], sent: Handle) -> Experiment:
    """The experiment of the process that unpickles a handle."""
    experiment = kind.__new__(kind)
    handle = sent.arrived()
    experiment._open(handle, Live(handle, lazy=True))
    return experiment

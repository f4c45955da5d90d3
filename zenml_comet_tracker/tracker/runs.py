"""The experiments of the steps that are running in this process, and which of them a call belongs to.

ZenML keeps one tracker object for the whole process and runs the steps of a dynamic pipeline in threads, so nothing
about a step is kept on the tracker. Knows nothing of ZenML: steps and components are their ids.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from zenml_comet_tracker.comet import forks
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.inheritance import untracked_environment
from zenml_comet_tracker.comet.stats import DeliveryReport, Stats
from zenml_comet_tracker.tracker.attempts import Attempt
from zenml_comet_tracker.tracker.telling import Telling

_current_step: ContextVar[UUID | None] = ContextVar("zenml_comet_current_step", default=None)


class InertExperiment:
    """Takes the place of an experiment that could not be made: keeps nothing, counts the calls, says so when asked.

    Its other methods and properties are those of `Experiment`, answer None and do nothing.
    """

    def __init__(self, key: str) -> None:
        self.id = key
        self.ignored_calls = 0

    def get_key(self) -> str:
        """The key that the experiment would have had."""
        return self.id

    def env(self) -> dict[str, str]:
        """The variables by which child processes log nothing either."""
        return untracked_environment(self.id)

    def stats(self) -> Stats:
        """Nothing was accepted; every call was dropped."""
        return Stats(dropped={"the step is not tracked": self.ignored_calls})

    def end(self, *_: Any, **__: Any) -> DeliveryReport:
        """Nothing was delivered."""
        return DeliveryReport(False, self.stats(), reason="the step is not tracked")

    def flush(self, timeout: float | None = None) -> bool:
        """False: nothing was delivered."""
        return False

    def __getattr__(self, name: str) -> Any:
        member = getattr(Experiment, name)
        return None if isinstance(member, property) else self._ignore

    def train(self, *_: Any) -> contextlib.AbstractContextManager[None]:
        """For `with`, where nothing is logged either."""
        return contextlib.nullcontext()

    validate = test = context_manager = train

    def __enter__(self) -> InertExperiment:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def _ignore(self, *_: Any, **__: Any) -> None:
        self.ignored_calls += 1


@dataclass(eq=False)
class StepRun:
    """One step run as one tracker component sees it. `finish_timeout` is in seconds.

    `alone` says that ZenML runs no other step of the pipeline beside it in this process, `persistent` that its journal
    outlives the step's process, `offline` that nothing is sent. `told` is what ZenML was told when the step's function
    was done, `lost` how many values were undelivered at the end, in what does not outlive the step. `followed` says
    that it is ended when ZenML leaves the step's context, `succeeded` that the step's function did. `outer_error` was
    being handled when the step began; `owner` is what ZenML holds as long as it is at the step. `telling` is what is
    told beyond that, None for a stand-in. `label` tells the second tracker of a step from the first. `at_work` says
    that the step's function has made a logging call. `usual_name` is what its experiment is called unless somebody
    says otherwise, `interruption` is what a signal's handler raised where ZenML keeps it to itself.
    """

    component_id: UUID
    step_run_id: UUID
    name: str
    key: str
    experiment: Experiment
    finish_timeout: float
    alone: bool = False
    persistent: bool = True
    offline: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    lost: int = 0
    attempt: Attempt = field(default_factory=Attempt)
    strict: bool = False
    followed: bool = False
    succeeded: bool = False
    outer_error: BaseException | None = field(default=None, repr=False)
    owner: weakref.ref[Any] | None = field(default=None, repr=False)
    telling: Telling | None = None
    label: str = ""
    at_work: bool = False
    usual_name: str = ""
    interruption: Exception | None = field(default=None, repr=False)
    _older_threads: weakref.WeakSet[threading.Thread] = field(
        default_factory=lambda: weakref.WeakSet(threading.enumerate()), repr=False
    )
    _token: Token[UUID | None] | None = field(default=None, repr=False)
    _deadline: float | None = field(default=None, repr=False)

    @property
    def inert(self) -> InertExperiment | None:
        """The stand-in, when the step could not be tracked."""
        experiment: object = self.experiment
        return experiment if isinstance(experiment, InertExperiment) else None

    def started(self, thread: threading.Thread) -> bool:
        """Whether this step must have started the thread: it is younger, and no other step was there to start it."""
        # Nobody knows how old a thread is that Python's threading did not start.
        return self.alone and thread not in self._older_threads and not isinstance(thread, threading._DummyThread)

    @property
    def let_go(self) -> bool:
        """Whether ZenML is through with the step, on whichever way."""
        return self.owner is not None and self.owner() is None

    def time_left(self, clock: Callable[[], float] = time.monotonic) -> float:
        """Seconds that may still be waited for delivery; the first call starts the clock."""
        if self._deadline is None:
            self._deadline = clock() + self.finish_timeout
        return max(0.0, self._deadline - clock())

    def stop_the_clock(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody waits for delivery until `time_left` is called again."""
        self.finish_timeout, self._deadline = self.time_left(clock), None


class StepRuns:
    """The running step runs. Reading takes no lock, so that a forked child never waits for a thread it lacks."""

    def __init__(self) -> None:
        self._lock = forks.Lock()
        self._running: tuple[StepRun, ...] = ()

    def add(self, run: StepRun) -> None:
        """Make it the step run of the calling context."""
        with self._lock:
            self._running = (*self._running, run)
        # A second tracker of the same step must not take the first one's mark for its own.
        if _current_step.get() != run.step_run_id:
            run._token = _current_step.set(run.step_run_id)

    def get(self, component_id: UUID, step_run_id: UUID) -> StepRun | None:
        """The run of exactly this step and component, if it is running."""
        for run in self._running:
            if (run.component_id, run.step_run_id) == (component_id, step_run_id):
                return run
        return None

    def pop(self, component_id: UUID, step_run_id: UUID) -> StepRun | None:
        """Take a run out, and its mark out of the calling context."""
        with self._lock:
            run = self.get(component_id, step_run_id)
            self._running = tuple(other for other in self._running if other is not run)
        if run is not None and run._token is not None:
            # ValueError: the clean-up runs in another context than the preparation did, which has no mark.
            with contextlib.suppress(ValueError):
                _current_step.reset(run._token)
        return run

    def pop_abandoned(self, *alive: UUID | None) -> list[StepRun]:
        """Take out the runs that ZenML let go of without a clean-up: prepared by this context, or held by nobody.

        Not those of the steps `alive`: the one that is being prepared, by another tracker, and the one whose function
        is starting a pipeline of its own.
        """
        marked = _current_step.get()
        abandoned = [
            run for run in self._running if run.step_run_id not in alive and (run.step_run_id == marked or run.let_go)
        ]
        return [run for run in abandoned if self.pop(run.component_id, run.step_run_id)]

    def pop_all(self) -> list[StepRun]:
        """Take out every run, when the process ends."""
        with self._lock:
            left, self._running = list(self._running), ()
        return left

    @property
    def running(self) -> tuple[StepRun, ...]:
        """Those that run now."""
        return self._running

    @property
    def any_running(self) -> bool:
        """Whether any step runs in this process."""
        return bool(self._running)

    def of_caller(self, calling_step: UUID | None, component_id: UUID | None = None) -> tuple[StepRun, ...]:
        """The runs that a logging call belongs to, one for each tracker of the step; empty when there is none.

        By the step whose function is running, else by the mark of the context, else (a thread that was started without
        a context) the only step that is running, when it must have started this thread. With `component_id`, that
        tracker's run if it has one.
        """
        step = calling_step or _current_step.get()
        runs = self._of_thread() if step is None else tuple(run for run in self._running if run.step_run_id == step)
        return tuple(run for run in runs if run.component_id == component_id) or runs

    def _of_thread(self) -> tuple[StepRun, ...]:
        running, thread = self._running, threading.current_thread()
        only_one = len({run.step_run_id for run in running}) == 1
        return running if only_one and all(run.started(thread) for run in running) else ()


def inert(key: str) -> Experiment:
    """An experiment that keeps nothing, for a step that could not be tracked."""
    return cast(Experiment, InertExperiment(key))


step_runs = StepRuns()

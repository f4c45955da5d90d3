"""Which experiment a call belongs to, shown without ZenML: steps and components are ids here."""

from __future__ import annotations

import _thread
import contextvars
import threading
import uuid
import weakref
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from zenml_comet_tracker.tracker import calls
from zenml_comet_tracker.tracker.runs import StepRun, StepRuns, inert

FIRST, SECOND = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def runs() -> StepRuns:
    return StepRuns()


def _run(component: UUID = FIRST, step: UUID | None = None, *, alone: bool = True) -> StepRun:
    key = "k" * 40
    return StepRun(component, step or uuid.uuid4(), "run_step", key, inert(key), finish_timeout=10.0, alone=alone)


def _in_thread(work: Callable[[], Any]) -> Any:
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()
    thread.join(10)
    return result[0]


def test_the_running_step_comes_before_everything_else(runs: StepRuns) -> None:
    mine, other = _run(), _run()
    runs.add(other)
    runs.add(mine)

    assert runs.of_caller(other.step_run_id) == (other,)
    assert runs.of_caller(None) == (mine,)


def test_a_step_without_a_run_gets_nobody_elses(runs: StepRuns) -> None:
    runs.add(_run())
    assert runs.of_caller(uuid.uuid4()) == ()


def test_a_thread_without_context_gets_the_step_that_must_have_started_it(runs: StepRuns) -> None:
    lone = _run()
    runs.add(lone)
    assert _in_thread(lambda: runs.of_caller(None)) == (lone,)

    runs.add(_run())
    assert _in_thread(lambda: runs.of_caller(None)) == ()


def test_a_thread_without_context_gets_nothing_where_other_steps_may_have_started_it(runs: StepRuns) -> None:
    runs.add(_run(alone=False))
    assert _in_thread(lambda: runs.of_caller(None)) == ()


@pytest.mark.parametrize("earlier_was_tracked", [True, False])
def test_a_thread_older_than_the_step_gets_nothing(runs: StepRuns, earlier_was_tracked: bool) -> None:
    found: list[tuple[StepRun, ...]] = []
    ask, answered = threading.Semaphore(0), threading.Semaphore(0)

    def work() -> None:
        for _ in range(2):
            assert ask.acquire(timeout=10)
            found.append(runs.of_caller(None))
            answered.release()

    earlier = _run()
    if earlier_was_tracked:
        runs.add(earlier)
    thread = threading.Thread(target=work)
    thread.start()
    ask.release()
    assert answered.acquire(timeout=10)
    runs.pop(FIRST, earlier.step_run_id)
    runs.add(_run())
    ask.release()
    thread.join(10)

    assert found == [(earlier,) if earlier_was_tracked else (), ()]


def test_a_thread_that_python_did_not_start_gets_nothing(runs: StepRuns) -> None:
    runs.add(_run())
    found: list[tuple[StepRun, ...]] = []
    done = threading.Event()

    def work() -> None:
        found.append(runs.of_caller(None))
        done.set()

    _thread.start_new_thread(work, ())
    assert done.wait(10)
    assert found == [()]


def test_a_thread_with_a_copied_context_gets_its_step(runs: StepRuns) -> None:
    runs.add(_run())
    mine = _run()
    runs.add(mine)
    context = contextvars.copy_context()
    assert _in_thread(lambda: context.run(runs.of_caller, None)) == (mine,)


def test_a_thread_that_outlives_its_step_gets_nothing(runs: StepRuns) -> None:
    gone, alive = _run(), _run()
    runs.add(gone)
    context = contextvars.copy_context()
    runs.pop(FIRST, gone.step_run_id)
    runs.add(alive)
    assert _in_thread(lambda: context.run(runs.of_caller, None)) == ()


def test_two_trackers_of_a_step_are_told_apart(runs: StepRuns) -> None:
    step = uuid.uuid4()
    one, two = _run(FIRST, step), _run(SECOND, step)
    runs.add(one)
    runs.add(two)

    assert runs.of_caller(step) == (one, two)
    assert runs.of_caller(step, SECOND) == (two,)
    assert runs.of_caller(step, uuid.uuid4()) == (one, two)


def test_no_mark_is_left_when_both_trackers_of_a_step_are_done(runs: StepRuns) -> None:
    step = uuid.uuid4()
    for component in (FIRST, SECOND):
        runs.add(_run(component, step))
    assert [runs.pop(c, step) is not None for c in (FIRST, SECOND, FIRST)] == [True, True, False]

    later = _run()
    assert runs.of_caller(None) == ()
    runs.add(later)
    assert runs.pop_abandoned(None) == [later]


def test_a_run_whose_cleanup_never_came_is_taken_out_by_the_next_step_only(runs: StepRuns) -> None:
    abandoned = _run()
    runs.add(abandoned)

    assert _in_thread(lambda: runs.pop_abandoned(None)) == []
    assert runs.pop_abandoned(uuid.uuid4(), abandoned.step_run_id) == [], "a step that starts a pipeline is running"
    assert runs.pop_abandoned(None) == [abandoned]
    assert runs.pop_abandoned(None) == []


def test_a_step_that_started_another_pipeline_is_current_again_afterwards(runs: StepRuns) -> None:
    outer, inner = _run(), _run()
    runs.add(outer)
    runs.add(inner)
    runs.pop(FIRST, inner.step_run_id)
    assert runs.of_caller(None) == (outer,)


def test_a_run_cleaned_up_elsewhere_is_gone_here_too(runs: StepRuns) -> None:
    run = _run()
    runs.add(run)
    assert _in_thread(lambda: runs.pop(FIRST, run.step_run_id)) is run
    assert runs.of_caller(None) == ()


def test_waiting_is_shared_by_the_hooks_of_a_step() -> None:
    now = [100.0]
    run = _run()
    assert run.time_left(lambda: now[0]) == 10.0
    now[0] = 107.0
    assert run.time_left(lambda: now[0]) == 3.0
    now[0] = 200.0
    assert run.time_left(lambda: now[0]) == 0.0


def test_the_stand_in_takes_every_call_of_an_experiment_and_counts_them() -> None:
    run = _run()
    with run.experiment as experiment:
        experiment.log_metric("loss", 1.0, step=1)
        with experiment.train(), experiment.context_manager("own"):
            experiment.log_figure("f", None)
        assert (experiment.url, experiment.get_key()) == (None, run.key)
        assert experiment.stats().dropped == {"the step is not tracked": 2}

    assert run.inert is not None
    assert run.inert.ignored_calls == 2
    with pytest.raises(AttributeError):
        _ = experiment.log_mtric  # type: ignore[attr-defined]


def test_a_thread_of_no_step_is_told_once_and_not_for_each_call(caplog: pytest.LogCaptureFixture) -> None:
    def flood() -> None:
        for index in range(100):
            calls.log_metrics({"lost": index})

    for _ in range(2):
        thread = threading.Thread(target=flood)
        thread.start()
        thread.join(10)

    told = [record.getMessage() for record in caplog.records if "log_metrics was ignored" in record.getMessage()]
    assert 1 <= len(told) <= 2
    assert "copy_context().run" in told[0]


def test_a_run_that_zenml_let_go_of_is_abandoned_in_every_context(runs: StepRuns) -> None:
    class Info:
        """What ZenML holds of a step while it is at it."""

    held, dropped = Info(), Info()
    kept, left = _run(), _run()
    kept.owner, left.owner = weakref.ref(held), weakref.ref(dropped)

    def prepare() -> None:
        runs.add(kept)
        runs.add(left)

    contextvars.Context().run(prepare)
    assert runs.pop_abandoned() == []
    del dropped
    assert runs.pop_abandoned() == [left]
    assert runs.pop(FIRST, kept.step_run_id) is kept

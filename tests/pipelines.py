"""The pipelines of the tests. ZenML loads steps by their path, so they stand at the top of a module."""

from __future__ import annotations

import contextvars
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from click.testing import CliRunner
from zenml import pipeline, step
from zenml.client import Client
from zenml.config.retry_config import StepRetryConfig

from zenml_comet_tracker import current_experiment, log_metrics, log_params
from zenml_comet_tracker.cli.main import main

CONCURRENT = 4

# Steps of one process meet here, so that "at the same time" is no matter of luck.
meeting = threading.Barrier(CONCURRENT, timeout=60)
# What the calls of untracked code led to.
seen: list[object] = []


@step(experiment_tracker=True, enable_cache=False, settings={"experiment_tracker.comet_rest": {"tagz": ["x"]}})
def nothing() -> None: ...


@pipeline(settings={"experiment_tracker": {"run_nam": "x"}})
def typos() -> None:
    nothing()


@step(experiment_tracker=True, enable_cache=False)
def fit(values: list[float], rate: float = 0.1) -> Annotated[float, "last"]:
    log_params({"rate": rate, "kind": "sgd"})
    for number, value in enumerate(values):
        log_metrics({"loss": value, "half": value / 2}, step=number, epoch=number // 2)
    tracker = Client().active_stack.experiment_tracker
    tracker.log_metrics({"through_the_stack": 7.0}, step=3)
    tracker.log_params({"tracker": "stack"})
    tracker.experiment.log_asset_data(b"\x00bytes\xff", name="raw.bin")
    return values[-1]


@pipeline
def fitting(values: list[float]) -> None:
    fit(values)


@step(experiment_tracker=True, enable_cache=False)
def fail(how: str) -> None:
    log_metrics({"reached": 1.0})
    if how == "exit":
        sys.exit(3)
    if how == "interrupt":
        raise KeyboardInterrupt
    raise ValueError(f"no good: {how}")


@pipeline
def failing(how: str) -> None:
    fail(how)


@step(experiment_tracker=True, enable_cache=False)
def renames() -> None:
    current_experiment().set_name("my own name")


@pipeline
def renaming() -> None:
    renames()


attempts: list[int] = []


@step(experiment_tracker=True, enable_cache=False, retry=StepRetryConfig(max_retries=2, delay=0, backoff=0))
def third_time_lucky() -> None:
    attempts.append(len(attempts) + 1)
    log_metrics({"attempt": attempts[-1]})
    if len(attempts) < 3:
        raise ConnectionError("not yet")


@pipeline
def retried() -> None:
    third_time_lucky()


@step(enable_cache=False)
def untracked(since: float = 0.0) -> None:
    log_metrics({"lost": 1.0})
    Client().active_stack.experiment_tracker.log_params({"lost": 1})
    try:
        seen.append(current_experiment())
    except RuntimeError as error:
        seen.append(error)


@pipeline
def untracked_after_tracked() -> None:
    untracked(since=fit([1.0]))


@step(experiment_tracker=True, enable_cache=False)
def one_of_many(number: int) -> None:
    meeting.wait()
    for index in range(50):
        log_metrics({"number": number * 1000 + index}, step=index)
    log_params({"number": number})
    meeting.wait()
    if number == 2:
        raise ValueError("the second one fails")


@pipeline(dynamic=True)
def submitted() -> None:
    futures = [one_of_many.submit(number=number) for number in range(CONCURRENT)]
    log_metrics({"from_the_body": 1.0})
    for future in futures:
        future.wait()


@step(experiment_tracker=True, enable_cache=False)
def threaded() -> None:
    def log(name: str) -> None:
        log_metrics({name: 1.0})

    plain = threading.Thread(target=log, args=("plain_thread",))
    plain.start()
    plain.join()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(log, ["pool_0", "pool_1"]))
        pool.submit(contextvars.copy_context().run, log, "with_context").result()


@pipeline
def threads() -> None:
    threaded()


outliving: list[threading.Thread] = []
next_runs = threading.Event()


def _log_lost() -> None:
    log_metrics({"lost": 1.0})


@step(enable_cache=False)
def leaves_a_thread() -> float:
    def work() -> None:
        next_runs.wait(60)
        _log_lost()

    outliving.append(threading.Thread(target=work))
    outliving[-1].start()
    return 1.0


@step(experiment_tracker=True, enable_cache=False)
def outlived(since: float) -> None:
    next_runs.set()
    outliving[-1].join(60)
    log_metrics({"own": since})


@pipeline
def thread_outlives_its_step() -> None:
    outlived(leaves_a_thread())


both_run, others_are_done = threading.Barrier(2, timeout=60), threading.Event()


@step(enable_cache=False)
def untracked_with_a_thread() -> None:
    both_run.wait()
    thread = threading.Thread(target=_log_lost)
    thread.start()
    thread.join(60)


@step(experiment_tracker=True, enable_cache=False)
def beside_others() -> None:
    log_metrics({"own": 1.0})
    both_run.wait()
    others_are_done.wait(60)


@pipeline(dynamic=True)
def tracked_beside_untracked() -> None:
    tracked, other = beside_others.submit(), untracked_with_a_thread.submit()
    try:
        other.wait()
        _log_lost()
    finally:
        others_are_done.set()
    tracked.wait()


@step(experiment_tracker=True, enable_cache=False, settings={"experiment_tracker": {"tags": ["of the step"]}})
def tagged() -> None: ...


@pipeline(settings={"experiment_tracker": {"tags": ["of the pipeline"], "project_name": "of-the-pipeline"}})
def tagging() -> None:
    tagged()


@step(experiment_tracker=True, enable_cache=False)
def both_trackers() -> None:
    log_metrics({"for_both": 1.0})
    for name, tracker in Client().active_stack.experiment_trackers.items():
        tracker.log_params({"mine": name})


@pipeline
def two_trackers() -> None:
    both_trackers()


@step(experiment_tracker=True, enable_cache=False)
def uses_everything() -> None:
    """Calls on an experiment that may not be there."""
    log_metrics({"a": 1.0})
    log_params({"b": 2})
    with current_experiment() as experiment:
        experiment.log_text("text")
        experiment.log_figure("figure", None)
        seen.append(experiment.url)


@pipeline
def using_everything() -> None:
    uses_everything()


def _refuse() -> None:
    raise OSError("this artifact cannot be read")


class Unreadable:
    """Can be stored, and not be loaded."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _refuse, ()


@step(enable_cache=False)
def store_unreadable() -> Unreadable:
    return Unreadable()


@step(experiment_tracker=True, enable_cache=False)
def needs_it(value: Unreadable) -> None: ...


@pipeline
def unreadable_input() -> None:
    needs_it(store_unreadable())


@step(experiment_tracker=True, enable_cache=False)
def syncs_itself(folder: str) -> None:
    log_metrics({"before": 1.0})
    done = CliRunner().invoke(main, ["sync", folder])
    seen.append(done.output)
    log_metrics({"after": 2.0})


@pipeline
def syncing_midway(folder: str) -> None:
    syncs_itself(folder)


@step(experiment_tracker=True, enable_cache=False)
def logs_bad_values(fails: bool) -> None:
    log_metrics({"good": 1.0, "text": "no number", "none": None})
    log_params({"": 1})
    if fails:
        raise ValueError("after all")


@pipeline
def losing(fails: bool = False) -> None:
    logs_bad_values(fails)

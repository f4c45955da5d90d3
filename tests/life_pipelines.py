"""Steps that end in every way that there is. ZenML loads steps by their path, so they stand at the top of a module."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Annotated

from zenml import get_step_context, pipeline, step
from zenml.client import Client
from zenml.config.retry_config import StepRetryConfig
from zenml.enums import ExecutionMode, ExecutionStatus
from zenml.models import StepRunUpdate

from zenml_comet_tracker import current_experiment, log_metrics, log_params


def _from_hook() -> None:
    log_metrics({"from_the_hook": 1.0})


def _refuse() -> None:
    raise OSError("this artifact cannot be read")


class Unreadable:
    """Can be stored, and not be loaded."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _refuse, ()


class Unstorable:
    """Cannot be stored."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        raise OSError("this artifact cannot be stored")


@step(experiment_tracker=True, enable_cache=False)
def succeeds() -> Annotated[Unreadable, "unreadable"]:
    log_metrics({"reached": 1.0})
    return Unreadable()


@step(experiment_tracker=True, enable_cache=False)
def raises() -> None:
    log_metrics({"reached": 1.0})
    raise ValueError("no good")


@step(experiment_tracker=True, enable_cache=False)
def saves_nothing() -> Unstorable:
    log_metrics({"reached": 1.0})
    return Unstorable()


@step(experiment_tracker=True, enable_cache=False)
def returns_text() -> int:
    current_experiment().end()
    return "text"  # type: ignore[return-value]


@step(experiment_tracker=True, enable_cache=False)
def needs_it(value: Unreadable) -> None: ...


@step(experiment_tracker=True, enable_cache=True)
def kept() -> int:
    return 1


@step(experiment_tracker=True, enable_cache=False)
def terminated() -> None:
    """The signal comes while the step logs."""
    experiment = current_experiment()
    experiment._record.metric = lambda *_: signal.raise_signal(signal.SIGTERM)  # type: ignore[method-assign]
    experiment.log_metric("loss", 1.0)


told_to_stop = threading.Event()


@step(experiment_tracker=True, enable_cache=False)
def stopped() -> None:
    """Somebody stops the step in ZenML, and its heartbeat hears of it."""
    log_metrics({"reached": 1.0})
    step_run, store = get_step_context().step_run.id, Client().zen_store

    def stop() -> None:
        store.update_run_step(step_run, StepRunUpdate(status=ExecutionStatus.STOPPING))
        told_to_stop.set()

    # Not in this thread: ZenML's signal handler waits for the database, which this one would hold meanwhile.
    threading.Thread(target=stop).start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.02)


@step(experiment_tracker=True, enable_cache=False)
def stopped_on_the_page(url: str) -> None:
    """Somebody stops the experiment on Comet's page; the step goes on."""
    import requests

    experiment = current_experiment()
    log_metrics({"before": 1.0})
    experiment.flush()
    headers = {"Authorization": experiment._settings.api_key}
    params = {"experimentKey": experiment.id}
    answer = requests.get(f"{url}/api/rest/v2/write/experiment/stop", params=params, headers=headers, timeout=30)
    answer.raise_for_status()
    log_metrics({"after": 2.0})


@pipeline(execution_mode=ExecutionMode.CONTINUE_ON_FAILURE)
def ways_to_end(url: str) -> None:
    # Here and not in its decorator: ZenML then asks for the project's root, which a test worker has only later.
    unreadable = succeeds.with_options(on_success=_from_hook)(id="succeeds")
    raises()
    saves_nothing()
    returns_text()
    needs_it(unreadable)
    kept(id="first")
    kept(id="second", after="first")
    # Runs last, and so closes what the step without an input left open.
    succeeds(id="later", after="second")
    terminated()
    stopped()
    stopped_on_the_page(url)


@step(experiment_tracker=True, enable_cache=False)
def reports_badly() -> None: ...


@step(experiment_tracker=True, enable_cache=False)
def is_cleaned_up_badly() -> None: ...


@step(experiment_tracker=True, enable_cache=False)
def is_prepared_badly() -> None: ...


@pipeline(execution_mode=ExecutionMode.CONTINUE_ON_FAILURE)
def beside_a_bad_component() -> None:
    reports_badly()
    is_cleaned_up_badly()
    is_prepared_badly()
    succeeds()


attempts: list[int] = []
# What the server says of the experiment at the beginning of each attempt.
statuses: list[object] = []


@step(experiment_tracker=True, enable_cache=False, retry=StepRetryConfig(max_retries=2, delay=0, backoff=0))
def third_time_lucky() -> None:
    attempts.append(len(attempts) + 1)
    log_params({"rate": attempts[-1], "kind": "sgd"})
    current_experiment().log_other("seen", f"by {attempts[-1]}")
    for number in range(attempts[-1]):
        log_metrics({"loss": attempts[-1] * 10.0 + number}, step=number)
    if len(attempts) < 3:
        raise ConnectionError("not yet")


@pipeline
def retried() -> None:
    third_time_lucky()


@step(experiment_tracker=True, enable_cache=False, retry=StepRetryConfig(max_retries=1, delay=0, backoff=0))
def to_be_repeated() -> None:
    log_metrics({"loss": 1.0})
    raise ConnectionError("not yet")


@pipeline
def never_repeated() -> None:
    to_be_repeated()


@step(experiment_tracker=True, enable_cache=False)
def ends_by_itself() -> None:
    """Somebody stops the step in ZenML, and it is through before it hears of that."""
    log_metrics({"reached": 1.0})
    stopping = StepRunUpdate(status=ExecutionStatus.STOPPING)
    Client().zen_store.update_run_step(get_step_context().step_run.id, stopping)


@pipeline
def stopped_unheard() -> None:
    ends_by_itself()


@step(experiment_tracker=True, enable_cache=False, retry=StepRetryConfig(max_retries=1, delay=0, backoff=0))
def killed_once(marker: str) -> None:
    log_params({"again": os.path.exists(marker)})
    if os.path.exists(marker):
        log_metrics({"loss": 2.0}, step=0)
        return
    with open(marker, "w") as file:
        file.write(current_experiment().id)
    log_metrics({"loss": 1.0}, step=0)
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


@pipeline
def killed(marker: str) -> None:
    killed_once(marker)


@step(experiment_tracker=True, enable_cache=False)
def keyed() -> None:
    log_metrics({"reached": 1.0})


@pipeline(tags=["of ZenML"])
def with_keys(good: str, bad: str) -> None:
    chosen = {"experiment_tracker": {"experiment_key": good, "auto_tags": ["zenml"]}}
    keyed.with_options(settings=chosen)(id="good")
    keyed.with_options(settings={"experiment_tracker": {"experiment_key": bad}})(id="bad")

"""Pipelines whose steps run on another machine. That machine imports this module, so it stays light."""

from __future__ import annotations

import os
from pathlib import Path

from zenml import pipeline, step
from zenml.enums import ExecutionMode

from zenml_comet_tracker import current_experiment, log_metrics, log_params


@step(experiment_tracker=True, enable_cache=False, runtime="isolated")
def isolated(values: list[float]) -> str:
    for number, value in enumerate(values):
        log_metrics({"loss": value}, step=number)
    log_params({"home": os.environ["HOME"], "process": os.getpid()})
    current_experiment().log_asset_data(b"\x00bytes\xff", name="raw.bin")
    try:
        Path.home().mkdir(parents=True)
    except OSError as error:
        return type(error).__name__
    return "the home can be written"


@step(experiment_tracker=True, enable_cache=False, step_operator="elsewhere")
def operated(values: list[float]) -> None:
    for number, value in enumerate(values):
        log_metrics({"loss": value}, step=number)
    raise ValueError("no good elsewhere")


@pipeline(dynamic=True, execution_mode=ExecutionMode.CONTINUE_ON_FAILURE)
def far_away(values: list[float]) -> None:
    first, second = isolated.submit(values=values), operated.submit(values=values)
    for future in (first, second):
        future.wait()

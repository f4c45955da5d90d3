"""One measurement in a fresh process: `python -m benchmarks.cases CLIENT CASE ROOT`. Prints one JSON object."""

from __future__ import annotations

import json
import logging
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

CALLS = 5_000
DELIVERED_POINTS = 20_000


def make_ours(root: str) -> Any:
    """Our experiment."""
    from zenml_comet_tracker.comet.experiment import Experiment

    return Experiment(api_key="k", workspace="w", project_name="p", url=root, journal_folder=tempfile.mkdtemp())


def make_comet_ml(root: str) -> Any:
    """The official SDK's experiment with every automatic logging off ("lean")."""
    import os

    os.environ.update(COMET_URL_OVERRIDE=f"{root}/clientlib/", COMET_ERROR_TRACKING_ENABLE="false")
    logging.disable(logging.CRITICAL)
    import comet_ml

    return comet_ml.Experiment(
        api_key="k",
        workspace="w",
        project_name="p",
        log_code=False,
        log_graph=False,
        auto_param_logging=False,
        auto_metric_logging=False,
        auto_output_logging=False,
        log_env_details=False,
        log_git_metadata=False,
        log_git_patch=False,
        parse_args=False,
        display_summary_level=0,
    )


CLIENTS: dict[str, Callable[[str], Any]] = {"zenml-comet-tracker": make_ours, "comet_ml": make_comet_ml}


def case_import(make: Callable[[str], Any], root: str) -> dict[str, float]:
    """Seconds and memory of importing the client."""
    start = time.perf_counter()
    if make is make_ours:
        import zenml_comet_tracker.comet.experiment  # noqa: F401
    else:
        import comet_ml  # noqa: F401
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def case_log_metric(make: Callable[[str], Any], root: str) -> dict[str, float]:
    """Microseconds of one `log_metric` call in a loop."""
    experiment = make(root)
    took = []
    for step in range(CALLS):
        start = time.perf_counter_ns()
        experiment.log_metric("loss", 0.5, step=step)
        took.append((time.perf_counter_ns() - start) / 1000)
    experiment.end()
    return _spread(took)


def case_log_metrics(make: Callable[[str], Any], root: str) -> dict[str, float]:
    """Microseconds of one `log_metrics` call with ten values."""
    experiment = make(root)
    values = {f"m{i}": 0.5 for i in range(10)}
    took = []
    for step in range(CALLS // 5):
        start = time.perf_counter_ns()
        experiment.log_metrics(values, step=step)
        took.append((time.perf_counter_ns() - start) / 1000)
    experiment.end()
    return _spread(took)


def case_create_and_end(make: Callable[[str], Any], root: str) -> dict[str, float]:
    """Seconds from making an experiment to having ended it, with one metric in between."""
    warm = make(root)
    warm.end()
    start = time.perf_counter()
    experiment = make(root)
    experiment.log_metric("loss", 0.5, step=1)
    experiment.end()
    return {"seconds": time.perf_counter() - start}


def case_deliver(make: Callable[[str], Any], root: str) -> dict[str, float]:
    """Seconds until every one of the points is with the server."""
    experiment = make(root)
    start = time.perf_counter()
    for step in range(DELIVERED_POINTS):
        experiment.log_metric("loss", 0.5, step=step)
    experiment.end()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


CASES = {
    "import": case_import,
    "log_metric": case_log_metric,
    "log_metrics_of_10": case_log_metrics,
    "create_and_end": case_create_and_end,
    "deliver_20000_points": case_deliver,
}


def _spread(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {
        "mean_us": statistics.fmean(took),
        "median_us": ordered[len(ordered) // 2],
        "p99_us": ordered[int(len(ordered) * 0.99)],
    }


if __name__ == "__main__":
    client, case, root_url = sys.argv[1:4]
    print(json.dumps(CASES[case](CLIENTS[client], root_url)), flush=True)

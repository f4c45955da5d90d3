"""Metrics in both protocols: values, steps, epochs, contexts, order; single points, summaries, charts."""

from __future__ import annotations

import math
from typing import Any

import orjson

from zenml_comet_tracker.comet.resources import charts, metrics, system_metrics
from zenml_comet_tracker.comet.resources.system_metrics import Reading
from zenml_comet_tracker.comet.transport import Transport
from zenml_comet_tracker.comet.values import WireNumber
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.scratch import Scratch

group = Group("metrics")

Point = tuple[float, int | None, float | None, int]


@group.check("one point a request: value, step, epoch, time", "POST write/experiment/metric")
def _one(scratch: Scratch) -> None:
    points: list[Point] = [(0.1 + n, n, n / 2, scratch.millis + n) for n in range(3)]
    for value, step, epoch, millis in points:
        scratch.ask(metrics.write, scratch.rest, metrics.row("one", value, millis, step, epoch))
    _expect(scratch, scratch.rest, "one", points)


@group.check("a thousand points in one request", "POST clientlib/batch/logger/experiment/metric", "batch")
def _batch(scratch: Scratch) -> None:
    points: list[Point] = [(1 / (n + 3), n, None, scratch.millis + n) for n in range(metrics.MAX_BATCH)]
    rows = b",".join(orjson.dumps(metrics.row("many", value, millis, step)) for value, step, _, millis in points)
    scratch.ask(metrics.write_batch, scratch.batch, rows)
    _expect(scratch, scratch.batch, "many", points)


@group.check("a context stands before the name", "POST write/experiment/metric")
def _context(scratch: Scratch) -> None:
    scratch.ask(metrics.write, scratch.rest, metrics.row("loss", 0.5, scratch.millis, 1, context="train"))
    _expect(scratch, scratch.rest, "train_loss", [(0.5, 1, None, scratch.millis)])


@group.check("a context stands before the name", "POST clientlib/batch/logger/experiment/metric", "batch")
def _context_batch(scratch: Scratch) -> None:
    row = metrics.row("loss", 0.5, scratch.millis, 1, context="train")
    scratch.ask(metrics.write_batch, scratch.batch, orjson.dumps(row))
    _expect(scratch, scratch.batch, "train_loss", [(0.5, 1, None, scratch.millis)])


@group.check("NaN and infinities are kept", "POST clientlib/batch/logger/experiment/metric", "batch")
def _special(scratch: Scratch) -> None:
    special: dict[str, WireNumber] = {"NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity"}
    rows = [metrics.row("special", value, scratch.millis + n, n) for n, value in enumerate(special.values())]
    scratch.ask(metrics.write_batch, scratch.batch, b",".join(map(orjson.dumps, rows)))
    points: list[Point] = [
        (value, n, None, scratch.millis + n) for n, value in enumerate((math.nan, math.inf, -math.inf))
    ]
    _expect(scratch, scratch.batch, "special", points)


@group.check("extreme values are kept exactly", "POST clientlib/batch/logger/experiment/metric", "batch")
def _extreme(scratch: Scratch) -> None:
    values = (0.1 + 0.2, 1e-300, -1.7976931348623157e308, 2.0**53)
    points: list[Point] = [(value, n, None, scratch.millis + n) for n, value in enumerate(values)]
    rows = [metrics.row("extreme", value, millis, step) for value, step, _, millis in points]
    scratch.ask(metrics.write_batch, scratch.batch, b",".join(map(orjson.dumps, rows)))
    _expect(scratch, scratch.batch, "extreme", points)


@group.check("the last, least and greatest value", "GET experiment/metrics/summary")
def _summary(scratch: Scratch) -> None:
    def read() -> dict[str, float]:
        rows = {row["name"]: row for row in scratch.ask(metrics.summary, scratch.rest)}
        return {name: float(rows["one"][name]) for name in ("valueCurrent", "valueMin", "valueMax") if "one" in rows}

    expected = {"valueCurrent": 2.1, "valueMin": 0.1, "valueMax": 2.1}
    scratch.eventually(read, lambda got: got == expected, expected)


@group.check("all metrics in one answer", "GET experiment/metrics/get-all")
def _all(scratch: Scratch) -> None:
    scratch.eventually(
        lambda: {row["metricName"] for row in scratch.ask(metrics.points, scratch.rest)},
        lambda names: {"one", "train_loss"} <= names,
        "the metrics one and train_loss",
    )


@group.check("a chart of two experiments", "POST experiments/multi-metric-chart")
def _chart(scratch: Scratch) -> None:
    def read() -> dict[str, Any]:
        found = scratch.ask(
            charts.multi_metric_chart,
            [scratch.rest, scratch.batch],
            ["train_loss"],
            None,
            independent=True,
            full=True,
        )
        return {key: [series["values"] for series in chart["metrics"]] for key, chart in found.items()}

    expected = {scratch.rest: [[0.5]], scratch.batch: [[0.5]]}
    scratch.eventually(read, lambda got: got == expected, expected)


@group.check("the use of processors, memory and GPUs", "POST write/experiment/cpu-metrics")
def _system(scratch: Scratch) -> None:
    when = Reading(scratch.millis)
    gpu = {"gpuId": 0, "freeMemory": 1, "usedMemory": 2, "gpuUtilization": 3, "totalMemory": 4}
    scratch.ask(system_metrics.write_cpu, scratch.rest, [12.5, 25.0], when)
    scratch.ask(system_metrics.write_ram, scratch.rest, 1_000.0, 250.0, when)
    scratch.ask(system_metrics.write_load, scratch.rest, 0.75, when)
    scratch.ask(system_metrics.write_gpus, scratch.rest, [gpu])

    def names(transport: Transport) -> set[str]:
        return {str(row["name"]) for row in metrics.summary(transport, scratch.rest)}

    scratch.eventually(
        lambda: scratch.ask(names),
        lambda found: {"sys.cpu.percent.01", "sys.ram.used", "sys.load.avg", "sys.gpu.0.used_memory"} <= found,
        "metrics sys.cpu.percent.01, sys.ram.used, sys.load.avg and sys.gpu.0.used_memory",
    )


def _expect(scratch: Scratch, key: str, name: str, expected: list[Point]) -> None:
    def read() -> list[Point]:
        return [
            (float(row["metricValue"]), row.get("step"), row.get("epoch"), int(row["timestamp"]))
            for row in scratch.ask(metrics.points, key, name)
        ]

    # NaN differs from itself, and not as text.
    scratch.eventually(read, lambda got: repr(_plain(got)) == repr(_plain(expected)), expected)


def _plain(points: list[Point]) -> list[Point]:
    return [(value, step, None if epoch is None else float(epoch), millis) for value, step, epoch, millis in points]

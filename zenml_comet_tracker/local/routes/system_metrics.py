"""What the machine was doing: processor, memory, load and GPUs, kept as metrics under the names that the SDK uses."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.calls import Call, JsonCall
from zenml_comet_tracker.local.store import metrics
from zenml_comet_tracker.local.store.metrics import MetricValue
from zenml_comet_tracker.local.store.store import Target

rest = APIRouter()

# Of one GPU: what the call says and what the SDK's metric is called.
_GPU_VALUES = {
    "freeMemory": "free_memory",
    "usedMemory": "used_memory",
    "totalMemory": "total_memory",
    "gpuUtilization": "gpu_utilization",
}


@rest.post("/write/experiment/cpu-metrics")
def add_processors(call: JsonCall) -> Response:
    """Stores `cpuPercentUtilization`, one number a processor, and their mean."""
    percents = call.fields.numbers("cpuPercentUtilization")
    values = {f"sys.cpu.percent.{index:02d}": percent for index, percent in enumerate(percents, start=1)}
    if percents:
        values["sys.cpu.percent.avg"] = sum(percents) / len(percents)
    return _add(call, values)


@rest.post("/write/experiment/gpu-metrics")
def add_gpus(call: JsonCall) -> Response:
    """Stores what each of `gpus` says of itself: memory and utilization."""
    values: dict[str, float] = {}
    for fields in call.fields.objects("gpus"):
        number = fields.integer("gpuId")
        if number is None:
            raise fields.error("gpuId", "a whole number")
        given = {name: fields.number(name) for name in _GPU_VALUES}
        values |= {f"sys.gpu.{number}.{_GPU_VALUES[name]}": value for name, value in given.items() if value is not None}
    return _add(call, values)


@rest.post("/write/experiment/ram-metrics")
def add_memory(call: JsonCall) -> Response:
    """Stores `totalRam` and `usedRam`."""
    fields = call.fields
    return _add(
        call, {"sys.ram.total": fields.stated_number("totalRam"), "sys.ram.used": fields.stated_number("usedRam")}
    )


@rest.post("/write/experiment/load-metrics")
def add_load(call: JsonCall) -> Response:
    """Stores `loadAverage`."""
    return _add(call, {"sys.load.avg": call.fields.stated_number("loadAverage")})


def _add(call: Call, values: dict[str, float]) -> Response:
    """The context is left out of the names: one machine has one series of each, whichever part of the run it was in."""
    fields, now = call.fields, call.store.clock()
    given = fields.moment("timestamp")
    millis = now if given is None else given
    step, epoch = fields.integer("step"), fields.number("epoch")
    taken = [MetricValue(name, value, step, epoch, "", millis) for name, value in values.items()]

    def change(target: Target) -> None:
        if taken:
            metrics.add(target.connection, target.experiment.id, target.writer, taken)

    return call.write(change, stores={"points": len(taken)})

"""What the machine of an experiment was doing: processors, memory, load and GPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import REST, Transport


@dataclass(frozen=True)
class Reading:
    """When something was measured: step, epoch, context, and milliseconds since the epoch; None is left out."""

    millis: int | None = None
    step: int | None = None
    epoch: float | None = None
    context: str | None = None

    def members(self) -> dict[str, Any]:
        """As the calls take it."""
        found = {"timestamp": self.millis, "step": self.step, "epoch": self.epoch, "context": self.context}
        return {name: value for name, value in found.items() if value is not None}


def write_cpu(
    transport: Transport, experiment_key: str, percents: Sequence[float], when: Reading, headers: Headers = None
) -> dict[str, Any]:
    """Writes the utilization of each processor, in percent. POST `write/experiment/cpu-metrics`."""
    body = {"experimentKey": experiment_key, "cpuPercentUtilization": list(percents), **when.members()}
    return transport.post_json(f"{REST}write/experiment/cpu-metrics", body, headers=headers)


def write_gpus(
    transport: Transport, experiment_key: str, gpus: Sequence[Mapping[str, Any]], headers: Headers = None
) -> dict[str, Any]:
    """Writes what each GPU says of itself: `gpuId`, `freeMemory`, `usedMemory`, `gpuUtilization`, `totalMemory`.

    POST `write/experiment/gpu-metrics`.
    """
    body = {"experimentKey": experiment_key, "gpus": [dict(gpu) for gpu in gpus]}
    return transport.post_json(f"{REST}write/experiment/gpu-metrics", body, headers=headers)


def write_ram(
    transport: Transport, experiment_key: str, total: float, used: float, when: Reading, headers: Headers = None
) -> dict[str, Any]:
    """Writes total and used memory. POST `write/experiment/ram-metrics`."""
    body = {"experimentKey": experiment_key, "totalRam": total, "usedRam": used, **when.members()}
    return transport.post_json(f"{REST}write/experiment/ram-metrics", body, headers=headers)


def write_load(
    transport: Transport, experiment_key: str, average: float, when: Reading, headers: Headers = None
) -> dict[str, Any]:
    """Writes the load average. POST `write/experiment/load-metrics`."""
    body = {"experimentKey": experiment_key, "loadAverage": average, **when.members()}
    return transport.post_json(f"{REST}write/experiment/load-metrics", body, headers=headers)

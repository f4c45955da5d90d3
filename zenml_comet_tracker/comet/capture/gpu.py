"""The NVIDIA GPUs of this machine, through NVML where it is installed (`pip install "zenml-comet-tracker[gpu]"`)."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)


class Gpus:
    """All GPUs that NVML shows, none where there is no driver or no library. What one cannot tell is left out.

    NVML's state belongs to a process: a forked child makes its own.
    """

    def __init__(self) -> None:
        self._nvml: Any = None
        self._handles: list[Any] = []
        try:
            with warnings.catch_warnings():
                # An old package of the same name says that it is old.
                warnings.simplefilter("ignore")
                import pynvml
            pynvml.nvmlInit()
            self._nvml = pynvml
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(at) for at in range(pynvml.nvmlDeviceGetCount())]
        except Exception as error:
            logger.debug("No GPU is seen: %s: %s", type(error).__name__, error)

    def details(self) -> list[dict[str, Any]]:
        """What each GPU is: `gpuIndex`, `name`, `uuid`, `totalMemory` in bytes, `powerLimit` in milliwatts."""
        nvml = self._nvml
        return [
            {
                "gpuIndex": at,
                "name": _text(_asked(nvml.nvmlDeviceGetName, handle)),
                "uuid": _text(_asked(nvml.nvmlDeviceGetUUID, handle)),
                "totalMemory": getattr(_asked(nvml.nvmlDeviceGetMemoryInfo, handle), "total", None),
                "powerLimit": _asked(nvml.nvmlDeviceGetEnforcedPowerLimit, handle),
            }
            for at, handle in enumerate(self._handles)
        ]

    def sample(self) -> dict[str, float]:
        """What each GPU does, by metric name: percent, bytes, milliwatts and degrees Celsius, as Comet shows them."""
        values: dict[str, float] = {}
        for at, handle in enumerate(self._handles):
            found = self._sample_of(handle)
            values |= {f"sys.gpu.{at}.{name}": float(value) for name, value in found.items() if value is not None}
        return values

    def _sample_of(self, handle: Any) -> dict[str, float | None]:
        nvml = self._nvml
        rates, memory = _asked(nvml.nvmlDeviceGetUtilizationRates, handle), _asked(nvml.nvmlDeviceGetMemoryInfo, handle)
        return {
            "gpu_utilization": getattr(rates, "gpu", None),
            "memory_utilization": getattr(rates, "memory", None),
            "total_memory": getattr(memory, "total", None),
            "used_memory": getattr(memory, "used", None),
            "free_memory": getattr(memory, "free", None),
            "power_usage": _asked(nvml.nvmlDeviceGetPowerUsage, handle),
            "temperature": _asked(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
        }

    def close(self) -> None:
        """Lets go of NVML."""
        nvml, self._nvml, self._handles = self._nvml, None, []
        if nvml is not None:
            _asked(nvml.nvmlShutdown)


def _asked(question: Callable[..., Any], *arguments: Any) -> Any:
    """NVML's answer; None where this GPU, or a share of one, has none."""
    try:
        return question(*arguments)
    except Exception as error:
        logger.debug("A GPU does not tell: %s: %s", type(error).__name__, error)
        return None


def _text(value: Any) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
